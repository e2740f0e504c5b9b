// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/promql/parser"
	"k8s.io/utils/clock"
	_ "sigs.k8s.io/controller-runtime/pkg/controller" // registers its metrics, and those of the process
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"sparkrtc.dev/recording-operator/internal/metrics"
)

// catalog has the labels of each metric, by its name.
type catalog map[string][]string

// targetLabels are what Prometheus adds to each series of a scrape, and le, which a histogram has.
var targetLabels = []string{"job", "namespace", "pod", "le"}

// described is what Desc.String has: a Desc has no other way to be read.
var described = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", .*, variableLabels: \{([^}]*)\}\}$`)

// registered is the registry of a receiver and a manager in one, as they serve it.
func registered(t *testing.T) catalog {
	t.Helper()
	registry := prometheus.NewRegistry()
	_, managerErr := metrics.New(registry, clock.RealClock{})
	_, receiverErr := metrics.NewCallbacks(registry)
	err := errors.Join(managerErr, receiverErr,
		metrics.RegisterQueue(registry, func() (map[string]int, int) { return nil, 0 }),
		metrics.RegisterSpool(registry, func() metrics.SpoolStats { return metrics.SpoolStats{} }),
		metrics.RegisterRejected(registry, func() metrics.RejectedStats { return metrics.RejectedStats{} }),
	)
	if err != nil {
		t.Fatal(err)
	}
	known := catalog{}
	for _, collector := range []any{registry, ctrlmetrics.Registry} {
		descs := make(chan *prometheus.Desc)
		go func() {
			defer close(descs)
			collector.(prometheus.Collector).Describe(descs)
		}()
		for desc := range descs {
			parts := described.FindStringSubmatch(desc.String())
			if parts == nil {
				t.Fatalf("%s cannot be read", desc)
			}
			known[parts[1]] = append(strings.Split(parts[2], ","), targetLabels...)
		}
	}
	return known
}

// labelsOf are the labels of a series, such as recording_step_duration_seconds_bucket, or nil where nothing has that name.
func (c catalog) labelsOf(name string) []string {
	for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
		if base, found := strings.CutSuffix(name, suffix); found && c[base] != nil {
			return c[base]
		}
	}
	return nil
}

// check parses an expression, and finds what it names in the catalog: metrics, and the labels that it selects and groups by.
func (c catalog) check(expression string) error {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	if err != nil {
		return err
	}
	var problems []error
	selectors := 0
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		selectors++
		has := c.labelsOf(selector.Name)
		if has == nil {
			problems = append(problems, fmt.Errorf("no metric %q", selector.Name))
			return nil
		}
		var labels []string
		for _, matcher := range selector.LabelMatchers {
			if matcher.Name != "__name__" {
				labels = append(labels, matcher.Name)
			}
		}
		for _, above := range path {
			if aggregate, ok := above.(*parser.AggregateExpr); ok {
				labels = append(labels, aggregate.Grouping...)
			}
		}
		for _, label := range labels {
			if !slices.Contains(has, label) {
				problems = append(problems, fmt.Errorf("%s has no label %q", selector.Name, label))
			}
		}
		return nil
	})
	if selectors == 0 {
		return fmt.Errorf("%s selects no metric", expression)
	}
	return errors.Join(problems...)
}

// TestCatalog_FindsWhatIsWrong: what is checked with the catalog can fail.
func TestCatalog_FindsWhatIsWrong(t *testing.T) {
	known := registered(t)
	for expression, problem := range map[string]string{
		`rate(recording_callbacks_totals[5m])`:              `no metric "recording_callbacks_totals"`,
		`recording_spool_events{source="a"}`:                `recording_spool_events has no label "source"`,
		`sum by (reason) (rate(recording_files_total[5m]))`: `no metric "recording_files_total"`,
		`sum by (kind) (recording_files)`:                   `recording_files has no label "kind"`,
		`1 + 1`:                                             `selects no metric`,
		`sum by (`:                                          `parse error`,
	} {
		if err := known.check(expression); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v, want %s", expression, err, problem)
		}
	}
}
