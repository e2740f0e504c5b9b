// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// NewMapper maps the kinds of the given objects, all of them namespaced, to their resources. Nothing is discovered, so
// that a process that starts while the API server is away waits for it, alive and not ready, instead of exiting again
// and again with ever longer pauses.
func NewMapper(scheme *runtime.Scheme, objects ...client.Object) (meta.RESTMapper, error) {
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, object := range objects {
		kind, err := apiutil.GVKForObject(object, scheme)
		if err != nil {
			return nil, fmt.Errorf("map %T to a resource: %w", object, err)
		}
		mapper.Add(kind, meta.RESTScopeNamespace)
		// A cache of some namespaces (--namespaces) looks a list up by the list's own kind, as discovery has it.
		mapper.Add(kind.GroupVersion().WithKind(kind.Kind+"List"), meta.RESTScopeNamespace)
	}
	return mapper, nil
}
