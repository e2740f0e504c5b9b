// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// summary is a table for people: how many shapes had which outcome, by preset.
func summary(rows []row) string {
	outcomes := []outcome{
		goodPassed, goodRefused, damageFound, decodingFinds, keptUndecoded, damageMissed, undecided, changeAsked, refusedRight, wrongResult,
	}
	counts := map[string]map[outcome]int{}
	var presets []string
	seconds := 0.0
	for _, r := range rows {
		if counts[r.Preset] == nil {
			counts[r.Preset] = map[outcome]int{}
			presets = append(presets, r.Preset)
		}
		counts[r.Preset][r.Outcome]++
		seconds += r.Seconds
	}
	slices.Sort(presets)
	var out strings.Builder
	fmt.Fprintf(&out, "%-26s", "")
	for _, preset := range presets {
		fmt.Fprintf(&out, "%9s", preset)
	}
	for _, o := range outcomes {
		fmt.Fprintf(&out, "\n%-26s", o)
		for _, preset := range presets {
			fmt.Fprintf(&out, "%9d", counts[preset][o])
		}
	}
	fmt.Fprintf(&out, "\n%d runs, %.0f s of work", len(rows), seconds)
	return out.String()
}

// writeReport writes all rows as JSON.
func writeReport(path string, rows []row) error {
	data, err := json.MarshalIndent(rows, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o600)
}
