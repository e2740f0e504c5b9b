// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Step is what an expression sees as steps.<name>.
type Step struct {
	State     string     `cel:"state"`
	Reason    string     `cel:"reason"`
	Integrity string     `cel:"integrity"`
	Outputs   []Artifact `cel:"outputs"`
	// Results by their names.
	Results map[string]string `cel:"results"`
}

// Artifact is what an expression sees as one of a step's outputs.
type Artifact struct {
	Name      string `cel:"name"`
	URI       string `cel:"uri"`
	Bucket    string `cel:"bucket"`
	Key       string `cel:"key"`
	MediaType string `cel:"mediaType"`
	Size      int64  `cel:"size"`
	Kind      string `cel:"kind"`
	Language  string `cel:"language"`
}

// stepsVariable and outcomeVariable are what expressions of a step read besides recording.
const (
	stepsVariable   = "steps"
	outcomeVariable = "outcome"
)

// hyphenated is steps.full-mp4, which CEL reads as a difference.
var hyphenated = regexp.MustCompile(`\bsteps\.[a-z0-9]+-`)

var errSteps = errors.New("write steps.<name>, or steps['<name>'] for a name with a hyphen")

// Conditions compiles and evaluates the when of steps. It is safe for concurrent use.
type Conditions struct {
	// step is for spec.steps; finally, which knows outcome too, for spec.finally.
	step, finally *compiler
}

// NewConditions makes Conditions.
func NewConditions() (*Conditions, error) {
	options := []cel.EnvOption{
		ext.NativeTypes(reflect.TypeFor[Recording](), reflect.TypeFor[Step](), reflect.TypeFor[Artifact](), ext.ParseStructTags(true)),
		cel.Variable(stepsVariable, cel.MapType(cel.StringType, cel.ObjectType("expression.Step"))),
	}
	step, err := recordingCompiler(options...)
	if err != nil {
		return nil, err
	}
	finally, err := recordingCompiler(append(options, cel.Variable(outcomeVariable, cel.StringType))...)
	if err != nil {
		return nil, err
	}
	return &Conditions{step: step, finally: finally}, nil
}

// Check says what is wrong with the when of a step; the error is for the person who wrote it.
func (c *Conditions) Check(when string, finally bool) error {
	return c.check(when, cel.BoolType, finally)
}

// CheckValue says what is wrong with an expression whose value is of any type.
func (c *Conditions) CheckValue(expression string, finally bool) error {
	return c.check(expression, cel.DynType, finally)
}

func (c *Conditions) check(expression string, want *cel.Type, finally bool) error {
	compiler := c.step
	if finally {
		compiler = c.finally
	}
	_, err := compiler.program(expression, want)
	if err != nil && hyphenated.MatchString(expression) {
		return fmt.Errorf("%w; %w", err, errSteps)
	}
	if err != nil {
		return err
	}
	_, err = c.reads(expression)
	return err
}

// Reads names the steps that an expression reads; none for one that is wrong.
func (c *Conditions) Reads(when string) []string {
	names, err := c.reads(when)
	if err != nil {
		return nil
	}
	return names
}

// reads names the steps that an expression reads, each once.
func (c *Conditions) reads(when string) ([]string, error) {
	parsed, issues := c.finally.env.Parse(when)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	var names []string
	for _, node := range ast.MatchDescendants(ast.NavigateAST(parsed.NativeRep()), ast.KindMatcher(ast.IdentKind)) {
		if node.AsIdent() != stepsVariable {
			continue
		}
		name, ok := selected(node)
		if !ok {
			return nil, errSteps
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// selected is the name in steps.name or steps['name']; node is steps.
func selected(node ast.NavigableExpr) (string, bool) {
	parent, ok := node.Parent()
	if !ok {
		return "", false
	}
	if parent.Kind() == ast.SelectKind {
		return parent.AsSelect().FieldName(), true
	}
	if parent.Kind() != ast.CallKind {
		return "", false
	}
	call := parent.AsCall()
	if args := call.Args(); call.FunctionName() == operators.Index && len(args) == 2 && args[0].ID() == node.ID() && args[1].Kind() == ast.LiteralKind {
		name, ok := args[1].AsLiteral().(types.String)
		return string(name), ok
	}
	return "", false
}

// For gives Conditions the recording that its expressions read.
func (c *Conditions) For(recording Recording) *RecordingConditions {
	return &RecordingConditions{Conditions: c, recording: recording, all: budget{left: conditionsLimit}}
}

// RecordingConditions evaluates the expressions of steps for one recording, which share a budget. It is not safe for
// concurrent use.
type RecordingConditions struct {
	*Conditions

	recording Recording
	all       budget
}

// Holds evaluates the when of a step. One whose outcome depends on a fact that nobody reported holds.
func (r *RecordingConditions) Holds(when string, steps map[string]v1alpha1.StepStatus, outcome string) (bool, error) {
	compiler, variables := r.variables(steps, outcome)
	return compiler.holds(when, r.recording, variables, &r.all)
}

// Value evaluates an expression, and gives its value as JSON has it. A fact that nobody reported is an error.
func (r *RecordingConditions) Value(expression string, steps map[string]v1alpha1.StepStatus, outcome string) (any, error) {
	compiler, variables := r.variables(steps, outcome)
	variables["recording"] = r.recording
	value, err := compiler.value(expression, cel.DynType, variables, &r.all)
	if err != nil {
		return nil, err
	}
	return toJSON(value)
}

func (r *RecordingConditions) variables(steps map[string]v1alpha1.StepStatus, outcome string) (*compiler, map[string]any) {
	variables := map[string]any{stepsVariable: seen(steps)}
	if outcome == "" {
		return r.step, variables
	}
	variables[outcomeVariable] = outcome
	return r.finally, variables
}

func seen(steps map[string]v1alpha1.StepStatus) map[string]Step {
	all := make(map[string]Step, len(steps))
	for name, status := range steps {
		step := Step{State: string(status.State), Reason: status.Reason, Results: map[string]string{}}
		for _, result := range status.Results {
			step.Results[result.Name] = result.Value
		}
		if status.Integrity != nil {
			step.Integrity = string(status.Integrity.State)
		}
		for i := range status.Outputs {
			output := &status.Outputs[i]
			step.Outputs = append(step.Outputs, Artifact{
				Name: output.Name, URI: output.URI, Bucket: output.Bucket, Key: output.Key, MediaType: output.MediaType, Size: output.SizeBytes,
				Kind: string(output.Kind), Language: output.Language,
			})
		}
		all[name] = step
	}
	return all
}
