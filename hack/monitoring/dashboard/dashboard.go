// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// The grid of a dashboard is 24 wide: three panels a line.
const (
	panelWidth  = 8
	panelHeight = 8
)

// row is a heading and the panels below it.
type row struct {
	title  string
	panels []panel
}

// panel shows values over time.
type panel struct {
	title, description string
	// unit is one of Grafana's.
	unit string
	// stacked adds series up, where their sum means something.
	stacked bool
	queries []query
}

// query is an expression, and how its series are named.
type query struct{ expr, legend string }

// datasource is the one that the reader chose.
func datasource() common.DataSourceRef {
	kind, uid := "prometheus", "${datasource}"
	return common.DataSourceRef{Type: &kind, Uid: &uid}
}

//nolint:staticcheck // only Grafana 12 and later read the schema that is to replace this one
func build() (dashboard.Dashboard, error) {
	builder := dashboard.NewDashboardBuilder("SparkRTC recording operator").
		Uid("recording-operator").
		Description("Callbacks, the spool, files and their steps, discovery, and the processes. docs/alerts.md says what to do about what is wrong.").
		Tags([]string{"recording-operator"}).
		Readonly().
		Time("now-6h", "now").
		Refresh("1m").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus")).
		WithVariable(labelValues("job", "Job", `{__name__=~"recording_.+"}`)).
		WithVariable(labelValues("namespace", "Namespace of sources", `recording_callbacks_total{job=~"$job"}`))
	id := uint32(0)
	for _, row := range rows() {
		id++
		builder.WithRow(dashboard.NewRowBuilder(row.title).Id(id))
		for _, panel := range row.panels {
			id++
			builder.WithPanel(panel.builder().Id(id))
		}
	}
	return builder.Build()
}

// labelValues is a variable of the values that a label has in a selector. All values are the default.
func labelValues(label, title, selector string) *dashboard.QueryVariableBuilder {
	expr := fmt.Sprintf("label_values(%s, %s)", selector, label)
	all := "$__all"
	return dashboard.NewQueryVariableBuilder(label).Label(title).
		Datasource(datasource()).
		Query(dashboard.StringOrMap{String: &expr}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Multi(true).IncludeAll(true).AllValue(".*").
		Current(dashboard.VariableOption{
			Text: dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}}, Value: dashboard.StringOrArrayOfString{ArrayOfString: []string{all}},
		})
}

func (p panel) builder() *timeseries.PanelBuilder {
	builder := timeseries.NewPanelBuilder().
		Title(p.title).Description(p.description).
		Datasource(datasource()).
		Span(panelWidth).Height(panelHeight).
		Unit(p.unit).Min(0).
		FillOpacity(10).
		Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	if p.stacked {
		builder.Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal))
	}
	if p.unit == units.Short || p.unit == eventsPerMinute {
		builder.AxisSoftMax(1) // where all is zero, the axis would go to 100
	}
	for i, query := range p.queries {
		builder.WithTarget(prometheus.NewDataqueryBuilder().
			RefId(string(rune('A' + i))).Datasource(datasource()).
			Expr(query.expr).LegendFormat(query.legend).Range())
	}
	return builder
}
