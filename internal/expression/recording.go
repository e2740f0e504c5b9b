// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"sparkrtc.dev/recording-operator/internal/recording"
)

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

// recordingCompiler is a compiler of expressions that read a recording.
func recordingCompiler(options ...cel.EnvOption) (*compiler, error) {
	return newCompiler(true, append(options, cel.Variable("recording", cel.ObjectType("expression.Recording")), unknownFacts)...)
}

// holds evaluates an expression over a recording and other variables.
func (c *compiler) holds(expression string, recording Recording, others map[string]any, within *budget) (bool, error) {
	if expression == "" {
		return true, nil
	}
	variables := map[string]any{"recording": recording}
	maps.Copy(variables, others)
	value, err := c.value(expression, cel.BoolType, variables, within)
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

// errUnknownFact ends the evaluation of an expression that needs a fact which nobody reported.
var errUnknownFact = errors.New("the fact is not known")

// mayBeUnknown are the fields for which zero means that they are not known. (A width and height of 0 are those of sound
// alone.)
var mayBeUnknown = map[string]bool{"size": true, "duration": true, "start": true, "end": true}

// unknownFacts makes a fact that is not known an error instead of a zero, which would read as very short or very small.
// As CEL has it, an error does not matter when the rest of the expression decides alone; has(recording.duration) and
// recording.?duration ask for the fact without an error.
func unknownFacts(env *cel.Env) (*cel.Env, error) {
	return cel.CustomTypeProvider(factProvider{env.CELTypeProvider()})(env)
}

type factProvider struct{ types.Provider }

// FindStructFieldType implements types.Provider.
func (p factProvider) FindStructFieldType(kind, field string) (*types.FieldType, bool) {
	known, found := p.Provider.FindStructFieldType(kind, field)
	if !found || !mayBeUnknown[field] {
		return known, found
	}
	return &types.FieldType{
		Type:  known.Type,
		IsSet: known.IsSet,
		GetFrom: func(target any) (any, error) {
			if !known.IsSet(target) {
				return nil, errUnknownFact
			}
			return known.GetFrom(target)
		},
	}, true
}
