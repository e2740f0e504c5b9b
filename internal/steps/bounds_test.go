// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package steps_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/steps"
)

// maxVariable is what Linux takes for one environment variable, with its name, = and a NUL (MAX_ARG_STRLEN in execve(2)).
const maxVariable = 128 << 10

// TestBuild_LongTextsFitIntoTheEnvironment: the longest texts that people and callbacks can give make a variable that a
// container starts with, in whatever characters.
func TestBuild_LongTextsFitIntoTheEnvironment(t *testing.T) {
	for _, character := range []string{"$", "<", "界", "👩", "a"} {
		w := work(remux())
		w.Facts.Object.Key = strings.Repeat(character, 1024/len(character))
		w.Facts.Room, w.Facts.Stream = strings.Repeat(character, 128), strings.Repeat(character, 128)
		made, _ := mustBuild(t, w)
		if size := len(made.Spec.Template.Spec.Containers[0].Env[0].Value); size > 32<<10 {
			t.Errorf("%q: %d bytes", character, size)
		}
		// The params of an image: four of the longest are all that a step may have.
		container := &v1alpha1.Container{Image: "example.com/image:1"}
		for n := range 4 {
			container.Params = append(container.Params, v1alpha1.ContainerParam{Name: fmt.Sprintf("p%d", n), Value: "'x'"})
		}
		w = work(&v1alpha1.Step{Name: "image", Container: container})
		w.Value = func(string) (any, error) { return strings.Repeat(character, 4096/len(character)), nil }
		made, _ = mustBuild(t, w)
		for _, c := range made.Spec.Template.Spec.InitContainers {
			for _, variable := range c.Env {
				if size := len(variable.Name) + len(variable.Value) + 2; size > maxVariable {
					t.Errorf("%q: %s of %s has %d bytes", character, variable.Name, c.Name, size)
				}
			}
		}
	}
}

// TestBuild_RefusesWhatNoContainerStartsWith: an object of a trigger may have 64 KiB, but each dollar sign takes six bytes in
// the environment; and the arguments of an image may be more than an API server stores. Both are a message for a person.
func TestBuild_RefusesWhatNoContainerStartsWith(t *testing.T) {
	object := fmt.Appendf(nil, `{"apiVersion":"v1","kind":"ConfigMap","data":{"x":"%s"}}`, strings.Repeat("$", 60<<10))
	trigger := &v1alpha1.Step{Name: "start", Trigger: &v1alpha1.Trigger{Object: &v1alpha1.TriggerObject{}}}
	if err := json.Unmarshal(object, trigger.Trigger.Object); err != nil {
		t.Fatal(err)
	}
	image := &v1alpha1.Step{Name: "image", Container: &v1alpha1.Container{Image: "example.com/image:1"}}
	for range 64 {
		image.Container.Args = append(image.Container.Args, v1alpha1.Argument(strings.Repeat("👩", 4096)))
	}
	for name, step := range map[string]*v1alpha1.Step{"what the step's containers are told": trigger, "the step's Job has": image} {
		made, problem := steps.Build(work(step))
		if problem == nil || !strings.Contains(problem.Message, name) || len(problem.Message) > 512 {
			t.Errorf("built %v, problem %+v", made != nil, problem)
		}
	}
}
