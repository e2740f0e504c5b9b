// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// newRevision is the ControllerRevision that keeps a pipeline as it is now. Its name is made from the spec, so that all
// files that are processed alike share one. It has no owner: work in flight must outlive its pipeline; the pipeline's
// reconciler removes revisions that no unfinished file refers to.
func newRevision(pipeline *v1alpha1.RecordingPipeline) (*appsv1.ControllerRevision, error) {
	spec, err := json.Marshal(pipeline.Spec)
	if err != nil {
		return nil, fmt.Errorf("encode pipeline %s: %w", pipeline.Name, err)
	}
	sum := sha256.Sum256(spec)
	return &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Name:      pipeline.Name + "-" + hex.EncodeToString(sum[:])[:10],
			Namespace: pipeline.Namespace,
			Labels: map[string]string{
				v1alpha1.LabelManagedBy: v1alpha1.ManagedBy,
				v1alpha1.LabelPipeline:  pipeline.Name,
			},
		},
		Data:     runtime.RawExtension{Raw: spec},
		Revision: pipeline.Generation,
	}, nil
}

// readRevision is the pipeline that a revision keeps.
func readRevision(revision *appsv1.ControllerRevision) (*v1alpha1.RecordingPipelineSpec, error) {
	spec := &v1alpha1.RecordingPipelineSpec{}
	if err := json.Unmarshal(revision.Data.Raw, spec); err != nil {
		return nil, fmt.Errorf("decode pipeline revision %s: %w", revision.Name, err)
	}
	return spec, nil
}
