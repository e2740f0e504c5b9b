// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// What to write for the fields of each type.
const (
	sayDuration  = "a duration is written as in recording.duration >= duration('5s'), in h, m and s"
	sayTimestamp = "a time is written as in recording.start >= timestamp('2026-01-01T00:00:00Z')"
	sayInteger   = "a whole number is written without quotes and units, as in recording.size >= 1000000"
	sayText      = "a text is written in quotes, as in recording.format == 'HLS'"
)

// sayOf says for each field of a recording what it is compared with.
var sayOf = map[string]string{
	"source": sayText, "app": sayText, "task": sayText, "room": sayText, "stream": sayText, "format": sayText, "bucket": sayText, "object": sayText,
	"size": sayInteger, "width": sayInteger, "height": sayInteger, "duration": sayDuration, "start": sayTimestamp, "end": sayTimestamp,
}

const fieldNames = "source, app, task, room, stream, format, bucket, object, size, width, height, duration, start and end"

// hint says what to write instead of a wrong expression; empty: nothing is known.
func (c *compiler) hint(expression string) string {
	parsed, issues := c.env.Parse(expression)
	if issues.Err() != nil {
		return syntaxHint(expression)
	}
	for _, node := range ast.MatchDescendants(ast.NavigateAST(parsed.NativeRep()), ast.AllMatcher()) {
		if found := nodeHint(node); found != "" {
			return found
		}
	}
	return ""
}

// syntaxHints are habits of other languages.
var syntaxHints = []struct {
	pattern *regexp.Regexp
	hint    string
}{
	{regexp.MustCompile(`=~|(?i:\blike\b)`), "patterns are written as in recording.room.matches('^room[0-9]+$')"},
	{regexp.MustCompile(`(?i)\b(and|or|not)\b`), "and, or and not are written as &&, || and !"},
	{regexp.MustCompile(`[^=!<>]=[^=]`), "equality is written as =="},
	{regexp.MustCompile(`[^&]&[^&]|[^|]\|[^|]`), "and and or are written as && and ||"},
	{regexp.MustCompile(`\b[0-9]+(\.[0-9]+)?(ms|s|m|h|d|min|sec)\b`), sayDuration},
	{regexp.MustCompile(`\b[0-9]+(\.[0-9]+)?[A-Za-z]+\b`), sayInteger},
}

var quoted = regexp.MustCompile(`'[^']*'|"[^"]*"`)

func syntaxHint(expression string) string {
	bare := quoted.ReplaceAllString(expression, "''")
	for _, known := range syntaxHints {
		if known.pattern.MatchString(bare) {
			return known.hint
		}
	}
	if strings.Count(bare, "'")%2 == 1 || strings.Count(bare, `"`)%2 == 1 {
		return "a quote is not closed"
	}
	return ""
}

// nodeHint says what is wrong with one part of an expression.
func nodeHint(node ast.NavigableExpr) string {
	switch node.Kind() {
	case ast.IdentKind:
		return identHint(node)
	case ast.SelectKind:
		return selectHint(node.AsSelect())
	case ast.CallKind:
		return callHint(node.AsCall())
	default:
		return ""
	}
}

func identHint(node ast.NavigableExpr) string {
	name := node.AsIdent()
	if parent, ok := node.Parent(); name == "recording" || ok && parent.Kind() == ast.ComprehensionKind {
		return ""
	}
	if _, known := sayOf[name]; known {
		return "write recording." + name
	}
	return ""
}

func selectHint(selected ast.SelectExpr) string {
	operand := selected.Operand()
	if operand.Kind() == ast.IdentKind && operand.AsIdent() == "recording" {
		if _, known := sayOf[selected.FieldName()]; !known {
			return "the fields of recording are " + fieldNames
		}
	}
	return sayOf[fieldOf(operand)]
}

// fieldOf is the field of recording that an expression is; empty: it is another one.
func fieldOf(expression ast.Expr) string {
	if expression.Kind() != ast.SelectKind {
		return ""
	}
	operand := expression.AsSelect().Operand()
	if operand.Kind() != ast.IdentKind || operand.AsIdent() != "recording" {
		return ""
	}
	return expression.AsSelect().FieldName()
}

var comparisons = []string{operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals}

func callHint(call ast.CallExpr) string {
	args := call.Args()
	switch name := call.FunctionName(); {
	case slices.Contains(comparisons, name) && len(args) == 2:
		return comparisonHint(args[0], args[1]) + comparisonHint(args[1], args[0])
	case name == operators.In && len(args) == 2 && args[1].Kind() == ast.LiteralKind:
		return "a choice is written as in recording.room in ['room01', 'room02'], a part of a text as in recording.room.contains('room')"
	case name == overloads.TypeConvertDuration && len(args) == 1:
		if text, ok := literal(args[0]).(types.String); ok {
			if _, err := time.ParseDuration(string(text)); err != nil {
				return sayDuration
			}
		}
	case name == overloads.TypeConvertTimestamp && len(args) == 1:
		if text, ok := literal(args[0]).(types.String); ok {
			if _, err := time.Parse(time.RFC3339, string(text)); err != nil {
				return sayTimestamp
			}
		}
	}
	return ""
}

// comparisonHint is about a field and what it is compared with.
func comparisonHint(field, with ast.Expr) string {
	say, known := sayOf[fieldOf(field)]
	if !known {
		return ""
	}
	switch literal(with).(type) {
	case nil:
		if with.Kind() == ast.IdentKind && with.AsIdent() != "recording" && say == sayText {
			return say
		}
	case types.Null:
		return fmt.Sprintf("whether a fact is known is asked as in has(recording.%s)", fieldOf(field))
	case types.String:
		if say != sayText {
			return say
		}
	case types.Int:
		if say != sayInteger {
			return say
		}
	default:
		return say
	}
	return ""
}

// literal is the value that is written out; nil: none is.
func literal(expression ast.Expr) any {
	if expression.Kind() != ast.LiteralKind {
		return nil
	}
	return expression.AsLiteral()
}

// Warning says why an expression that is right can hardly mean what it says; empty: nothing was found.
func (r *Router) Warning(expression string) string {
	parsed, issues := r.compiler.env.Parse(expression)
	if issues.Err() != nil {
		return ""
	}
	for _, node := range ast.MatchDescendants(ast.NavigateAST(parsed.NativeRep()), ast.KindMatcher(ast.CallKind)) {
		for _, text := range comparedWithFormat(node.AsCall()) {
			if upper := strings.ToUpper(text); upper != text {
				return fmt.Sprintf("recording.format is in upper case and never has %q: write %q", text, upper)
			}
		}
	}
	return ""
}

// comparedWithFormat are the texts that recording.format is compared with in a call.
func comparedWithFormat(call ast.CallExpr) []string {
	args := slices.Clone(call.Args())
	if call.IsMemberFunction() {
		if name := call.FunctionName(); name == overloads.Matches || fieldOf(call.Target()) != "format" {
			return nil
		}
	} else if !slices.ContainsFunc(args, func(arg ast.Expr) bool { return fieldOf(arg) == "format" }) {
		return nil
	}
	var texts []string
	for _, arg := range args {
		values := []ast.Expr{arg}
		if arg.Kind() == ast.ListKind {
			values = arg.AsList().Elements()
		}
		for _, value := range values {
			if text, ok := literal(value).(types.String); ok {
				texts = append(texts, string(text))
			}
		}
	}
	return texts
}

// explained adds to an error of CEL what to write instead.
func (c *compiler) explained(expression string, err error) error {
	if hint := c.hint(expression); hint != "" && c.ofRecording {
		return fmt.Errorf("%w; %s", err, hint)
	}
	return err
}

// firstIssue is the first thing that CEL finds wrong with an expression, in one line.
func firstIssue(issues *cel.Issues) error {
	found := issues.Errors()
	if len(found) == 0 {
		return issues.Err()
	}
	return fmt.Errorf("line %d, column %d: %s", found[0].Location.Line(), found[0].Location.Column()+1, found[0].Message)
}
