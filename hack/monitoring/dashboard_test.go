// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dashboardModel is what the tests read of a dashboard of Grafana.
type dashboardModel struct {
	Panels []struct {
		ID      int    `json:"id"`
		Type    string `json:"type"`
		Title   string `json:"title"`
		GridPos struct{ H, W, X, Y int }
		Targets []struct {
			Expr         string `json:"expr"`
			LegendFormat string `json:"legendFormat"`
		} `json:"targets"`
	} `json:"panels"`
	Templating struct {
		List []struct {
			Name  string `json:"name"`
			Query string `json:"query"`
		} `json:"list"`
	} `json:"templating"`
}

func grafanaDashboard(t *testing.T) dashboardModel {
	t.Helper()
	var model dashboardModel
	if err := json.Unmarshal([]byte(read(t, "config", "grafana", "recording-operator.json")), &model); err != nil {
		t.Fatal(err)
	}
	return model
}

var (
	variable    = regexp.MustCompile(`\$\{?(\w+)\}?`)
	labelValues = regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
	legendLabel = regexp.MustCompile(`\{\{(\w+)\}\}`)
)

// replaced is an expression as Grafana sends it: all values chosen, the last minutes shown.
func replaced(expression string, variables []string) (string, error) {
	var err error
	return variable.ReplaceAllStringFunc(expression, func(found string) string {
		switch name := variable.FindStringSubmatch(found)[1]; {
		case name == "__rate_interval":
			return "1m"
		case slices.Contains(variables, name):
			return ".*"
		default:
			err = fmt.Errorf("no variable %s", found)
			return found
		}
	}), err
}

// TestDashboard_UsesKnownMetrics: Prometheus parses every expression, and the operator registers every metric and label in it.
func TestDashboard_UsesKnownMetrics(t *testing.T) {
	known, model := registered(t), grafanaDashboard(t)
	var variables []string
	for _, v := range model.Templating.List {
		variables = append(variables, v.Name)
	}
	shown := map[string]bool{}
	for _, panel := range model.Panels {
		if (panel.Type == "row") != (len(panel.Targets) == 0) {
			t.Errorf("%s is a %s with %d expressions", panel.Title, panel.Type, len(panel.Targets))
		}
		for _, target := range panel.Targets {
			expression, err := replaced(target.Expr, variables)
			if err == nil {
				err = known.check(expression)
			}
			if err != nil {
				t.Errorf("%s: %v", panel.Title, err)
			}
			for _, label := range legendLabel.FindAllStringSubmatch(target.LegendFormat, -1) {
				if !regexp.MustCompile(`by \([^)]*\b` + label[1] + `\b`).MatchString(target.Expr) {
					t.Errorf("%s: the legend has %s, which the expression leaves out", panel.Title, label[0])
				}
			}
			for name := range known {
				shown[name] = shown[name] || strings.Contains(target.Expr, name)
			}
		}
	}
	// What is left out is left out on purpose.
	leftOut := []string{"recording_callback_timestamps_total", "recording_callback_timestamp_skew_seconds", "recording_spool_bytes"}
	for name := range known {
		if strings.HasPrefix(name, "recording_") && shown[name] == slices.Contains(leftOut, name) {
			t.Errorf("%s is shown: %v", name, shown[name])
		}
	}
}

// TestDashboard_VariablesHaveValues: the variables are values of labels that exist.
func TestDashboard_VariablesHaveValues(t *testing.T) {
	known, queried := registered(t), 0
	for _, v := range grafanaDashboard(t).Templating.List {
		if v.Name == "datasource" {
			continue
		}
		parts := labelValues.FindStringSubmatch(v.Query)
		if parts == nil {
			t.Errorf("%s is %q", v.Name, v.Query)
			continue
		}
		queried++
		if strings.HasPrefix(parts[1], "{") { // of every metric, which all have the labels of their target
			if !slices.Contains(targetLabels, parts[2]) {
				t.Errorf("%s: not every metric has the label %s", v.Name, parts[2])
			}
			continue
		}
		expression, err := replaced(parts[1], []string{"job"})
		if err == nil {
			err = known.check(fmt.Sprintf("sum by (%s) (%s)", parts[2], expression))
		}
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
	if queried == 0 {
		t.Error("no variable is queried")
	}
}

// TestDashboard_PanelsDoNotOverlap: each has a number and a place of its own.
func TestDashboard_PanelsDoNotOverlap(t *testing.T) {
	ids, cells := map[int]string{}, map[[2]int]string{}
	for _, panel := range grafanaDashboard(t).Panels {
		if ids[panel.ID] != "" || panel.ID == 0 {
			t.Errorf("%s has the number %d of %q", panel.Title, panel.ID, ids[panel.ID])
		}
		ids[panel.ID] = panel.Title
		at := panel.GridPos
		if at.H < 1 || at.W < 1 || at.X+at.W > 24 {
			t.Errorf("%s is at %+v", panel.Title, at)
		}
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				if other := cells[[2]int{x, y}]; other != "" {
					t.Errorf("%s lies on %s", panel.Title, other)
				}
				cells[[2]int{x, y}] = panel.Title
			}
		}
	}
}
