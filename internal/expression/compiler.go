// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package expression compiles and evaluates the CEL expressions of tenants: a Router those of a source's routes, which
// choose the pipeline for a recording, Conditions those of steps, and Objects those over what a trigger created. It is pure:
// an expression is compiled once, and evaluating it costs no more than CostLimit, which is a few milliseconds; what that
// limit cannot bound is refused.
package expression

import (
	"fmt"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
)

// maxCompiled bounds how many compiled expressions are remembered; the greatest take some 100 KB each.
const maxCompiled = 1024

// compiler compiles expressions over the variables of an environment, each once, and evaluates them. It is safe for
// concurrent use.
type compiler struct {
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

func newCompiler(ofRecording bool, options ...cel.EnvOption) (*compiler, error) {
	env, err := cel.NewEnv(append([]cel.EnvOption{cel.OptionalTypes(), ext.Strings()}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("make CEL environment: %w", err)
	}
	return &compiler{env: env, ofRecording: ofRecording, compiled: map[string]compilation{}}, nil
}

// program is a compiled expression of a type.
func (c *compiler) program(expression string, want *cel.Type) (cel.Program, error) {
	compiled := c.compile(expression)
	if compiled.err != nil {
		return nil, compiled.err
	}
	if got := compiled.output; !got.IsExactType(want) && !got.IsExactType(cel.DynType) && want != cel.DynType {
		problem := fmt.Errorf("the expression is a %s, and must be a %s", got, want)
		if want == cel.BoolType && c.ofRecording {
			problem = fmt.Errorf("%w: compare it, as in recording.format == 'HLS'", problem)
		}
		return nil, problem
	}
	return compiled.program, nil
}

// value evaluates an expression.
func (c *compiler) value(expression string, want *cel.Type, variables map[string]any, within *budget) (ref.Val, error) {
	program, err := c.program(expression, want)
	if err != nil {
		return nil, err
	}
	value, err := within.use(program, variables)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return value, nil
}

func (c *compiler) compile(expression string) compilation {
	c.mu.Lock()
	known, ok := c.compiled[expression]
	c.mu.Unlock()
	if ok {
		return known
	}
	// Nobody waits for another's expression.
	made := compilation{}
	made.program, made.output, made.err = c.build(expression)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.compiled) >= maxCompiled {
		// Sources come and go; forgetting all is simpler than choosing, and costs one compilation each.
		clear(c.compiled)
	}
	c.compiled[expression] = made
	return made
}

func (c *compiler) build(expression string) (cel.Program, *cel.Type, error) {
	ast, issues := c.env.Compile(expression)
	if issues.Err() != nil {
		return nil, nil, c.explained(expression, firstIssue(issues))
	}
	used, err := checkBounds(ast)
	if err != nil {
		return nil, nil, err
	}
	program, err := c.env.Program(ast, bounded(used)...)
	if err != nil {
		return nil, nil, c.explained(expression, fmt.Errorf("prepare: %w", err))
	}
	return program, ast.OutputType(), nil
}
