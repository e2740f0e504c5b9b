/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"sparkrtc.dev/recording-operator/internal/callback"
)

// result is what one phase measured.
type result struct {
	took      time.Duration
	latencies []time.Duration
}

func (r result) rate() float64 { return float64(len(r.latencies)) / r.took.Seconds() }

func (r result) String() string {
	quantile := func(q float64) time.Duration {
		return r.latencies[int(q*float64(len(r.latencies)-1))].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("%6.0f/s  p50 %v  p90 %v  p99 %v", r.rate(), quantile(.5), quantile(.9), quantile(.99))
}

// measure has the clients do the work of all numbers below n, and times each and all.
func measure(ctx context.Context, clients, n int, do func(context.Context, int) error) (result, error) {
	measured := result{latencies: make([]time.Duration, n)}
	var next atomic.Int64
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for range clients {
		group.Go(func() error {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				begin := time.Now()
				if err := do(ctx, i); err != nil {
					return err
				}
				measured.latencies[i] = time.Since(begin)
			}
			return nil
		})
	}
	err := group.Wait()
	measured.took = time.Since(start)
	slices.Sort(measured.latencies)
	return measured, err
}

// sender posts signed callbacks.
type sender struct {
	url    string
	key    callback.Key
	client http.Client
}

func newSender(base string) *sender {
	key, err := callback.ParseKey([]byte(callbackKey))
	if err != nil {
		panic(err) // a constant
	}
	return &sender{
		url: base + "/callbacks/" + namespace + "/" + sourceName, key: key,
		client: http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}},
	}
}

func (s *sender) complete(ctx context.Context, job string) error {
	now := time.Now().UTC().Truncate(time.Second)
	body, err := json.Marshal(map[string]any{
		"event_type": "RECORD_FILE_COMPLETE", "app_id": "app", "job_id": job, "room_id": "room01", "stream_name": "camera", "record_format": "HLS",
		"obs_bucket": "recordings", "obs_object": "live/" + job + "/camera.m3u8", "obs_location": "http://obs.example.com",
		"download_url": "https://recordings.obs.example.com/live/camera/camera.m3u8", "file_size": 26254952, "record_duration": 65,
		"width": 1280, "height": 720, "start_time": now.Add(-65 * time.Second).Format(time.RFC3339), "end_time": now.Format(time.RFC3339),
	})
	if err != nil {
		return err
	}
	proof, err := callback.Sign(s.key, rand.Text(), strconv.FormatInt(now.Unix(), 10), body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	proof.SetHeader(request.Header)
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %d %s", response.StatusCode, answer)
	}
	return err
}

// operator is the manager as a process of its own, so that its memory is its own too.
type operator struct {
	process   *exec.Cmd
	callbacks string
}

func startManager(ctx context.Context, binary string, kubeconfig []byte, arguments []string) (*operator, error) {
	file, err := os.CreateTemp("", "load-kubeconfig-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if _, err := file.Write(kubeconfig); err != nil {
		return nil, err
	}
	log, err := os.Create("dist/load-manager.log")
	if err != nil {
		return nil, err
	}
	const door, health = "127.0.0.1:18090", "127.0.0.1:18081"
	arguments = append([]string{"--callback-bind-address=" + door, "--health-probe-bind-address=" + health, "--metrics-bind-address=127.0.0.1:18080",
		"--pprof-bind-address=127.0.0.1:18082", "--namespaces=" + namespace}, arguments...)
	process := exec.CommandContext(ctx, binary, arguments...)
	process.Env = append(os.Environ(), "KUBECONFIG="+file.Name())
	process.Stderr = log
	if err := process.Start(); err != nil {
		return nil, fmt.Errorf("start the manager: %w", err)
	}
	started := &operator{process: process, callbacks: "http://" + door}
	for range 300 {
		if response, err := http.Get("http://" + health + "/readyz"); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return started, nil
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	started.stop()
	return nil, fmt.Errorf("the manager was not ready within 30 s; see %s", log.Name())
}

func (o *operator) stop() {
	_ = o.process.Process.Signal(syscall.SIGTERM)
	_ = o.process.Wait()
}

// memory reads a line of /proc/PID/status, in MiB.
func (o *operator) memory(line string) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", o.process.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), line+":")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		return 0
	}
	return kib / 1024
}
