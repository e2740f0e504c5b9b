// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// workerUser is the user and group of the worker image; nothing in a step's pod is root.
const workerUser = int64(65532)

// secretMode lets the worker's group read a mounted Secret, and nobody write it.
const secretMode = int32(0o440)

// caFile is the name of the CA certificates in the folder that they are mounted to, whatever the Secret's key.
const caFile = "ca.crt"

const (
	volumeWork                   = "work"
	volumeTemp                   = "tmp"
	volumeSource                 = "source"
	volumeSourceCredentials      = "source-credentials" //nolint:gosec // the name of a volume
	volumeSourceCA               = "source-ca"
	volumeDestination            = "destination"
	volumeDestinationCredentials = "destination-credentials"
	volumeDestinationCA          = "destination-ca"
)

// podSpec is the pod of a step: fetch has the source's credentials and the network, process has neither credentials
// nor (by the worker's sandbox) the network, publish has the destination's credentials.
func podSpec(work *Work, kind Kind, spec *workerapi.StepSpec, encoded string) corev1.PodSpec {
	sourceVolumes, sourceMounts := sourceVolumes(spec)
	destinationVolumes, destinationMounts := destinationVolumes(spec)
	volumes := []corev1.Volume{emptyDir(volumeWork, workSize(spec.Inputs[0].MaxBytes)), emptyDir(volumeTemp, quantity(maxTemp))}
	volumes = append(append(volumes, sourceVolumes...), destinationVolumes...)
	needed := work.Resources(defaults(work, kind.Needs, spec.Inputs[0].Artifact.SizeBytes))
	pod := RestrictedPod(work)
	pod.InitContainers = []corev1.Container{
		Container(work.WorkerImage, workerapi.ContainerFetch, encoded, needed, append(shared(), sourceMounts...)),
		Container(work.WorkerImage, workerapi.ContainerProcess, encoded, needed, shared()),
	}
	pod.Containers = []corev1.Container{
		Container(work.WorkerImage, workerapi.ContainerPublish, encoded, needed, append(shared(), destinationMounts...)),
	}
	pod.Volumes = volumes
	return pod
}

// sourceVolumes are those of the fetch container: of each StorageLocation that inputs lie in, at a place of its own.
func sourceVolumes(spec *workerapi.StepSpec) (volumes []corev1.Volume, mounts []corev1.VolumeMount) {
	next := 0
	for i := range spec.Inputs {
		place := spec.Inputs[i].Place
		if place != next {
			continue // it is there
		}
		next++
		at := func(name string) string { return workerapi.AtPlace(name, place) }
		more, mounted := storageVolumes(spec.Inputs[i].Storage, mountPaths{
			volume: at(volumeSource), credentials: at(volumeSourceCredentials), ca: at(volumeSourceCA),
			volumeDir: at(workerapi.SourceVolumeDir), credentialsDir: at(workerapi.SourceCredentialsDir), caDir: at(workerapi.SourceCADir),
			readOnly: true,
		})
		volumes, mounts = append(volumes, more...), append(mounts, mounted...)
	}
	return volumes, mounts
}

// destinationVolumes are those of the publish container.
func destinationVolumes(spec *workerapi.StepSpec) ([]corev1.Volume, []corev1.VolumeMount) {
	return storageVolumes(&spec.Destination.Storage, mountPaths{
		volume: volumeDestination, credentials: volumeDestinationCredentials, ca: volumeDestinationCA,
		volumeDir: workerapi.DestinationVolumeDir, credentialsDir: workerapi.DestinationCredentialsDir, caDir: workerapi.DestinationCADir,
	})
}

func emptyDir(name string, limit *resource.Quantity) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: limit}}}
}

// shared are the folders that every container of a step has which works on media.
func shared() []corev1.VolumeMount {
	return []corev1.VolumeMount{
		{Name: volumeWork, MountPath: workerapi.WorkDir},
		{Name: volumeTemp, MountPath: "/tmp"},
	}
}

// RestrictedPod is what the pods of all steps have in common: Pod Security "restricted", no service account, and where the
// step's pod may run.
func RestrictedPod(work *Work) corev1.PodSpec {
	settings := work.settings()
	return corev1.PodSpec{
		RestartPolicy:                corev1.RestartPolicyNever,
		AutomountServiceAccountToken: new(false),
		EnableServiceLinks:           new(false),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot:        new(true),
			RunAsUser:           new(workerUser),
			RunAsGroup:          new(workerUser),
			FSGroup:             new(workerUser),
			FSGroupChangePolicy: new(corev1.FSGroupChangeOnRootMismatch),
			SeccompProfile:      &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		NodeSelector:      nodeSelector(settings.NodeSelector),
		Tolerations:       tolerations(settings.Tolerations),
		PriorityClassName: settings.PriorityClassName,
	}
}

func nodeSelector(labels map[string]v1alpha1.LabelValue) map[string]string {
	if labels == nil {
		return nil
	}
	selector := make(map[string]string, len(labels))
	for key, value := range labels {
		selector[key] = string(value)
	}
	return selector
}

func tolerations(set []v1alpha1.Toleration) []corev1.Toleration {
	var made []corev1.Toleration
	for _, t := range set {
		made = append(made, corev1.Toleration{Key: t.Key, Operator: t.Operator, Value: string(t.Value), Effect: t.Effect, TolerationSeconds: t.TolerationSeconds})
	}
	return made
}

// Container is a container of a step, which runs a subcommand of its name.
func Container(image, name, encoded string, needed corev1.ResourceRequirements, mounts []corev1.VolumeMount) corev1.Container {
	return corev1.Container{
		Name:            name,
		Image:           image,
		ImagePullPolicy: corev1.PullIfNotPresent,
		Args:            []string{name},
		Env:             []corev1.EnvVar{{Name: workerapi.EnvStep, Value: encoded}},
		Resources:       needed,
		SecurityContext: restricted(),
		VolumeMounts:    mounts,
		// The last log lines stand in for the worker's result when it could not write one, for example out of memory.
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
}

// restricted is the security context of every container of a step.
func restricted() *corev1.SecurityContext {
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false),
		ReadOnlyRootFilesystem:   new(true),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
}

// mountPaths says how the volumes of one StorageLocation are called and where they are mounted.
type mountPaths struct {
	volume, credentials, ca          string
	volumeDir, credentialsDir, caDir string
	readOnly                         bool
}

func storageVolumes(storage *workerapi.Storage, at mountPaths) ([]corev1.Volume, []corev1.VolumeMount) {
	if storage == nil {
		return nil, nil
	}
	if claim := storage.Spec.PersistentVolumeClaim; claim != nil {
		return []corev1.Volume{{Name: at.volume, VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim.ClaimName, ReadOnly: at.readOnly},
			}}},
			[]corev1.VolumeMount{{Name: at.volume, MountPath: at.volumeDir, ReadOnly: at.readOnly}}
	}
	s3 := storage.Spec.S3
	volumes := []corev1.Volume{credentialsVolume(at.credentials, s3.CredentialsSecretRef.Name)}
	mounts := []corev1.VolumeMount{{Name: at.credentials, MountPath: at.credentialsDir, ReadOnly: true}}
	if ca := s3.CASecretRef; ca != nil {
		volumes = append(volumes, corev1.Volume{Name: at.ca, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
			SecretName: ca.Name, Items: []corev1.KeyToPath{{Key: ca.Key, Path: caFile}}, DefaultMode: new(secretMode),
		}}})
		mounts = append(mounts, corev1.VolumeMount{Name: at.ca, MountPath: at.caDir, ReadOnly: true})
	}
	return volumes, mounts
}

// credentialsVolume projects the keys that are needed and no other. Some are optional, which the items of a Secret
// cannot be one by one: so each of these is a projection of its own.
func credentialsVolume(name, secret string) corev1.Volume {
	project := func(optional bool, keys ...string) corev1.VolumeProjection {
		projection := &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: secret}}
		for _, key := range keys {
			projection.Items = append(projection.Items, corev1.KeyToPath{Key: key, Path: key})
		}
		if optional {
			projection.Optional = new(true)
		}
		return corev1.VolumeProjection{Secret: projection}
	}
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		DefaultMode: new(secretMode),
		Sources: []corev1.VolumeProjection{
			project(false, v1alpha1.SecretKeyAccessKeyID, v1alpha1.SecretKeySecretAccessKey),
			project(true, v1alpha1.SecretKeySessionToken),
			project(true, v1alpha1.SecretKeyEndpoint),
		},
	}}}
}
