// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package trigger

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"sparkrtc.dev/recording-operator/internal/steps/job"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

const (
	// tokenSeconds is how long the pod's token is valid; the kubelet renews it.
	tokenSeconds = int64(3600)
	volumeToken  = "token"
)

// pod is the pod of a trigger. It has one container, with a token of the tenant's account, and neither a Secret nor a
// recording.
func pod(work *job.Work, object json.RawMessage) (corev1.PodSpec, error) {
	settings, err := json.Marshal(workerapi.TriggerSettings{Object: object, TriggeredBy: triggeredBy(work), Wait: work.Step.Trigger.Wait})
	if err != nil {
		return corev1.PodSpec{}, fmt.Errorf("encode the step's settings: %w", err)
	}
	encoded, err := job.EncodeSpec(&workerapi.StepSpec{
		Namespace: work.File.Namespace, File: work.File.Name, UID: string(work.File.UID), Step: work.Step.Name,
		Kind: Kind{}.Name(), Settings: settings,
	})
	if err != nil {
		return corev1.PodSpec{}, err
	}
	spec := job.RestrictedPod(work)
	spec.ServiceAccountName = work.TriggerAccount
	spec.Volumes = []corev1.Volume{tokenVolume()}
	spec.Containers = []corev1.Container{
		job.Container(work.TriggerImage, workerapi.ContainerTrigger, encoded, work.Resources(needs), []corev1.VolumeMount{
			{Name: volumeToken, MountPath: workerapi.TokenDir, ReadOnly: true},
		}),
	}
	return spec, nil
}

// needs are what waiting takes: 13 MiB when it was measured.
var needs = corev1.ResourceRequirements{
	Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi")},
	Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")},
}

// tokenVolume is what Kubernetes itself mounts for an account, but with a token that lives for an hour.
func tokenVolume() corev1.Volume {
	return corev1.Volume{Name: volumeToken, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		DefaultMode: new(int32(0o440)),
		Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: new(tokenSeconds)}},
			{ConfigMap: &corev1.ConfigMapProjection{
				LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"},
				Items:                []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
			}},
		},
	}}}
}
