// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"errors"
	"fmt"
	"regexp/syntax"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// maxPattern bounds the size of a regular expression, in instructions. Matching takes time in proportion to it
// and to the text, of at most 1024 characters. A kilobyte of pattern can compile to a hundred thousand, by x{0,999}.
const maxPattern = 1000

var (
	errNested  = errors.New("all, exists, exists_one, map and filter cannot be used inside or after one another")
	errPattern = errors.New("the pattern of matches must be written out, as in matches('^room[0-9]+$')")
)

// checkBounds refuses what CostLimit cannot bound, because one call into CEL's library does the work before its cost is
// counted: a writer of one source must not be able to hold up everybody's recordings.
//
// A macro inside another gives a value a name, and names make doubling cheap: [x+x].exists(y, [y+y].exists(...)) writes
// a list of 2^40 elements in 500 characters, and == walks through it.
func checkBounds(checked *cel.Ast) error {
	root := ast.NavigateAST(checked.NativeRep())
	for _, loop := range ast.MatchDescendants(root, ast.KindMatcher(ast.ComprehensionKind)) {
		for parent, ok := loop.Parent(); ok; parent, ok = parent.Parent() {
			if parent.Kind() == ast.ComprehensionKind {
				return errNested
			}
		}
	}
	for _, call := range ast.MatchDescendants(root, ast.FunctionMatcher(overloads.Matches)) {
		if err := checkPattern(call.AsCall()); err != nil {
			return err
		}
	}
	return nil
}

// checkPattern bounds a regular expression, which may not come from a recording's own fields.
func checkPattern(call ast.CallExpr) error {
	// The last argument of text.matches(pattern) and of matches(text, pattern).
	args := call.Args()
	pattern := args[len(args)-1]
	if pattern.Kind() != ast.LiteralKind {
		return errPattern
	}
	text, ok := pattern.AsLiteral().(types.String)
	if !ok {
		return errPattern
	}
	parsed, err := syntax.Parse(string(text), syntax.Perl)
	if err != nil {
		return fmt.Errorf("the pattern of matches is wrong: %w", err)
	}
	if size := patternSize(parsed); size > maxPattern {
		return fmt.Errorf("the pattern of matches takes %d steps, at most %d are allowed; repeat less", size, maxPattern)
	}
	return nil
}

// patternSize is about how many instructions a pattern compiles to; compiling a hostile one takes long itself.
func patternSize(pattern *syntax.Regexp) int {
	size := 1
	if pattern.Op == syntax.OpLiteral {
		size = len(pattern.Rune)
	}
	for _, part := range pattern.Sub {
		size += patternSize(part)
	}
	if pattern.Op == syntax.OpRepeat {
		size *= max(pattern.Min, pattern.Max, 1)
	}
	return size
}
