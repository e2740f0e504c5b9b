// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package doctor finds what is wrong with an installation of the operator. Each check is a pure function of a Snapshot,
// which package gather reads from a cluster; so every finding can be tested without one.
package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Level says how bad a finding is.
type Level string

const (
	// OK means that a check found nothing wrong.
	OK Level = "OK"
	// Warning means that the operator works, but something needs attention, or that a check could not run.
	Warning Level = "WARNING"
	// Error means that recordings are not received or not processed until somebody acts.
	Error Level = "ERROR"
)

// Finding is one thing that a check found, in plain words.
type Finding struct {
	// Check is the name of the check that found it.
	Check string `json:"check"`
	Level Level  `json:"level"`
	// Object is what the finding is about, as KIND NAMESPACE/NAME; empty when it is about the whole installation.
	Object string `json:"object,omitempty"`
	// Message says what is wrong. It holds nothing of a Secret.
	Message string `json:"message"`
	// Fix is the command that fixes it, or finds out more; empty when there is nothing to fix.
	Fix string `json:"fix,omitempty"`
}

// Report is what all checks found.
type Report struct {
	Findings []Finding `json:"findings"`
	Errors   int       `json:"errors"`
	Warnings int       `json:"warnings"`
}

// Check looks for one kind of fault.
type Check struct {
	// Name is short, and stays as it is: programs that read reports know it.
	Name string
	// Good says what holds when the check finds nothing.
	Good string
	// Find is pure. It returns nothing when nothing is wrong; the runner fills in Finding.Check.
	Find func(*Snapshot) []Finding
}

// Examine runs checks on a snapshot, in their order. A check that finds nothing is reported as OK.
func Examine(snapshot *Snapshot, checks []Check) *Report {
	report := &Report{}
	for _, check := range checks {
		findings := check.Find(snapshot)
		if len(findings) == 0 {
			findings = []Finding{{Level: OK, Message: check.Good}}
		}
		for _, finding := range findings {
			finding.Check = check.Name
			switch finding.Level {
			case Error:
				report.Errors++
			case Warning:
				report.Warnings++
			case OK:
			}
			report.Findings = append(report.Findings, finding)
		}
	}
	return report
}

func errorf(object, fix, format string, args ...any) Finding {
	return Finding{Level: Error, Object: object, Fix: fix, Message: fmt.Sprintf(format, args...)}
}

func warningf(object, fix, format string, args ...any) Finding {
	return Finding{Level: Warning, Object: object, Fix: fix, Message: fmt.Sprintf(format, args...)}
}

// unchecked reports what could not be read, each reason once. A check that could not run never passes.
func unchecked(errs ...error) []Finding {
	var findings []Finding
	var told []string
	for _, err := range errs {
		if err == nil || slices.Contains(told, err.Error()) {
			continue
		}
		told = append(told, err.Error())
		fix := ""
		if unread, ok := errors.AsType[*UnreadError](err); ok {
			fix = unread.Fix
		}
		findings = append(findings, warningf("", fix, "Not checked: %v", err))
	}
	return findings
}

// listed joins names, the first few of many.
func listed(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
