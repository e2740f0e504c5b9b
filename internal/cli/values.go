// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/labels"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// The types of flags, which say what a value looks like.
const (
	typeDuration = "duration"
	typeSeconds  = "seconds"
	typeSize     = "size"
)

// looks says of the types of flags what a value has to look like.
var looks = map[string]string{
	typeDuration: "a duration such as 90m, 48h or 2d",
	typeSeconds:  "a number of seconds, or a duration such as 65s or 5m",
	typeSize:     "a number of bytes, or a size such as 16MB or 1.5GiB, and at most 1 PiB",
	"int":        "a whole number",
	"int32":      "a whole number",
	"int64":      "a whole number",
	"bool":       "true or false",
}

// flagError says what is wrong with a flag in words of the command line, not of Go.
func flagError(err error) error {
	invalid, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return usagef("%w", err)
	}
	look, known := looks[invalid.GetFlag().Value.Type()]
	if !known {
		return usagef("%w", err)
	}
	return usagef("--%s must be %s, not %q", invalid.GetFlag().Name, look, invalid.GetValue())
}

// errValue says that a value does not look as its flag's type does; flagError finds the words.
var errValue = errors.New("wrong value")

// durationValue is a flag with a duration. Unlike Go's own it knows days.
type durationValue time.Duration

func (d *durationValue) Type() string { return typeDuration }

func (d *durationValue) String() string {
	if *d == 0 {
		return ""
	}
	return time.Duration(*d).String()
}

// Set reads a value.
func (d *durationValue) Set(text string) error {
	parsed, err := parseDuration(text)
	*d = durationValue(parsed)
	return err
}

var days = regexp.MustCompile(`^([0-9]{1,5})d(.*)$`)

func parseDuration(text string) (time.Duration, error) {
	whole := time.Duration(0)
	if parts := days.FindStringSubmatch(text); parts != nil {
		n, err := strconv.Atoi(parts[1])
		if err != nil {
			return 0, errValue
		}
		if whole = time.Duration(n) * 24 * time.Hour; parts[2] == "" {
			return whole, nil
		}
		text = parts[2]
	}
	rest, err := time.ParseDuration(text)
	if err != nil || whole != 0 && rest < 0 {
		return 0, errValue
	}
	return whole + rest, nil
}

// secondsValue is a flag with whole seconds, as a number or a duration.
type secondsValue int64

func (s *secondsValue) Type() string { return typeSeconds }

func (s *secondsValue) String() string { return numberOrNone(int64(*s)) }

// Set reads a value.
func (s *secondsValue) Set(text string) error {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		*s = secondsValue(n)
		return nil
	}
	parsed, err := parseDuration(text)
	*s = secondsValue(parsed / time.Second)
	return err
}

// sizeValue is a flag with bytes, as a number or with a unit.
type sizeValue int64

func (s *sizeValue) Type() string { return typeSize }

func (s *sizeValue) String() string { return numberOrNone(int64(*s)) }

var (
	sizes = regexp.MustCompile(`^(-?[0-9]+(?:[.][0-9]+)?) ?(?:([kKMGTP])(i)?)?B?$`)
	units = map[string]int{"k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}
)

// Set reads a value.
func (s *sizeValue) Set(text string) error {
	parts := sizes.FindStringSubmatch(text)
	if parts == nil {
		return errValue
	}
	n, err := strconv.ParseFloat(parts[1], 64)
	if err != nil {
		return errValue
	}
	base := 1000.0
	if parts[3] != "" {
		base = 1024
	}
	if n *= math.Pow(base, float64(units[parts[2]])); n > float64(v1alpha1.MaxSizeBytes) {
		return errValue
	}
	*s = sizeValue(n)
	return nil
}

// numberOrNone is empty for 0, which the help would show as a default otherwise.
func numberOrNone(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// parseTime reads the value of a flag with a time, or with a date, which begins at midnight in UTC.
func parseTime(flag, text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, usagef("--%s must be a time such as 2026-04-01T08:00:00Z or a date such as 2026-04-01, not %q", flag, text)
}

// parseSelector reads --selector; empty selects everything.
func parseSelector(text string) (labels.Selector, error) {
	chosen, err := labels.Parse(text)
	if err != nil {
		return nil, usagef("--selector: %v", err)
	}
	return chosen, nil
}
