// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// replica is one receiver, with a spool of its own.
type replica struct {
	*process
	callbacks, health, metrics string
	spool                      string
	// disk says that the spool lies on a small disk of its own, which a fault can fill.
	disk bool

	mu sync.Mutex
	// counts are the counters as last read from the receiver, told those of the processes before it.
	counts, told map[string]float64
	// ready says that this process has been ready, paused that it cannot answer now.
	ready, paused bool
	complaints    []string
}

// fleet is all of them.
type fleet struct {
	replicas []*replica
	client   http.Client
}

// diskSize is small enough to be filled in a moment.
const diskSize = "64m"

// startFleet starts the receivers. The first one's spool lies on a small disk, where this program may mount one.
func startFleet(o *options, folder, kubeconfig string, namespaces []string) (*fleet, error) {
	f := &fleet{client: http.Client{Timeout: 2 * time.Second}}
	for i := range o.replicas {
		r, err := newReplica(o, folder, kubeconfig, namespaces, i)
		if err != nil {
			return f, err
		}
		f.replicas = append(f.replicas, r)
		if err := r.start(); err != nil {
			return f, err
		}
	}
	return f, nil
}

func newReplica(o *options, folder, kubeconfig string, namespaces []string, i int) (*replica, error) {
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	address := func(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
	name := fmt.Sprintf("receiver-%d", i)
	r := &replica{
		callbacks: "http://" + address(ports[0]), health: "http://" + address(ports[1]) + "/readyz", metrics: "http://" + address(ports[2]) + "/metrics",
		spool: filepath.Join(folder, "spool-"+strconv.Itoa(i)), counts: map[string]float64{}, told: map[string]float64{},
	}
	if err := os.Mkdir(r.spool, 0o700); err != nil {
		return nil, err
	}
	if i == 0 {
		if err := syscall.Mount("tmpfs", r.spool, "tmpfs", 0, "size="+diskSize); err != nil {
			fmt.Printf("not tried: a full disk (mounting one needs root: %v)\n", err)
		} else {
			r.disk = true
		}
	}
	r.process, err = newProcess(folder, name, o.receiver,
		"--callback-bind-address="+address(ports[0]), "--health-probe-bind-address="+address(ports[1]), "--metrics-bind-address="+address(ports[2]),
		"--spool-dir="+r.spool, "--namespaces="+strings.Join(namespaces, ","))
	if err != nil {
		return nil, err
	}
	r.env = append(r.env, "KUBECONFIG="+kubeconfig)
	return r, nil
}

// pick is a replica that is meant to run, as a Service would pick one.
func (f *fleet) pick(random *rand.Rand) *replica {
	n := random.IntN(len(f.replicas))
	for i := range f.replicas {
		if r := f.replicas[(n+i)%len(f.replicas)]; r.running() {
			return r
		}
	}
	return f.replicas[n]
}

// watch reads readiness and metrics of the receivers until the context ends.
func (f *fleet) watch(ctx context.Context) {
	for wait(ctx, 500*time.Millisecond) == nil {
		f.look(ctx)
	}
}

func (f *fleet) look(ctx context.Context) {
	for _, r := range f.replicas {
		r.look(ctx, &f.client)
	}
}

// look holds that a receiver that was ready once stays ready until it is killed: else the Service would not route to it,
// whatever it could store.
func (r *replica) look(ctx context.Context, client *http.Client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.paused || !r.running() {
		return
	}
	switch code := get(ctx, client, r.health, nil); {
	case code == http.StatusOK:
		r.ready = true
	case r.ready && code != 0:
		r.complaints = append(r.complaints, fmt.Sprintf("%s was ready and is no longer (%d)", r.name, code))
	}
	counts := map[string]float64{}
	if code := get(ctx, client, r.metrics, func(line string) { count(counts, line) }); code == http.StatusOK {
		r.counts = counts
	}
}

// get reads an address line by line, and returns the code of the answer, or 0.
func get(ctx context.Context, client *http.Client, url string, read func(line string)) int {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	response, err := client.Do(request)
	if err != nil {
		return 0
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	for read != nil && lines.Scan() {
		read(lines.Text())
	}
	return response.StatusCode
}

// count adds a line of metrics to the counts, by its name and, where it has one, its outcome.
func count(counts map[string]float64, line string) {
	series, value, ok := strings.Cut(line, " ")
	if !ok || !strings.HasPrefix(series, "recording_") {
		return
	}
	number, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return
	}
	name, labels, _ := strings.Cut(series, "{")
	if _, rest, ok := strings.Cut(labels, `outcome="`); ok {
		outcome, _, _ := strings.Cut(rest, `"`)
		name += " " + outcome
	}
	counts[name] += number
}

// The metrics that this program goes by.
const (
	spoolEvents  = "recording_spool_events"
	spoolDrained = "recording_spool_drained_total"
	spoolCorrupt = "recording_spool_corrupt_records_total"
	rejected     = "recording_rejected_callbacks_total"
	dropped      = "recording_rejected_callbacks_dropped_total"
	answered     = "recording_callbacks_total "
)

// now is the sum of a gauge of the running receivers.
func (f *fleet) now(name string) (sum float64) {
	for _, r := range f.replicas {
		r.mu.Lock()
		sum += r.counts[name]
		r.mu.Unlock()
	}
	return sum
}

// totals are the counters of all processes, also of those that were killed, as far as they had told.
func (f *fleet) totals() map[string]float64 {
	sums := map[string]float64{}
	for _, r := range f.replicas {
		r.mu.Lock()
		for _, counts := range []map[string]float64{r.counts, r.told} {
			for name, value := range counts {
				sums[name] += value
			}
		}
		r.mu.Unlock()
	}
	return sums
}

// kill kills the receiver; its last counters are remembered.
func (r *replica) kill() {
	r.process.kill()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready = false
	for name, value := range r.counts {
		r.told[name] += value
	}
	// What waits in its spool still waits.
	r.counts = map[string]float64{spoolEvents: r.counts[spoolEvents]}
}

func (r *replica) setPaused(paused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.paused = paused; paused {
		r.pause()
	} else {
		r.resume()
	}
}

// problems are what no fault of this program explains.
func (f *fleet) problems() (problems []string) {
	for _, r := range f.replicas {
		problems = append(problems, r.crashed()...)
		r.mu.Lock()
		problems = append(problems, r.complaints...)
		r.mu.Unlock()
	}
	return problems
}

// stop ends the receivers in order, and says which did not.
func (f *fleet) stop() []string {
	var problems []string
	var mu sync.Mutex
	var group sync.WaitGroup
	for _, r := range f.replicas {
		group.Go(func() {
			if err := r.stop(); err != nil {
				mu.Lock()
				problems = append(problems, err.Error())
				mu.Unlock()
			}
			if r.disk {
				_ = syscall.Unmount(r.spool, syscall.MNT_DETACH)
			}
		})
	}
	group.Wait()
	return problems
}
