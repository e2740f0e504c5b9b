// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sparkrtc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

func absent(raw json.RawMessage) bool {
	return len(raw) == 0 || string(raw) == "null" || string(raw) == `""`
}

// readEventType takes any string, because one that is odd is merely unknown.
func readEventType(raw json.RawMessage) (string, error) {
	var name string
	if json.Unmarshal(raw, &name) != nil {
		return "", errors.New("must be a string")
	}
	return name, nil
}

// readText takes a string of at most limit characters.
func readText(limit int) func(json.RawMessage) (string, error) {
	return func(raw json.RawMessage) (string, error) {
		if raw[0] != '"' {
			return "", errors.New("must be a string")
		}
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return "", errors.New("is not a JSON string")
		}
		switch {
		case replaced(raw, text):
			return "", errors.New("is not valid Unicode")
		case utf8.RuneCountInString(text) > limit:
			return "", fmt.Errorf("is longer than %d characters", limit)
		case strings.ContainsFunc(text, unicode.IsControl):
			return "", errors.New("must not contain control characters or invalid UTF-8")
		}
		return text, nil
	}
}

// readID is readText, and takes the digits of an integer too.
func readID(limit int) func(json.RawMessage) (string, error) {
	text := readText(limit)
	return func(raw json.RawMessage) (string, error) {
		if digits := strings.TrimPrefix(string(raw), "-"); digits != "" && strings.Trim(digits, "0123456789") == "" {
			raw = json.RawMessage(strconv.Quote(string(raw)))
		}
		return text(raw)
	}
}

// readFormat takes a format in any case.
func readFormat(raw json.RawMessage) (string, error) {
	text, err := readText(maxFormat)(raw)
	if err != nil {
		return "", err
	}
	// Some characters become longer in upper case.
	if text = strings.ToUpper(text); utf8.RuneCountInString(text) > maxFormat {
		return "", fmt.Errorf("is longer than %d characters in upper case", maxFormat)
	}
	return text, nil
}

// readURL takes a URL of http or https.
func readURL(raw json.RawMessage) (string, error) {
	text, err := readText(maxURL)(raw)
	if err != nil {
		return "", err
	}
	if _, err := parseURL(text); err != nil {
		return "", err
	}
	return text, nil
}

// replaced reports whether encoding/json has put U+FFFD where the text had half a surrogate pair (\ud800).
func replaced(raw []byte, text string) bool {
	const replacement = string(utf8.RuneError)
	if !strings.Contains(text, replacement) {
		return false
	}
	// What follows an escaped backslash is text, whatever it looks like.
	escapes := bytes.ReplaceAll(bytes.ToLower(raw), []byte(`\\`), nil)
	sent := bytes.Count(raw, []byte(replacement)) + bytes.Count(escapes, []byte(`\ufffd`))
	return strings.Count(text, replacement) > sent
}

// readInteger takes a whole number from 0 to limit, also when it is written as a string or as 65.0.
func readInteger(limit int64) func(json.RawMessage) (int64, error) {
	return func(raw json.RawMessage) (int64, error) {
		text, err := numberText(raw)
		if err != nil {
			return 0, err
		}
		return inRange(text, limit)
	}
}

// readSeconds takes a duration. A fraction of a second is dropped.
func readSeconds(raw json.RawMessage) (int64, error) {
	text, err := numberText(raw)
	if err != nil {
		return 0, err
	}
	whole, fraction, found := strings.Cut(text, ".")
	if found && whole != "" && whole[0] != '-' && fraction != "" && strings.Trim(fraction, "0123456789") == "" {
		text = whole
	}
	return inRange(text, maxDuration)
}

func readPixels(raw json.RawMessage) (int32, error) {
	n, err := readInteger(maxPixels)(raw)
	return int32(n), err //nolint:gosec // at most maxPixels
}

// numberText is a number as it is written, without the quotes that it may stand in.
func numberText(raw json.RawMessage) (string, error) {
	text := strings.TrimSpace(strings.Trim(string(raw), `"`))
	if len(text) > maxNumber {
		return "", errors.New("is not a number")
	}
	return text, nil
}

func inRange(text string, limit int64) (int64, error) {
	n, err := parseInteger(text)
	switch {
	case errors.Is(err, strconv.ErrRange) || (err == nil && n > limit):
		return 0, fmt.Errorf("must be at most %d", limit)
	case err != nil:
		return 0, errors.New("must be a whole number")
	case n < 0:
		return 0, errors.New("must not be negative")
	}
	return n, nil
}

// parseInteger reads 65, and 65.0 as long as a float64 holds it exactly.
func parseInteger(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil || (errors.Is(err, strconv.ErrRange) && !strings.HasPrefix(text, "-")) {
		return n, err
	}
	if strings.ContainsAny(text, "xX_iInN") {
		return 0, strconv.ErrSyntax
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case f < 0:
		return -1, nil // also when it is too small for a float64
	case err != nil:
		return 0, err
	case f != math.Trunc(f):
		return 0, strconv.ErrSyntax
	case f > 1<<53:
		return 0, strconv.ErrRange
	}
	return int64(f), nil
}

// readTime takes every time that RFC 3339 allows: with a fraction, which is dropped, in any zone, with a leap second, and
// with a blank or a small t and z. The year is 1970 to 9999.
func readTime(raw json.RawMessage) (time.Time, error) {
	text, err := readText(maxNumber)(raw)
	if err != nil {
		return time.Time{}, err
	}
	text = strings.ToUpper(text)
	const day, second = len("2006-01-02"), len("2006-01-02T15:04:05")
	if len(text) > day && text[day] == ' ' {
		text = text[:day] + "T" + text[day+1:]
	}
	leap := time.Duration(0)
	if len(text) > second && text[second-2:second] == "60" {
		text, leap = text[:second-2]+"59"+text[second:], time.Second
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errors.New("is not a time such as 2021-04-28T08:56:57Z")
	}
	at = at.UTC().Truncate(time.Second).Add(leap)
	if at.Year() < 1970 || at.Year() > 9999 {
		return time.Time{}, errors.New("is not a time from 1970 to 9999")
	}
	return at, nil
}

// cut shortens a text to at most limit characters.
func cut(text string, limit int) string {
	for i := range text {
		if limit == 0 {
			return text[:i]
		}
		limit--
	}
	return text
}
