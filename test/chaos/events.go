// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// recording is a recorded object, as its RecordingFile has to be in the end.
type recording struct {
	source                    *source
	job, room, stream, format string
	facts                     v1alpha1.RecordedFile
}

// chain is what START alone names.
type chain struct{ source, job, stream, format string }

// ledger is what was sent, and so what has to be.
type ledger struct {
	mu         sync.Mutex
	deliveries []*delivery
	// recordings are by bucket and object.
	recordings map[string]*recording
	// unfinished are chains of one START and no COMPLETE: each is one open file for ever.
	unfinished map[chain]bool
}

func newLedger() *ledger {
	return &ledger{recordings: map[string]*recording{}, unfinished: map[chain]bool{}}
}

// generator makes up jobs. Of one seed, it makes the same ones in the same order.
type generator struct {
	random  *rand.Rand
	sources []*source
	ledger  *ledger
	jobs    int
	// epoch is when the first recording began.
	epoch time.Time
}

// job is the events of one recording task, in the order in which they are to be sent: nearly that in which they
// happened, some of them more than once.
func (g *generator) job() []*delivery {
	g.jobs++
	s := g.sources[g.random.IntN(len(g.sources))]
	job, room := fmt.Sprintf("job-%06d", g.jobs), fmt.Sprintf("room-%d", g.random.IntN(50))
	var events []*delivery
	for stream := range 1 + g.random.IntN(3) {
		for _, format := range [][]string{{"HLS"}, {"MP4"}, {"HLS", "MP4"}}[g.random.IntN(3)] {
			events = append(events, g.chain(recording{source: s, job: job, room: room, stream: fmt.Sprintf("camera-%d", stream), format: format})...)
		}
	}
	events = append(events, g.deliver(s, map[string]any{"event_type": "CLOUD_RECORD_SERVER_OVER", "job_id": job, "room_id": room}))
	return g.disorder(events)
}

// chain is the events of one stream in one format. Each COMPLETE has a START, or none follows at all: else which files
// stay open would depend on the order.
func (g *generator) chain(r recording) (events []*delivery) {
	start := func() *delivery {
		return g.deliver(r.source, map[string]any{
			"event_type": "RECORD_NEW_FILE_START", "job_id": r.job, "room_id": r.room, "stream_name": r.stream, "record_format": r.format,
		})
	}
	if g.random.IntN(10) == 0 {
		g.ledger.mu.Lock()
		g.ledger.unfinished[chain{r.source.name, r.job, r.stream, r.format}] = true
		g.ledger.mu.Unlock()
		return []*delivery{start()}
	}
	for n := range 1 + g.random.IntN(3) {
		events = append(events, start(), g.complete(g.begin(r, n)))
		for g.random.IntN(4) == 0 {
			// The recording resumes after a pause and is reported again.
			events = append(events, g.complete(g.grow(r, n)))
		}
	}
	return events
}

func objectOf(r recording, n int) string {
	extension := map[string]string{"HLS": "m3u8", "MP4": "mp4"}[r.format]
	return fmt.Sprintf("Record/%s/%s/%s/%s/%d.%s", r.source.name, r.job, r.stream, r.format, n, extension)
}

// begin enters the n-th file of a chain into the ledger.
func (g *generator) begin(r recording, n int) recording {
	start := metav1.NewTime(g.epoch.Add(time.Duration(g.jobs)*time.Minute + time.Duration(n)*time.Hour))
	seconds := 5 + g.random.Int64N(3600)
	end := metav1.NewTime(start.Add(time.Duration(seconds) * time.Second))
	object := objectOf(r, n)
	r.facts = v1alpha1.RecordedFile{
		DownloadURL: "https://" + bucket + ".obs.example.com/" + object, SizeBytes: seconds * 400000, DurationSeconds: seconds,
		StartTime: &start, EndTime: &end, Width: 1280, Height: 720,
		OBS: &v1alpha1.OBSObject{Location: "obs.example.com", Bucket: bucket, Object: object},
	}
	g.ledger.mu.Lock()
	defer g.ledger.mu.Unlock()
	g.ledger.recordings[object] = &r
	return r
}

// grow makes a file longer, in the ledger too. What is greatest counts, whatever comes last.
func (g *generator) grow(r recording, n int) recording {
	g.ledger.mu.Lock()
	defer g.ledger.mu.Unlock()
	known := g.ledger.recordings[objectOf(r, n)]
	more := 1 + g.random.Int64N(600)
	end := metav1.NewTime(known.facts.EndTime.Add(time.Duration(more) * 2 * time.Second))
	known.facts.DurationSeconds += more
	known.facts.SizeBytes += more * 400000
	known.facts.EndTime = &end
	return *known
}

func (g *generator) complete(r recording) *delivery {
	return g.deliver(r.source, map[string]any{
		"event_type": "RECORD_FILE_COMPLETE", "job_id": r.job, "room_id": r.room, "stream_name": r.stream, "record_format": r.format,
		"download_url": r.facts.DownloadURL, "obs_location": r.facts.OBS.Location, "obs_bucket": r.facts.OBS.Bucket, "obs_object": r.facts.OBS.Object,
		"file_size": r.facts.SizeBytes, "record_duration": r.facts.DurationSeconds, "width": r.facts.Width, "height": r.facts.Height,
		"start_time": r.facts.StartTime.UTC().Format(time.RFC3339), "end_time": r.facts.EndTime.UTC().Format(time.RFC3339),
	})
}

func (g *generator) deliver(s *source, fields map[string]any) *delivery {
	fields["app_id"] = appID
	body, err := json.Marshal(fields)
	if err != nil {
		panic(err) // texts and numbers
	}
	d := &delivery{source: s, body: body, copies: 1}
	g.ledger.mu.Lock()
	defer g.ledger.mu.Unlock()
	g.ledger.deliveries = append(g.ledger.deliveries, d)
	return d
}

// disorder doubles some of the events, and moves each by a few places.
func (g *generator) disorder(events []*delivery) []*delivery {
	type placed struct {
		event *delivery
		place float64
	}
	const doubled, reach = 0.1, 3
	var all []placed
	for i, event := range events {
		all = append(all, placed{event, float64(i) + reach*g.random.Float64()})
		for g.random.Float64() < doubled {
			event.copies++
			all = append(all, placed{event, float64(i) + 2*reach*g.random.Float64()})
		}
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.place, b.place) })
	ordered := make([]*delivery, len(all))
	for i, p := range all {
		ordered[i] = p.event
	}
	return ordered
}

// single is the COMPLETE of a recording that is of one file, as one bare create is of one object.
func (g *generator) single() *delivery {
	g.jobs++
	return g.complete(g.begin(recording{
		source: g.sources[g.random.IntN(len(g.sources))], job: fmt.Sprintf("job-%06d", g.jobs), room: "room", stream: "camera", format: "HLS",
	}, 0))
}
