// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sparkrtc

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// ErrTimestamp says that X-Rtc-Timestamp cannot be read, or lies too far from now.
var ErrTimestamp = errors.New("timestamp is not acceptable")

// firstMillisecond is the smallest X-Rtc-Timestamp that is read as milliseconds: as seconds it would be the year 5138,
// as milliseconds it is 1973. The service documents neither the unit nor the meaning of the header.
const firstMillisecond = 100_000_000_000

// maxTimestamp bounds X-Rtc-Timestamp to the year 9999, in milliseconds.
const maxTimestamp = 253_402_300_799_999

// Unit is that of X-Rtc-Timestamp.
type Unit string

// The units of X-Rtc-Timestamp.
const (
	Seconds      Unit = "Seconds"
	Milliseconds Unit = "Milliseconds"
	// UnknownUnit is a header that is no number, or none of these days.
	UnknownUnit Unit = "Unknown"
)

// theseDays is how far from now a number of seconds or milliseconds is taken for a time: what lies further off was
// meant as something else.
const theseDays = 366 * 24 * time.Hour

// ObserveTimestamp says what X-Rtc-Timestamp seems to be, and how far it lies from now: below zero for the past. The skew
// of an UnknownUnit is zero.
func ObserveTimestamp(text string, now time.Time) (unit Unit, skew time.Duration) {
	at, unit, err := parseTimestamp(text)
	if err != nil {
		return UnknownUnit, 0
	}
	if skew = at.Sub(now); skew.Abs() > theseDays {
		return UnknownUnit, 0
	}
	return unit, skew
}

// ParseTimestamp reads X-Rtc-Timestamp: decimal seconds or milliseconds since 1970, told apart by their size.
func ParseTimestamp(text string) (time.Time, error) {
	at, _, err := parseTimestamp(text)
	return at, err
}

func parseTimestamp(text string) (time.Time, Unit, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	switch {
	case err != nil:
		return time.Time{}, UnknownUnit, fmt.Errorf("%w: %s is not a number of seconds or milliseconds", ErrTimestamp, HeaderTimestamp)
	case n > maxTimestamp:
		return time.Time{}, UnknownUnit, fmt.Errorf("%w: %s is beyond the year 9999", ErrTimestamp, HeaderTimestamp)
	case n >= firstMillisecond:
		return time.UnixMilli(int64(n)).UTC(), Milliseconds, nil
	default:
		return time.Unix(int64(n), 0).UTC(), Seconds, nil
	}
}

// CheckTimestamp refuses a timestamp that lies further from now than the tolerance, before or after.
func CheckTimestamp(text string, tolerance time.Duration, now time.Time) error {
	at, err := ParseTimestamp(text)
	if err != nil {
		return err
	}
	if off := now.Sub(at).Abs(); off > tolerance {
		return fmt.Errorf("%w: it lies %s from now, more than %s", ErrTimestamp, off.Round(time.Second), tolerance)
	}
	return nil
}
