// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// Objects compiles and evaluates expressions over object, which is any object of the API server. It is safe for concurrent
// use.
type Objects struct{ compiler *compiler }

// NewObjects makes Objects.
func NewObjects() (*Objects, error) {
	compiler, err := newCompiler(false, cel.Variable("object", cel.DynType))
	if err != nil {
		return nil, err
	}
	return &Objects{compiler}, nil
}

// CheckBool says what is wrong with an expression that has to be a bool; the error is for the person who wrote it.
func (o *Objects) CheckBool(expression string) error {
	_, err := o.compiler.program(expression, cel.BoolType)
	return err
}

// CheckString says what is wrong with an expression that has to be a string.
func (o *Objects) CheckString(expression string) error {
	_, err := o.compiler.program(expression, cel.StringType)
	return err
}

// Bool evaluates an expression; an empty one is false.
func (o *Objects) Bool(expression string, object map[string]any) (bool, error) {
	if expression == "" {
		return false, nil
	}
	value, err := o.compiler.value(expression, cel.BoolType, map[string]any{"object": object}, nil)
	if err != nil {
		return false, err
	}
	holds, ok := value.(types.Bool)
	if !ok {
		return false, fmt.Errorf("the expression gives a %s, and must give a bool", value.Type().TypeName())
	}
	return bool(holds), nil
}

// String evaluates an expression; an empty one gives an empty text.
func (o *Objects) String(expression string, object map[string]any) (string, error) {
	if expression == "" {
		return "", nil
	}
	value, err := o.compiler.value(expression, cel.StringType, map[string]any{"object": object}, nil)
	if err != nil {
		return "", err
	}
	text, ok := value.(types.String)
	if !ok {
		return "", fmt.Errorf("the expression gives a %s, and must give a string", value.Type().TypeName())
	}
	return string(text), nil
}
