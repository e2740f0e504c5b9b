// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package monitoring tests the alerts of config/prometheus with Prometheus' own engine, and the dashboard of config/grafana.
package monitoring

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
	"sigs.k8s.io/yaml"
)

// rule is an alert of the PrometheusRule.
type rule struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func rules(t *testing.T) map[string]rule {
	t.Helper()
	var object struct {
		Spec struct {
			Groups []struct {
				Rules []rule `json:"rules"`
			} `json:"groups"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "config", "prometheus", "prometheus_rule.yaml")), &object); err != nil {
		t.Fatal(err)
	}
	found := map[string]rule{}
	for _, group := range object.Spec.Groups {
		for _, r := range group.Rules {
			if _, twice := found[r.Alert]; twice {
				t.Errorf("%s is there twice", r.Alert)
			}
			found[r.Alert] = r
		}
	}
	return found
}

// TestAlerts_HaveRunbooks: each alert has a severity, a summary, and a section that says what to do.
func TestAlerts_HaveRunbooks(t *testing.T) {
	page := read(t, "docs", "alerts.md")
	sections := regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(page, -1)
	anchors := map[string]bool{}
	for _, section := range sections {
		anchors[strings.ReplaceAll(strings.ToLower(section[1]), " ", "-")] = true
	}
	for name, r := range rules(t) {
		_, anchor, found := strings.Cut(r.Annotations["runbook_url"], "/docs/alerts#")
		if !found || !anchors[anchor] {
			t.Errorf("%s: docs/alerts.md has no section for %q", name, r.Annotations["runbook_url"])
		}
		if r.Annotations["summary"] == "" || r.Labels["severity"] != "warning" && r.Labels["severity"] != "critical" {
			t.Errorf("%s: summary or severity is missing", name)
		}
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("docs/alerts.md does not name %s", name)
		}
	}
}

// TestAlerts_UseKnownMetrics: the operator registers every metric and label that an expression names.
func TestAlerts_UseKnownMetrics(t *testing.T) {
	known := registered(t)
	for name, r := range rules(t) {
		if err := known.check(r.Expr); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// series is one of a test: its value begins at start and grows by rising a minute.
type series struct {
	labels        string
	start, rising float64
}

// minutes is when alerts are evaluated: a day and an hour after the series begin.
const minutes = 25 * 60

// database holds series in memory.
func database(t *testing.T, all []series) storage.Queryable {
	t.Helper()
	var built []storage.Series
	for _, s := range all {
		metric, err := parser.NewParser(parser.Options{}).ParseMetric(s.labels)
		if err != nil {
			t.Fatal(err)
		}
		var samples []chunks.Sample
		for minute := range minutes + 1 {
			samples = append(samples, sample{at: int64(minute) * 60_000, value: s.start + s.rising*float64(minute)})
		}
		built = append(built, storage.NewListSeries(metric, samples))
	}
	return &storage.MockQueryable{MockQuerier: &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		set := &seriesSet{at: -1}
		for _, s := range built {
			if matches(s.Labels(), matchers) {
				set.all = append(set.all, s)
			}
		}
		return set
	}}}
}

func matches(of labels.Labels, matchers []*labels.Matcher) bool {
	for _, matcher := range matchers {
		if !matcher.Matches(of.Get(matcher.Name)) {
			return false
		}
	}
	return true
}

// seriesSet iterates over series.
type seriesSet struct {
	all []storage.Series
	at  int
}

func (s *seriesSet) Next() bool                      { s.at++; return s.at < len(s.all) }
func (s *seriesSet) At() storage.Series              { return s.all[s.at] }
func (*seriesSet) Err() error                        { return nil }
func (*seriesSet) Warnings() annotations.Annotations { return nil }

// sample is one value of a series.
type sample struct {
	at    int64
	value float64
}

func (s sample) T() int64                    { return s.at }
func (sample) ST() int64                     { return 0 }
func (s sample) F() float64                  { return s.value }
func (sample) H() *histogram.Histogram       { return nil }
func (sample) FH() *histogram.FloatHistogram { return nil }
func (sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample         { return s }

// TestAlerts_Fire: each alert fires when it should, and is silent when everything is well.
func TestAlerts_Fire(t *testing.T) {
	all := rules(t)
	well := []series{
		{`recording_callbacks_total{outcome="created",namespace="media",source="classroom"}`, 0, 60},
		{`recording_callbacks_total{outcome="unavailable",namespace="media",source="classroom"}`, 7, 0},
		{`recording_callbacks_total{outcome="unauthorized",namespace="",source=""}`, 0, 60}, // nobody's business
		{`recording_callbacks_total{outcome="unauthorized",namespace="media",source="classroom"}`, 3, 0},
		{`recording_spool_events`, 0, 0}, {`recording_spool_segments`, 1, 0}, {`recording_spool_corrupt_records_total`, 0, 0},
		{`recording_rejected_callbacks_total{reason="Invalid"}`, 2, 0}, {`recording_rejected_callbacks_dropped_total`, 0, 0},
		{`recording_files{reason="Failed"}`, 0, 0}, {`recording_files{reason="Succeeded"}`, 100, 0},
		{`recording_callback_duration_seconds_bucket{le="0.1"}`, 0, 60}, {`recording_callback_duration_seconds_bucket{le="+Inf"}`, 0, 60},
		{`recording_discovery_objects_total{namespace="media",source="classroom",outcome="known"}`, 0, 5},
		{`recording_discovery_objects_total{namespace="media",source="classroom",outcome="created"}`, 3, 0},
		{`recording_discovery_scans_total{namespace="media",source="classroom",outcome="failed"}`, 0, 0.1},
		{`recording_discovery_scans_total{namespace="media",source="classroom",outcome="succeeded"}`, 0, 0.1},
		{`recording_steps_total{kind="archive",outcome="succeeded"}`, 0, 3}, {`recording_steps_total{kind="archive",outcome="failed"}`, 0, 1},
		{`recording_oldest_file_seconds{reason="Queued"}`, 3600, 0}, {`recording_oldest_file_seconds{reason="Failed"}`, 3600, 60}, // has an alert of its own
	}
	// What is wrong replaces the series of the same labels, or is added.
	wrong := map[string]series{
		"RecordingCallbacksNotStored":  {well[1].labels, 0, 1},
		"RecordingCallbackKeyUnknown":  {well[3].labels, 0, 1},
		"RecordingSpoolNotEmpty":       {`recording_spool_events`, 5, 0},
		"RecordingSpoolHalfFull":       {`recording_spool_segments`, 33, 0},
		"RecordingCallbackRejected":    {well[7].labels, 0, 0.05},
		"RecordingCallbacksLostOnDisk": {`recording_spool_corrupt_records_total`, 0, 0.05},
		"RecordingFilesFailed":         {well[9].labels, 1, 0},
		"RecordingCallbacksSlow":       {`recording_callback_duration_seconds_bucket{le="0.1"}`, 0, 1},
		"RecordingCallbacksMissed":     {well[14].labels, 0, 0.01},
		"RecordingDiscoveryFails":      {well[16].labels, 5, 0},
		"RecordingStepsFail":           {well[18].labels, 0, 9},
		"RecordingFileWaits":           {well[19].labels, 0, 60},
	}
	if len(wrong) != len(all) {
		t.Errorf("%d alerts, %d of them tested", len(all), len(wrong))
	}
	for name := range all {
		if fires(t, all[name], well) {
			t.Errorf("%s fires when everything is well", name)
		}
	}
	for name, bad := range wrong {
		have := []series{bad}
		for _, s := range well {
			if s.labels != bad.labels {
				have = append(have, s)
			}
		}
		if name == "RecordingCallbacksSlow" {
			have = append(have, series{`recording_callback_duration_seconds_bucket{le="5"}`, 0, 60})
		}
		for other := range all {
			if got := fires(t, all[other], have); got != (other == name) {
				t.Errorf("%s is wrong: %s fires: %v", name, other, got)
			}
		}
	}
}

func fires(t *testing.T, r rule, have []series) bool {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e7, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, Parser: parser.NewParser(parser.Options{})})
	defer func() { _ = engine.Close() }()
	query, err := engine.NewInstantQuery(t.Context(), database(t, have), nil, r.Expr, time.UnixMilli(minutes*60_000))
	if err != nil {
		t.Fatalf("%s: %v", r.Alert, err)
	}
	defer query.Close()
	vector, err := query.Exec(t.Context()).Vector()
	if err != nil {
		t.Fatalf("%s: %v", r.Alert, err)
	}
	return len(vector) > 0
}
