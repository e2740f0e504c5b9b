// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"errors"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

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
