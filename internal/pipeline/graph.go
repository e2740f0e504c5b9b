// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"slices"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Dependencies names the steps that must have succeeded before the step starts: dependsOn and its input.
func Dependencies(step *v1alpha1.Step) []string {
	names := slices.Clone(step.DependsOn)
	if step.Input != nil && !slices.Contains(names, step.Input.Step) {
		names = append(names, step.Input.Step)
	}
	return names
}

// Cycle names the steps that wait for each other, or for a step that is not there; none: every step can run.
func Cycle(steps []v1alpha1.Step) []string {
	_, cyclic := order(steps)
	return cyclic
}

// order lists the steps so that each comes after those that it depends on, and names those for which that cannot be.
func order(steps []v1alpha1.Step) (ordered []*v1alpha1.Step, cyclic []string) {
	placed := map[string]bool{}
	for range steps {
		for i := range steps {
			step := &steps[i]
			ready := !slices.ContainsFunc(Dependencies(step), func(name string) bool { return !placed[name] })
			if ready && !placed[step.Name] {
				placed[step.Name] = true
				ordered = append(ordered, step)
			}
		}
	}
	for _, step := range steps {
		if !placed[step.Name] {
			cyclic = append(cyclic, step.Name)
		}
	}
	return ordered, cyclic
}
