// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// eventsPerMinute is a unit of Grafana's that package units lacks.
const eventsPerMinute = "epm"

// rows are what the dashboard shows, in the order in which a recording passes.
func rows() []row {
	return []row{callbacks(), spool(), files(), notifications(), discovery(), processes()}
}

// Counters and histograms are added up over replicas. What each replica shows of the same objects is not: use max.

// rate is the rate of a counter by labels, of the chosen jobs. Further matchers begin with a comma.
func rate(metric, by, matchers string) string {
	return fmt.Sprintf(`sum by (%s) (rate(%s{job=~"$job"%s}[$__rate_interval]))`, by, metric, matchers)
}

// perMinute is a rate of what happens too seldom to be read by the second.
func perMinute(metric, by, matchers string) string {
	return "60 * " + rate(metric, by, matchers)
}

// quantile is a quantile of a histogram by labels.
func quantile(q float64, metric, by string) string {
	return fmt.Sprintf(`histogram_quantile(%g, sum by (%s) (rate(%s_bucket{job=~"$job"}[$__rate_interval])))`, q, by, metric)
}

// percentiles are the median and the 95th percentile of a histogram by labels. The legend goes before each.
func percentiles(metric, by, legend string) []query {
	return []query{{quantile(.5, metric, by), legend + "p50"}, {quantile(.95, metric, by), legend + "p95"}}
}

// gauge is the highest value of a gauge by labels.
func gauge(metric, by string) string {
	return fmt.Sprintf(`max by (%s) (%s{job=~"$job"})`, by, metric)
}

// ofSources holds a metric to the chosen namespaces.
const ofSources = `, namespace=~"$namespace"`

func callbacks() row {
	return row{title: "Callbacks", panels: []panel{
		{
			title: "Callbacks by outcome", unit: units.RequestsPerSecond, stacked: true,
			description: "Answers of all receivers. docs/reference/metrics.md says what each outcome means.",
			queries:     []query{{rate("recording_callbacks_total", "outcome", ofSources), "{{outcome}}"}},
		},
		{
			title: "Callbacks that were not stored", unit: units.RequestsPerSecond,
			description: "By source. Nothing here is as it should be, but unauthorized callbacks without a source are nobody's.",
			queries: []query{{
				rate("recording_callbacks_total", "namespace, source, outcome", ofSources+`, outcome=~"unavailable|throttled|invalid|unauthorized"`),
				"{{namespace}}/{{source}} {{outcome}}",
			}},
		},
		{
			title: "Time to answer", unit: units.Seconds,
			description: "From the request to its answer, all outcomes.",
			queries: []query{
				{quantile(.5, "recording_callback_duration_seconds", "le"), "p50"},
				{quantile(.9, "recording_callback_duration_seconds", "le"), "p90"},
				{quantile(.99, "recording_callback_duration_seconds", "le"), "p99"},
			},
		},
	}}
}

func spool() row {
	return row{title: "Spool", panels: []panel{
		{
			title: "Callbacks on disk", unit: units.Short,
			description: "Callbacks that wait on a receiver's disk for the API server.",
			queries:     []query{{gauge("recording_spool_events", "pod"), "{{pod}}"}},
		},
		{
			title: "Segments on disk", unit: units.Short,
			description: "Segments of 4 MiB. The default --spool-max-bytes has room for 64.",
			queries:     []query{{gauge("recording_spool_segments", "pod"), "{{pod}}"}},
		},
		{
			title: "Through the spool", unit: units.EventsPerSecond,
			description: "Callbacks that went to disk, and those that left it: written, rejected, or lost because they could not be read.",
			queries: []query{
				{rate("recording_spool_appended_total", "job", ""), "to disk"},
				{rate("recording_spool_drained_total", "job", ""), "written"},
				{rate("recording_spool_rejected_total", "job", ""), "rejected"},
				{rate("recording_spool_corrupt_records_total", "job", ""), "lost"},
			},
		},
		{
			title: "API server is away", unit: units.Short,
			description: "1 while a receiver sends callbacks to disk at once.",
			queries:     []query{{gauge("recording_spool_breaker_open", "pod"), "{{pod}}"}},
		},
		{
			title: "Rejected callbacks by reason", unit: eventsPerMinute,
			description: "Signed callbacks that could not be stored: kept as RejectedCallbacks, or dropped.",
			queries: []query{
				{perMinute("recording_rejected_callbacks_total", "reason", ""), "{{reason}}"},
				{perMinute("recording_rejected_callbacks_dropped_total", "job", ""), "dropped"},
			},
		},
	}}
}

func files() row {
	return row{title: "Files and steps", panels: []panel{
		{
			title: "Files by status", unit: units.Short,
			description: "RecordingFiles that exist.",
			queries:     []query{{gauge("recording_files", "reason"), "{{reason}}"}},
		},
		{
			title: "Age of the oldest file", unit: units.Seconds,
			description: "Of the RecordingFiles that are not done, by status.",
			queries:     []query{{gauge("recording_oldest_file_seconds", "reason"), "{{reason}}"}},
		},
		{
			title: "Steps that ended", unit: eventsPerMinute, stacked: true,
			description: "By kind and outcome.",
			queries:     []query{{perMinute("recording_steps_total", "kind, outcome", ""), "{{kind}} {{outcome}}"}},
		},
		{
			title: "Duration of steps", unit: units.Seconds,
			description: "From the creation of a step's Job to its end.",
			queries:     percentiles("recording_step_duration_seconds", "le, kind", "{{kind}} "),
		},
		{
			title: "Steps that wait for a limit", unit: units.Short,
			description: "Steps that could start, by the reason in their status.",
			queries:     []query{{gauge("recording_queue_waiting_steps", "reason"), "{{reason}}"}},
		},
		{
			title: "Active Jobs", unit: units.Short,
			description: "Jobs of steps that count for the limits: those that run or are about to.",
			queries:     []query{{gauge("recording_queue_active_jobs", "job"), "Jobs"}},
		},
		{
			title: "Statuses written", unit: units.OpsPerSecond,
			description: "Patches of statuses of RecordingFiles: for the progress of running steps alone, or for more.",
			queries:     []query{{rate("recording_file_status_patches_total", "content", ""), "{{content}}"}},
		},
	}}
}

func notifications() row {
	return row{title: "Notifications", panels: []panel{
		{
			title: "Events by outcome", unit: eventsPerMinute,
			description: "Events for the sinks of sources, by source. What failed is sent again; given up, canceled and dropped are not.",
			queries: []query{{
				perMinute("recording_notifications_total", "namespace, source, outcome", ofSources), "{{namespace}}/{{source}} {{outcome}}",
			}},
		},
		{
			title: "Time that sinks take", unit: units.Seconds,
			description: "From the beginning of a request to a sink to its response or failure.",
			queries:     percentiles("recording_notification_duration_seconds", "le, outcome", "{{outcome}} "),
		},
	}}
}

func discovery() row {
	return row{title: "Discovery in storage", panels: []panel{
		{
			title: "Objects by outcome", unit: eventsPerMinute,
			description: "Playlists and MP4s that discovery looked at. Created and updated ones are recordings whose callbacks were lost.",
			queries:     []query{{perMinute("recording_discovery_objects_total", "outcome", ofSources), "{{outcome}}"}},
		},
		{
			title: "Scans by outcome", unit: eventsPerMinute,
			description: "Scans of a bucket that ended, by source.",
			queries: []query{{
				perMinute("recording_discovery_scans_total", "namespace, source, outcome", ofSources), "{{namespace}}/{{source}} {{outcome}}",
			}},
		},
		{
			title: "Duration of scans", unit: units.Seconds,
			description: "From the beginning of a scan to its end, the turns of other sources included.",
			queries:     percentiles("recording_discovery_scan_duration_seconds", "le", ""),
		},
	}}
}

func processes() row {
	return row{title: "Processes", panels: []panel{
		{
			title: "CPU", unit: units.PercentUnit,
			description: "CPU time of each receiver and manager, as a share of one core.",
			queries:     []query{{rate("process_cpu_seconds_total", "pod", ""), "{{pod}}"}},
		},
		{
			title: "Memory", unit: units.BytesIEC,
			description: "Resident memory of each receiver and manager.",
			queries:     []query{{gauge("process_resident_memory_bytes", "pod"), "{{pod}}"}},
		},
		{
			title: "Errors of the API server", unit: units.RequestsPerSecond,
			description: "Requests to the API server that it refused or did not answer, by status code. 404 and 409 are left out: " +
				"what does not exist yet is created, and conflicts are tried again.",
			queries: []query{{rate("rest_client_requests_total", "code, method", `, code!~"[123]..|404|409"`), "{{method}} {{code}}"}},
		},
		{
			title: "Requests to the API server", unit: units.RequestsPerSecond,
			description: "By pod.",
			queries:     []query{{rate("rest_client_requests_total", "pod", ""), "{{pod}}"}},
		},
		{
			title: "Reconciles that failed", unit: eventsPerMinute,
			description: "By controller. They are tried again.",
			queries:     []query{{perMinute("controller_runtime_reconcile_errors_total", "controller", ""), "{{controller}}"}},
		},
		{
			title: "Objects that wait for a controller", unit: units.Short,
			description: "Length of the work queues of the leader.",
			queries:     []query{{`sum by (controller) (workqueue_depth{job=~"$job"})`, "{{controller}}"}},
		},
	}}
}
