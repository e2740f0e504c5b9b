// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// maxPatterns bounds the regular expressions of one expression, in instructions of their compiled programs. Matching takes
// time in proportion to them and to the text. A kilobyte of pattern can compile to a hundred thousand, by x{0,999}.
const maxPatterns = 200

var (
	errNested  = errors.New("all, exists, exists_one, map and filter cannot be used inside or after one another")
	errPattern = errors.New("the pattern of matches must be written out, as in matches('^room[0-9]+$')")
	errLooped  = errors.New("matches cannot be used inside all, exists, exists_one, map and filter; use startsWith, endsWith or contains there")
)

// checkBounds refuses what CostLimit cannot bound, because one call into CEL's library does the work before its cost is
// counted: a writer of one source must not be able to hold up everybody's recordings.
//
// A macro inside another gives a value a name, and names make doubling cheap: [x+x].exists(y, [y+y].exists(...)) writes
// a list of 2^40 elements in 500 characters, and == walks through it.
func checkBounds(checked *cel.Ast) (patterns, error) {
	root := ast.NavigateAST(checked.NativeRep())
	if slices.ContainsFunc(ast.MatchDescendants(root, ast.KindMatcher(ast.ComprehensionKind)), inLoop) {
		return nil, errNested
	}
	used, total := patterns{}, uint64(0)
	for _, call := range ast.MatchDescendants(root, ast.FunctionMatcher(overloads.Matches)) {
		if inLoop(call) {
			return nil, errLooped
		}
		text, size, err := patternOf(call.AsCall())
		if err != nil {
			return nil, err
		}
		if total += size; total > maxPatterns {
			return nil, errPatterns(total)
		}
		used[text] = size
	}
	return used, nil
}

func inLoop(node ast.NavigableExpr) bool {
	for parent, ok := node.Parent(); ok; parent, ok = parent.Parent() {
		if parent.Kind() == ast.ComprehensionKind {
			return true
		}
	}
	return false
}

func errPatterns(size uint64) error {
	return fmt.Errorf("the patterns of matches take %d steps, at most %d are allowed in an expression; repeat less", size, maxPatterns)
}

// patterns are the sizes of an expression's regular expressions, in instructions.
type patterns map[string]uint64

// patternOf is a regular expression and its size. It may not come from a recording's own fields.
func patternOf(call ast.CallExpr) (string, uint64, error) {
	// The last argument of text.matches(pattern) and of matches(text, pattern).
	args := call.Args()
	pattern := args[len(args)-1]
	if pattern.Kind() != ast.LiteralKind {
		return "", 0, errPattern
	}
	text, ok := pattern.AsLiteral().(types.String)
	if !ok {
		return "", 0, errPattern
	}
	parsed, err := syntax.Parse(string(text), syntax.Perl)
	if err != nil {
		return "", 0, fmt.Errorf("the pattern of matches is wrong: %w", err)
	}
	if size := patternSize(parsed); size > maxPatterns {
		return "", 0, errPatterns(size)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return "", 0, fmt.Errorf("the pattern of matches is wrong: %w", err)
	}
	return string(text), uint64(len(program.Inst)), nil
}

// patternSize is about how many instructions a pattern compiles to; compiling a hostile one takes long itself.
func patternSize(pattern *syntax.Regexp) uint64 {
	size := uint64(1)
	if pattern.Op == syntax.OpLiteral {
		size = uint64(len(pattern.Rune))
	}
	for _, part := range pattern.Sub {
		size += patternSize(part)
	}
	if pattern.Op == syntax.OpRepeat {
		size *= uint64(max(pattern.Min, pattern.Max, 1))
	}
	return size
}
