// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
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
	return &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Name:      revisionName(pipeline.Name, spec),
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

// revisionName has 128 bits of a hash of the content, so that nobody can make other content that has the name.
func revisionName(pipeline string, spec []byte) string {
	sum := sha256.Sum256(spec)
	return pipeline + "-" + hex.EncodeToString(sum[:16])
}

// errForged says that the content of a revision is not what its name says. A tenant who may create ControllerRevisions could
// otherwise choose what the operator's Jobs do.
var errForged = errors.New("does not hold what its name says; delete it")

// readRevision is the pipeline that a revision keeps. It fails with errForged when its name does not follow from its
// content.
func readRevision(revision *appsv1.ControllerRevision) (*v1alpha1.RecordingPipelineSpec, error) {
	spec := &v1alpha1.RecordingPipelineSpec{}
	if err := json.Unmarshal(revision.Data.Raw, spec); err != nil {
		return nil, fmt.Errorf("ControllerRevision %q %w", revision.Name, errForged)
	}
	// The API server may have written the content in another way; encoded again it is the same.
	content, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("encode pipeline revision %s: %w", revision.Name, err)
	}
	if revision.Name != revisionName(revision.Labels[v1alpha1.LabelPipeline], content) {
		return nil, fmt.Errorf("ControllerRevision %q %w", revision.Name, errForged)
	}
	return spec, nil
}
