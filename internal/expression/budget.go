// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

const (
	// CostLimit bounds one evaluation, in CEL's cost units; an expression over a handful of short fields needs a few dozen.
	CostLimit = 10_000
	// routesLimit bounds all routes of a source for one recording together, and conditionsLimit all expressions of a
	// pipeline in one look at a recording.
	routesLimit     = 2 * CostLimit
	conditionsLimit = 10 * CostLimit
	// evaluationTimeout ends an evaluation that is slower than its cost. It is looked at in loops, each interruptEvery
	// rounds, so that no expression without long loops fails on a machine that is busy.
	evaluationTimeout = 50 * time.Millisecond
	interruptEvery    = 100
	// maxText bounds every text that an expression makes, in bytes: CEL counts what a call did after it did it, so that what
	// goes into one has to be short.
	maxText = 4 << 10
	// stepsPerUnit is how many steps of a regular expression cost as much as one unit of CEL's.
	stepsPerUnit = 10
)

var errBudget = errors.New("the expressions before this one have used up what the evaluation of all may cost")

// budget is what several evaluations may cost together.
type budget struct{ left uint64 }

// use evaluates a program within the budget; nil is one without a bound of its own.
func (b *budget) use(program cel.Program, variables map[string]any) (ref.Val, error) {
	if b != nil && b.left == 0 {
		return nil, errBudget
	}
	ctx, cancel := context.WithTimeout(context.Background(), evaluationTimeout)
	defer cancel()
	value, details, err := program.ContextEval(ctx, variables)
	if b != nil {
		cost := uint64(CostLimit)
		if actual := details.ActualCost(); actual != nil {
			cost = *actual
		}
		b.left -= min(b.left, cost)
	}
	return value, err
}

// bounded are the options of a program that uses these patterns.
func bounded(used patterns) []cel.ProgramOption {
	return []cel.ProgramOption{
		cel.CostLimit(CostLimit), cel.CostTracking(used), cel.InterruptCheckFrequency(interruptEvery),
		cel.CustomDecoratorV2(shortTexts), cel.EvalOptions(cel.OptOptimize),
	}
}

// CallCost implements cost.ActualCostEstimator. CEL knows the length of a pattern, not what it compiles to.
func (p patterns) CallCost(function, _ string, args []ref.Val, _ ref.Val) *uint64 {
	if function != matchesShort || len(args) != 2 {
		return nil
	}
	text, ok := args[0].Value().(string)
	pattern, written := args[1].Value().(string)
	if !ok || !written {
		return nil
	}
	return new(1 + uint64(len(text)+1)*p[pattern]/stepsPerUnit)
}

// matchesShort is the name of matches once it is bound to short texts. CEL replaces calls of matches by its own.
const matchesShort = "matches a short text"

// matcher compiles a pattern once for all evaluations.
func matcher(call interpreter.InterpretableCall, pattern string) (interpreter.InterpretableCall, error) {
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	return interpreter.NewCall(call.ID(), matchesShort, matchesShort, call.Args(), func(values ...ref.Val) ref.Val {
		text, ok := values[0].Value().(string)
		if !ok {
			return types.NoSuchOverloadErr()
		}
		if len(text) > maxText {
			return errLongText(text)
		}
		return types.Bool(compiled.MatchString(text))
	}), nil
}

func errLongText(text string) ref.Val {
	return types.WrapErr(fmt.Errorf("a text has %d bytes, and an expression takes at most %d", len(text), maxText))
}

// shortTexts has every call end in an error that makes a long text, or matches one.
func shortTexts(part interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	call, ok := part.(interpreter.InterpretableCall)
	if !ok {
		return part, nil
	}
	if call.Function() != overloads.Matches {
		return shortCall{call}, nil
	}
	written, ok := call.Args()[1].(interpreter.InterpretableConst)
	if !ok {
		return nil, errPattern
	}
	pattern, ok := written.Value().(types.String)
	if !ok {
		return nil, errPattern
	}
	return matcher(call, string(pattern))
}

type shortCall struct{ interpreter.InterpretableCall }

// Exec implements interpreter.InterpretableV2.
func (c shortCall) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	value := c.InterpretableCall.Exec(frame)
	if text, ok := value.(types.String); ok && len(text) > maxText {
		return errLongText(string(text))
	}
	return value
}
