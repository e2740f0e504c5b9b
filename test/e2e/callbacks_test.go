//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// delivery is one signed callback, which can be sent any number of times.
type delivery struct {
	base, path string
	body       []byte
	proof      sparkrtc.Proof
}

func sign(t *testing.T, path string, fields map[string]any) delivery {
	t.Helper()
	body, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return delivery{base: callbackBase, path: path, body: body}.signedWith(t, callbackKey)
}

// signedWith is the delivery, signed again with a key.
func (d delivery) signedWith(t *testing.T, text string) delivery {
	t.Helper()
	key, err := sparkrtc.ParseKey([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	d.proof, err = sparkrtc.Sign(key, rand.Text(), strconv.FormatInt(time.Now().Unix(), 10), d.body)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// send posts the delivery and returns the status and the body of the answer.
func (d delivery) send(t *testing.T) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.base+d.path, bytes.NewReader(d.body))
	if err != nil {
		t.Fatal(err)
	}
	d.proof.SetHeader(request.Header)
	client := http.Client{Timeout: 30 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(answer)
}

func (d delivery) mustSend(t *testing.T) {
	t.Helper()
	if code, answer := d.send(t); code != http.StatusOK {
		t.Fatalf("%s was answered %d %s", d.body, code, answer)
	}
}

func (r *room) path() string { return "/callbacks/" + r.namespace + "/classroom" }

func (r *room) start(job, stream string) delivery {
	return sign(r.t, r.path(), map[string]any{
		"event_type": "RECORD_NEW_FILE_START", "app_id": "app", "job_id": job, "room_id": "room01", "stream_name": stream, "record_format": "HLS",
	})
}

func (r *room) complete(job, stream, object string, seconds int) delivery {
	end := time.Now().UTC().Truncate(time.Second)
	return sign(r.t, r.path(), map[string]any{
		"event_type": "RECORD_FILE_COMPLETE", "app_id": "app", "job_id": job, "room_id": "room01", "stream_name": stream, "record_format": "HLS",
		"obs_bucket": "recordings", "obs_object": object, "download_url": "https://recordings.obs.example.com/" + object,
		"file_size": 1_000_000, "record_duration": seconds, "width": 640, "height": 360,
		"start_time": end.Add(-time.Duration(seconds) * time.Second).Format(time.RFC3339), "end_time": end.Format(time.RFC3339),
	})
}

func (r *room) over(job string) delivery {
	return sign(r.t, r.path(), map[string]any{"event_type": "CLOUD_RECORD_SERVER_OVER", "app_id": "app", "job_id": job, "room_id": "room01"})
}
