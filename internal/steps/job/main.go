// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"fmt"
	"path"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"sparkrtc.dev/recording-operator/internal/bounded"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Main is the container of a step that runs an image of the tenant's.
type Main struct {
	// Image, Command, Args and Env are the container's. The kubelet expands $(NAME) in them: see Literal.
	Image         string
	Command, Args []string
	Env           []corev1.EnvVar
	// Claims are the tenant's volumes, mounted read-only.
	Claims []Claim
	// User runs the container; nil: the worker's.
	User *int64
}

// Claim is a PersistentVolumeClaim that is mounted read-only.
type Claim struct{ Name, MountPath, ClaimName string }

// Literal keeps the kubelet from expanding $(NAME) in an argument or in the value of a variable.
func Literal(text string) string { return strings.ReplaceAll(text, "$", "$$") }

// The volumes of a step that runs an image of the tenant's. The image sees neither the worker's folders nor those of a
// StorageLocation.
const (
	volumeRecording = "recording"
	volumeOutput    = "output"
	volumeResults   = "results"
	volumeScratch   = "scratch"
	// claimPrefix tells a tenant's volume from ours.
	claimPrefix = "claim-"

	// maxFacts bounds what fetch and publish hand to each other, and the manifest.
	maxFacts = 256 * mebibyte
	// maxResults bounds the folder of the results, which have 1 KiB each.
	maxResults = mebibyte
)

// podWithMain is the pod of a step that runs an image of the tenant's: fetch has the source's credentials, main has none of
// ours and reads what fetch has left, and publish has the destination's and reads what main has left.
func podWithMain(work *Work, kind Kind, spec *workerapi.StepSpec, encoded string) corev1.PodSpec {
	fetched := int64(0)
	for i := range spec.Inputs {
		fetched += spec.Inputs[i].MaxBytes
	}
	needed := work.Resources(defaults(work, kind.Needs, reportedBytes(spec.Inputs)))
	sources, sourceMounts := sourceVolumes(spec)
	destinations, destinationMounts := destinationVolumes(spec)
	pod := RestrictedPod(work)
	pod.InitContainers = []corev1.Container{
		Container(work.WorkerImage, workerapi.ContainerFetch, encoded, needed,
			slices.Concat(shared(), []corev1.VolumeMount{{Name: volumeRecording, MountPath: workerapi.RecordingDir}}, sourceMounts)),
		mainContainer(kind.Main, needed),
	}
	pod.Containers = []corev1.Container{
		Container(work.WorkerImage, workerapi.ContainerPublish, encoded, needed, slices.Concat(shared(), made(true), destinationMounts)),
	}
	pod.Volumes = slices.Concat([]corev1.Volume{
		emptyDir(volumeWork, quantity(maxFacts)), emptyDir(volumeTemp, quantity(maxTemp)),
		emptyDir(volumeRecording, quantity(fetched+leastStorage)), emptyDir(volumeOutput, workSize(fetched)),
		emptyDir(volumeResults, quantity(maxResults)), emptyDir(volumeScratch, workSize(fetched)),
	}, sources, destinations, claims(kind.Main))
	return pod
}

// made are the folders that main writes to, and publish reads.
func made(readOnly bool) []corev1.VolumeMount {
	return []corev1.VolumeMount{
		{Name: volumeOutput, MountPath: path.Join(workerapi.RecordingDir, workerapi.OutputDir), ReadOnly: readOnly},
		{Name: volumeResults, MountPath: path.Join(workerapi.RecordingDir, workerapi.ResultsDir), ReadOnly: readOnly},
	}
}

func mainContainer(main *Main, needed corev1.ResourceRequirements) corev1.Container {
	mounts := slices.Concat([]corev1.VolumeMount{{Name: volumeRecording, MountPath: workerapi.RecordingDir, ReadOnly: true}}, made(false),
		[]corev1.VolumeMount{{Name: volumeScratch, MountPath: "/tmp"}})
	for _, claim := range main.Claims {
		mounts = append(mounts, corev1.VolumeMount{Name: claimPrefix + claim.Name, MountPath: claim.MountPath, ReadOnly: true})
	}
	security := restricted()
	security.RunAsUser = main.User
	return corev1.Container{
		Name: workerapi.ContainerMain, Image: main.Image, Command: main.Command, Args: main.Args, Env: main.Env,
		Resources: needed, SecurityContext: security, VolumeMounts: mounts,
		// The last lines of its log say why it failed.
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
}

func claims(main *Main) []corev1.Volume {
	var volumes []corev1.Volume
	for _, claim := range main.Claims {
		volumes = append(volumes, corev1.Volume{Name: claimPrefix + claim.Name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim.ClaimName, ReadOnly: true},
		}})
	}
	return volumes
}

const (
	// maxLines and maxSaid bound what a message quotes of a log: a status takes 512 bytes.
	maxLines = 4
	maxSaid  = 384
)

// mainResult is why an image of the tenant's did not succeed.
func mainResult(job *batchv1.Job, ended *corev1.ContainerStateTerminated) *workerapi.Failure {
	decided := ended.ExitCode == workerapi.ExitPermanent || ended.ExitCode == workerapi.ExitSkipped
	switch {
	case ended.Reason == containerOutOfMemory && !decided:
		return outOfMemory(job, workerapi.ContainerMain)
	case ended.Reason == containerOutOfMemory, ended.Reason == containerError:
		return mainFailure(job, ended)
	}
	return silent(job, workerapi.ContainerMain, ended) // it never ran
}

// mainFailure is why an image of the tenant's failed. Its termination message is the end of its log, or what it wrote
// itself: a text, whatever it looks like.
func mainFailure(job *batchv1.Job, ended *corev1.ContainerStateTerminated) *workerapi.Failure {
	failure := &workerapi.Failure{Reason: workerapi.ReasonContainerFailed}
	switch ended.ExitCode {
	case workerapi.ExitPermanent:
		failure.Permanent = true
	case workerapi.ExitSkipped:
		failure.Reason, failure.Permanent, failure.NothingToDo = workerapi.ReasonContainerSkipped, true, true
	}
	failure.Message = fmt.Sprintf("the image ended with exit code %d", ended.ExitCode)
	if said := lastLines(ended.Message); said != "" {
		failure.Message += ": " + said
	} else {
		failure.Message += fmt.Sprintf("; see kubectl logs job/%s -c %s", job.Name, workerapi.ContainerMain)
	}
	return failure
}

// lastLines are the last lines of a text that say something, on one line, without control characters.
func lastLines(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.Join(strings.Fields(bounded.Printable(line)), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return bounded.Tail(strings.Join(lines[max(0, len(lines)-maxLines):], " | "), maxSaid)
}
