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

// recording is a recorded object, as its RecordingFile has to be in the end: the join of all reports that were sent.
type recording struct {
	source         *source
	task           string
	identity       v1alpha1.RecordingIdentity
	bucket, object string
	reported       v1alpha1.ReportedRecording
}

// taskKey names a recording task.
type taskKey struct{ namespace, source, id string }

// task is a recording task, as its RecordingTask has to be in the end.
type task struct {
	identity v1alpha1.RecordingIdentity
	starts   []*delivery
	ended    bool
}

// join adds what an event says to the identity: of each field the one that sorts last is kept.
func join(identity *v1alpha1.RecordingIdentity, said v1alpha1.RecordingIdentity) {
	identity.App, identity.Room = max(identity.App, said.App), max(identity.Room, said.Room)
	identity.Stream, identity.Format = max(identity.Stream, said.Stream), max(identity.Format, said.Format)
}

// ledger is what was sent, and so what has to be.
type ledger struct {
	mu         sync.Mutex
	deliveries []*delivery
	// recordings are by object.
	recordings map[string]*recording
	tasks      map[taskKey]*task
}

func newLedger() *ledger {
	return &ledger{recordings: map[string]*recording{}, tasks: map[taskKey]*task{}}
}

// said enters into the ledger what a START or OVER says of a task.
func (l *ledger) said(s *source, id string, identity v1alpha1.RecordingIdentity, start *delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := taskKey{s.namespace, s.name, id}
	known := l.tasks[key]
	if known == nil {
		known = &task{}
		l.tasks[key] = known
	}
	join(&known.identity, identity)
	if start != nil {
		known.starts = append(known.starts, start)
	} else {
		known.ended = true
	}
}

// generator makes up recording tasks. Of one seed, it makes the same ones in the same order.
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
	id, room := fmt.Sprintf("job-%06d", g.jobs), fmt.Sprintf("room-%d", g.random.IntN(50))
	var events []*delivery
	for stream := range 1 + g.random.IntN(3) {
		for _, format := range [][]string{{"HLS"}, {"MP4"}, {"HLS", "MP4"}}[g.random.IntN(3)] {
			identity := v1alpha1.RecordingIdentity{App: appID, Room: room, Stream: fmt.Sprintf("camera-%d", stream), Format: format}
			events = append(events, g.stream(recording{source: s, task: id, identity: identity})...)
		}
	}
	identity := v1alpha1.RecordingIdentity{App: appID, Room: room}
	over := g.deliver(s, map[string]any{"event_type": "CLOUD_RECORD_SERVER_OVER", "job_id": id, "room_id": room})
	g.ledger.said(s, id, identity, nil)
	return g.disorder(append(events, over))
}

// stream is the events of one stream in one format. Every tenth is never finished.
func (g *generator) stream(r recording) (events []*delivery) {
	if g.random.IntN(10) == 0 {
		return []*delivery{g.start(r)}
	}
	for n := range 1 + g.random.IntN(3) {
		events = append(events, g.start(r), g.complete(g.begin(r, n)))
		for g.random.IntN(4) == 0 {
			// The recording resumes after a pause and is reported again.
			events = append(events, g.complete(g.grow(r, n)))
		}
	}
	return events
}

// some is the identity without some of its fields: not every event has them all.
func (g *generator) some(identity v1alpha1.RecordingIdentity) v1alpha1.RecordingIdentity {
	for _, field := range []*string{&identity.Room, &identity.Stream} {
		if g.random.IntN(5) == 0 {
			*field = ""
		}
	}
	return identity
}

func (g *generator) start(r recording) *delivery {
	said := g.some(r.identity)
	d := g.deliver(r.source, map[string]any{
		"event_type": "RECORD_NEW_FILE_START", "job_id": r.task, "room_id": said.Room, "stream_name": said.Stream, "record_format": said.Format,
	})
	g.ledger.said(r.source, r.task, said, d)
	return d
}

func objectOf(r recording, n int) string {
	extension := map[string]string{"HLS": "m3u8", "MP4": "mp4"}[r.identity.Format]
	return fmt.Sprintf("Record/%s/%s/%s/%s/%d.%s", r.source.name, r.task, r.identity.Stream, r.identity.Format, n, extension)
}

// begin enters the n-th file of a stream into the ledger.
func (g *generator) begin(r recording, n int) recording {
	start := metav1.NewTime(g.epoch.Add(time.Duration(g.jobs)*time.Minute + time.Duration(n)*time.Hour))
	seconds := 5 + g.random.Int64N(3600)
	end := metav1.NewTime(start.Add(time.Duration(seconds) * time.Second))
	r.bucket, r.object = bucket, objectOf(r, n)
	r.reported = v1alpha1.ReportedRecording{
		RecordingFacts: v1alpha1.RecordingFacts{SizeBytes: seconds * 400000, DurationSeconds: seconds, StartTime: &start, EndTime: &end, Width: 1280, Height: 720},
		DownloadURL:    "https://" + bucket + ".obs.example.com/" + r.object, Location: "obs.example.com",
	}
	g.ledger.mu.Lock()
	defer g.ledger.mu.Unlock()
	g.ledger.recordings[r.object] = &r
	return r
}

// grow makes a file longer and turns its picture, in the ledger too. The report that ends last counts, whatever comes
// last.
func (g *generator) grow(r recording, n int) recording {
	g.ledger.mu.Lock()
	defer g.ledger.mu.Unlock()
	known := g.ledger.recordings[objectOf(r, n)]
	more := 1 + g.random.Int64N(600)
	facts := &known.reported.RecordingFacts
	end := metav1.NewTime(facts.EndTime.Add(time.Duration(more) * 2 * time.Second))
	facts.DurationSeconds += more
	facts.SizeBytes += more * 400000
	facts.EndTime = &end
	facts.Width, facts.Height = facts.Height, facts.Width
	return *known
}

func (g *generator) complete(r recording) *delivery {
	said, facts := g.some(r.identity), r.reported.RecordingFacts
	g.ledger.mu.Lock()
	join(&g.ledger.recordings[r.object].reported.RecordingIdentity, said)
	g.ledger.mu.Unlock()
	return g.deliver(r.source, map[string]any{
		"event_type": "RECORD_FILE_COMPLETE", "job_id": r.task, "room_id": said.Room, "stream_name": said.Stream, "record_format": said.Format,
		"download_url": r.reported.DownloadURL, "obs_location": r.reported.Location, "obs_bucket": r.bucket, "obs_object": r.object,
		"file_size": facts.SizeBytes, "record_duration": facts.DurationSeconds, "width": facts.Width, "height": facts.Height,
		"start_time": facts.StartTime.UTC().Format(time.RFC3339), "end_time": facts.EndTime.UTC().Format(time.RFC3339),
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
		source: g.sources[g.random.IntN(len(g.sources))], task: fmt.Sprintf("job-%06d", g.jobs),
		identity: v1alpha1.RecordingIdentity{App: appID, Room: "room", Stream: "camera", Format: "HLS"},
	}, 0))
}
