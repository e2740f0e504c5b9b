// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"errors"
	"fmt"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Router compiles the expressions of routes once and evaluates them. It is safe for concurrent use.
type Router struct{ compiler *compiler }

// NewRouter makes a Router.
func NewRouter() (*Router, error) {
	compiler, err := recordingCompiler(ext.NativeTypes(reflect.TypeFor[Recording](), ext.ParseStructTags(true)))
	if err != nil {
		return nil, err
	}
	return &Router{compiler}, nil
}

// Check says what is wrong with an expression; the error is for the person who wrote it.
func (r *Router) Check(expression string) error {
	_, err := r.compiler.program(expression, cel.BoolType)
	return err
}

// Choose returns the name of the pipeline of the first route that matches, and whether one does. A route whose outcome
// depends on a fact that is not known matches. An expression that is wrong, fails on this recording, or comes after others
// that cost too much, matches nothing; what is wrong comes back in the error beside the choice.
func (r *Router) Choose(routes []v1alpha1.Route, recording Recording) (string, bool, error) {
	var problems []error
	all := &budget{left: routesLimit}
	for i, route := range routes {
		matches, err := r.compiler.holds(route.When, recording, nil, all)
		if err != nil {
			problems = append(problems, fmt.Errorf("spec.routes[%d].when: %w", i, err))
			continue
		}
		if matches {
			return route.PipelineRef.Name, true, errors.Join(problems...)
		}
	}
	return "", false, errors.Join(problems...)
}

// Matching returns a function that says whether an expression holds for a recording; an empty one does. What it evaluates
// shares the budget of a source's routes. An expression that is wrong, or comes after others that cost too much, does not
// hold; one whose outcome depends on a fact that is not known does. The function is not safe for concurrent use.
func (r *Router) Matching(recording Recording) func(expression string) bool {
	all := &budget{left: routesLimit}
	return func(expression string) bool {
		holds, err := r.compiler.holds(expression, recording, nil, all)
		return err == nil && holds
	}
}
