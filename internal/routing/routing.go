// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package routing compiles and evaluates the CEL expressions of tenants: a Router those of a source's routes, which choose
// the pipeline for a recording, Conditions those of steps, and Objects those over what a trigger created. It is pure: an
// expression is compiled once, and evaluating it costs no more than CostLimit, which is a few milliseconds; what that limit
// cannot bound is refused.
package routing

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/recording"
)

// maxCompiled bounds how many compiled expressions are remembered; the greatest take some 100 KB each.
const maxCompiled = 1024

// Recording is what an expression sees as `recording`.
type Recording struct {
	Source   string        `cel:"source"`
	App      string        `cel:"app"`
	Task     string        `cel:"task"`
	Room     string        `cel:"room"`
	Stream   string        `cel:"stream"`
	Format   string        `cel:"format"`
	Bucket   string        `cel:"bucket"`
	Object   string        `cel:"object"`
	Size     int64         `cel:"size"`
	Width    int64         `cel:"width"`
	Height   int64         `cel:"height"`
	Duration time.Duration `cel:"duration"`
	Start    time.Time     `cel:"start"`
	End      time.Time     `cel:"end"`
}

// FromFacts is the recording that the facts describe.
func FromFacts(facts recording.Facts) Recording {
	seen := Recording{
		Source: facts.Source, App: facts.App, Task: facts.Task(), Room: facts.Room, Stream: facts.Stream, Format: facts.Format,
		Bucket: facts.Object.Bucket, Object: facts.Object.Key,
		Size: facts.SizeBytes, Width: int64(facts.Width), Height: int64(facts.Height), Duration: facts.Duration(),
	}
	if facts.StartTime != nil {
		seen.Start = facts.StartTime.Time
	}
	if facts.EndTime != nil {
		seen.End = facts.EndTime.Time
	}
	return seen
}

// Router compiles expressions once and evaluates them. It is safe for concurrent use.
type Router struct {
	env *cel.Env
	// ofRecording says that expressions read a recording, which the hints are about.
	ofRecording bool

	mu       sync.Mutex
	compiled map[string]compilation
}

type compilation struct {
	program cel.Program
	output  *cel.Type
	err     error
}

// New makes a Router.
func New() (*Router, error) {
	return routerWith(ext.NativeTypes(reflect.TypeFor[Recording](), ext.ParseStructTags(true)))
}

func routerWith(options ...cel.EnvOption) (*Router, error) {
	env, err := cel.NewEnv(append(options,
		cel.OptionalTypes(),
		ext.Strings(),
		cel.Variable("recording", cel.ObjectType("routing.Recording")),
		unknownFacts,
	)...)
	if err != nil {
		return nil, fmt.Errorf("make CEL environment: %w", err)
	}
	return &Router{env: env, ofRecording: true, compiled: map[string]compilation{}}, nil
}

// Check says what is wrong with an expression; the error is for the person who wrote it.
func (r *Router) Check(expression string) error {
	_, err := r.program(expression, cel.BoolType)
	return err
}

// Choose returns the name of the pipeline of the first route that matches, and whether one does. A route whose outcome
// depends on a fact that is not known matches. An expression that is wrong, fails on this recording, or comes after others
// that cost too much, matches nothing; what is wrong comes back in the error beside the choice.
func (r *Router) Choose(routes []v1alpha1.Route, recording Recording) (string, bool, error) {
	var problems []error
	all := &budget{left: routesLimit}
	for i, route := range routes {
		matches, err := r.holds(route.When, recording, nil, all)
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

// holds evaluates an expression over a recording and other variables.
func (r *Router) holds(expression string, recording Recording, others map[string]any, within *budget) (bool, error) {
	if expression == "" {
		return true, nil
	}
	variables := map[string]any{"recording": recording}
	maps.Copy(variables, others)
	value, err := r.value(expression, cel.BoolType, variables, within)
	if errors.Is(err, errUnknownFact) {
		// The outcome depends on a fact that nobody reported: a recording is not passed over for that.
		return true, nil
	}
	if err != nil {
		return false, err
	}
	matches, ok := value.Value().(bool)
	if !ok {
		return false, fmt.Errorf("evaluate: got %T, want a bool", value.Value())
	}
	return matches, nil
}

// program is a compiled expression of a type.
func (r *Router) program(expression string, want *cel.Type) (cel.Program, error) {
	compiled := r.compile(expression)
	if compiled.err != nil {
		return nil, compiled.err
	}
	if got := compiled.output; !got.IsExactType(want) && !got.IsExactType(cel.DynType) && want != cel.DynType {
		problem := fmt.Errorf("the expression is a %s, and must be a %s", got, want)
		if want == cel.BoolType && r.ofRecording {
			problem = fmt.Errorf("%w: compare it, as in recording.format == 'HLS'", problem)
		}
		return nil, problem
	}
	return compiled.program, nil
}

// value evaluates an expression.
func (r *Router) value(expression string, want *cel.Type, variables map[string]any, within *budget) (ref.Val, error) {
	program, err := r.program(expression, want)
	if err != nil {
		return nil, err
	}
	value, err := within.use(program, variables)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return value, nil
}

func (r *Router) compile(expression string) compilation {
	r.mu.Lock()
	known, ok := r.compiled[expression]
	r.mu.Unlock()
	if ok {
		return known
	}
	// Nobody waits for another's expression.
	made := compilation{}
	made.program, made.output, made.err = r.build(expression)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.compiled) >= maxCompiled {
		// Sources come and go; forgetting all is simpler than choosing, and costs one compilation each.
		clear(r.compiled)
	}
	r.compiled[expression] = made
	return made
}

func (r *Router) build(expression string) (cel.Program, *cel.Type, error) {
	ast, issues := r.env.Compile(expression)
	if issues.Err() != nil {
		return nil, nil, r.explained(expression, firstIssue(issues))
	}
	used, err := checkBounds(ast)
	if err != nil {
		return nil, nil, err
	}
	program, err := r.env.Program(ast, bounded(used)...)
	if err != nil {
		return nil, nil, r.explained(expression, fmt.Errorf("prepare: %w", err))
	}
	return program, ast.OutputType(), nil
}
