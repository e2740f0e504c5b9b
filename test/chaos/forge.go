// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/callbacks"
)

// forger sends what must not come in. Its jobs have names of their own, and what it replays names a recording of
// another source.
type forger struct {
	load    *load
	client  *http.Client
	sources []*source
	random  *rand.Rand
	// tally counts what was tried, by what it was and how it was answered.
	tally *tally

	mu sync.Mutex
	// accepted are those that were answered with 200.
	accepted []string
}

const forgedJob = "forged-"

func newForger(l *load, sources []*source, seed uint64) *forger {
	// From an address of its own: those who fail are slowed down by address.
	return &forger{load: l, client: callbacks.NewClient("127.0.0.2"), sources: sources, random: rand.New(rand.NewPCG(seed, 3)), tally: newTally()}
}

// run sends some forgeries a second until the context ends.
func (f *forger) run(ctx context.Context) {
	kinds := f.kinds()
	for wait(ctx, 200*time.Millisecond) == nil {
		kinds[f.random.IntN(len(kinds))](ctx)
	}
}

// kinds are the ways to forge.
func (f *forger) kinds() []func(context.Context) {
	forged := newKey("")
	return []func(context.Context){
		func(ctx context.Context) {
			s, body := f.target()
			f.send(ctx, "signed with another key", s.path(), body, proofOf(forged, time.Now(), s.unit, body))
		},
		func(ctx context.Context) {
			s, body := f.target()
			f.send(ctx, "not signed", s.path(), body, sparkrtc.Proof{})
		},
		func(ctx context.Context) {
			if d := f.load.captured.Load(); d != nil {
				body := bytes.Replace(d.body, []byte(`"job-`), []byte(`"`+forgedJob), 1)
				f.send(ctx, "body changed under a valid signature", d.source.path(), body, d.proof)
			}
		},
		func(ctx context.Context) {
			d := f.load.captured.Load()
			if s, _ := f.target(); d != nil && s != d.source {
				f.send(ctx, "replayed to another source", s.path(), d.body, d.proof)
			}
		},
		func(ctx context.Context) {
			if d := f.load.captured.Load(); d != nil {
				f.send(ctx, "replayed to a source that is none", d.source.path()+"-2", d.body, d.proof)
			}
		},
		func(ctx context.Context) {
			if s, body := f.target(); s.enforce {
				key, _ := s.sign(body)
				f.send(ctx, "signed hours ago, where time is enforced", s.path(), body, proofOf(key, time.Now().Add(-3*time.Hour), s.unit, body))
			}
		},
	}
}

// retired sends to every source what its retired keys sign, to every replica. It is for when all have seen that these
// keys are gone.
func (f *forger) retired(ctx context.Context) {
	for _, s := range f.sources {
		for _, key := range s.retired {
			_, body := f.target()
			f.send(ctx, "signed with a key that was taken away", s.path(), body, proofOf(key, time.Now(), s.unit, body))
		}
	}
}

// target is a source, and a body for it that names a forged recording.
func (f *forger) target() (*source, []byte) {
	body, err := json.Marshal(map[string]any{
		"event_type": "RECORD_FILE_COMPLETE", "app_id": appID, "job_id": fmt.Sprintf("%s%d", forgedJob, f.random.IntN(1000)),
		"stream_name": "camera", "record_format": "HLS", "obs_bucket": bucket, "obs_object": "forged.m3u8", "file_size": 1, "record_duration": 1,
	})
	if err != nil {
		panic(err) // texts and numbers
	}
	return f.sources[f.random.IntN(len(f.sources))], body
}

func (f *forger) send(ctx context.Context, what, path string, body []byte, proof sparkrtc.Proof) {
	code, _, err := callbacks.Post(ctx, f.client, f.load.fleet.pick(f.random).callbacks+path, body, proof)
	switch {
	case err != nil:
		return // no receiver listened
	case code == http.StatusOK:
		f.mu.Lock()
		f.accepted = append(f.accepted, fmt.Sprintf("%s: %s", what, body))
		f.mu.Unlock()
	}
	f.tally.add(what)
}
