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

package ingest

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/callback"
)

// Thousands of histories take seconds, so rapid's hundred are not enough. `-rapid.checks` still has the last word.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "3000"); err != nil {
		panic(err)
	}
	flag.Parse()
	os.Exit(m.Run())
}

const (
	testNamespace = "media"
	testSource    = "classroom"
)

// instant is a clock whose timers are always over.
type instant struct{ clock.RealClock }

func (c instant) NewTimer(time.Duration) clock.Timer { return c.RealClock.NewTimer(0) }

var files = schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "recordingfiles"}

// world is an API server in memory: it keeps every revision, so that a cache can lag behind by any number of them.
type world struct {
	revision int
	live     map[string]*v1alpha1.RecordingFile
	history  []*v1alpha1.RecordingFile
	writes   int
	// before is called before every call, and may fail it or do something else meanwhile.
	before func(call string) fault
}

// fault is how a call fails.
type fault int

const (
	faultNone fault = iota
	// faultLost is a request that never arrived.
	faultLost
	// faultUnheard is a write that was done, with its answer lost.
	faultUnheard
)

var errFault = errors.New("the API server is away")

func newWorld() *world {
	return &world{live: map[string]*v1alpha1.RecordingFile{}, before: func(string) fault { return faultNone }}
}

func (w *world) store(file *v1alpha1.RecordingFile) {
	w.revision++
	w.writes++
	file = file.DeepCopy()
	file.ResourceVersion = strconv.Itoa(w.revision)
	w.live[file.Name] = file
	w.history = append(w.history, file)
}

// gone deletes a file. The history keeps it as one that is of no chain and no object.
func (w *world) gone(file *v1alpha1.RecordingFile) {
	w.revision++
	w.writes++
	delete(w.live, file.Name)
	tomb := &v1alpha1.RecordingFile{}
	tomb.Name = file.Name
	w.history = append(w.history, tomb)
}

// sorted are the live files by name.
func (w *world) sorted() []*v1alpha1.RecordingFile {
	return slices.SortedFunc(maps.Values(w.live), func(a, b *v1alpha1.RecordingFile) int { return cmp.Compare(a.Name, b.Name) })
}

// replica is one replica's view of the world: its cache holds the first seen revisions.
type replica struct {
	*world
	seen int
}

func (r *replica) chain(_ context.Context, key Key) ([]*v1alpha1.RecordingFile, error) {
	return r.cached("chain", func(file *v1alpha1.RecordingFile) bool { return KeyOfFile(file) == key })
}

func (r *replica) bearers(_ context.Context, _, source string, object identity) ([]*v1alpha1.RecordingFile, error) {
	return r.cached("bearers", func(file *v1alpha1.RecordingFile) bool {
		return file.Spec.SourceRef.Name == source && file.Spec.File != nil && identityOf(file.Spec.File) == object
	})
}

// cached are the files of the cache that an index finds.
func (r *replica) cached(call string, indexed func(*v1alpha1.RecordingFile) bool) ([]*v1alpha1.RecordingFile, error) {
	if r.before(call) != faultNone {
		return nil, errFault
	}
	cached := map[string]*v1alpha1.RecordingFile{}
	for _, file := range r.history[:r.seen] {
		cached[file.Name] = file
	}
	maps.DeleteFunc(cached, func(_ string, file *v1alpha1.RecordingFile) bool { return !indexed(file) })
	return slices.Collect(maps.Values(cached)), nil
}

func (r *replica) get(_ context.Context, _, name string) (*v1alpha1.RecordingFile, error) {
	if r.before("get") != faultNone {
		return nil, errFault
	}
	file, ok := r.live[name]
	if !ok {
		return nil, apierrors.NewNotFound(files, name)
	}
	return file, nil
}

func (r *replica) job(_ context.Context, _, job string) ([]*v1alpha1.RecordingFile, error) {
	if r.before("job") != faultNone {
		return nil, errFault
	}
	var of []*v1alpha1.RecordingFile
	for _, file := range r.sorted() {
		if file.Spec.JobID == job {
			of = append(of, file)
		}
	}
	return of, nil
}

func (r *replica) bearersNow(_ context.Context, _, object string) ([]*v1alpha1.RecordingFile, error) {
	if r.before("bearersNow") != faultNone {
		return nil, errFault
	}
	return slices.DeleteFunc(r.sorted(), func(file *v1alpha1.RecordingFile) bool {
		return file.Spec.File == nil || file.Spec.File.OBS == nil || file.Spec.File.OBS.Object != object
	}), nil
}

func (r *replica) remove(_ context.Context, read *v1alpha1.RecordingFile) error {
	fails := r.before("remove")
	if fails == faultLost {
		return errFault
	}
	file, ok := r.live[read.Name]
	if !ok {
		return apierrors.NewNotFound(files, read.Name)
	}
	if file.ResourceVersion != read.ResourceVersion {
		return apierrors.NewConflict(files, read.Name, errors.New("it has changed"))
	}
	r.gone(file)
	if fails == faultUnheard {
		return errFault
	}
	return nil
}

func (r *replica) create(_ context.Context, file *v1alpha1.RecordingFile) error {
	fails := r.before("create")
	if fails == faultLost {
		return errFault
	}
	if _, taken := r.live[file.Name]; taken {
		return apierrors.NewAlreadyExists(files, file.Name)
	}
	r.store(file)
	if fails == faultUnheard {
		return errFault
	}
	return nil
}

func (r *replica) update(_ context.Context, read *v1alpha1.RecordingFile, spec v1alpha1.RecordingFileSpec, annotations map[string]string) error {
	fails := r.before("update")
	if fails == faultLost {
		return errFault
	}
	file, ok := r.live[read.Name]
	if !ok {
		return apierrors.NewNotFound(files, read.Name)
	}
	if file.ResourceVersion != read.ResourceVersion {
		return apierrors.NewConflict(files, read.Name, errors.New("it has changed"))
	}
	changed := file.DeepCopy()
	changed.Spec, changed.Annotations = spec, annotations
	r.store(changed)
	if fails == faultUnheard {
		return errFault
	}
	return nil
}

// recorded is what the service recorded in one chain, and the events that it sent of it.
type recorded struct {
	key    Key
	room   string
	facts  map[identity]*v1alpha1.RecordedFile
	events []Delivery
}

// drawRecorded makes up one chain: for every file a START and one to three COMPLETEs of the same object, which grows.
func drawRecorded(t *rapid.T, i int, signed bool) recorded {
	key := Key{Namespace: testNamespace, Source: testSource, App: "app", Job: "job" + strconv.Itoa(i/2),
		Stream: "stream" + strconv.Itoa(i), Format: rapid.SampledFrom([]string{"HLS", "MP4"}).Draw(t, "format")}
	r := recorded{key: key, room: rapid.SampledFrom([]string{"", "room"}).Draw(t, "room"), facts: map[identity]*v1alpha1.RecordedFile{}}
	event := func(kind callback.Type) callback.Event {
		return callback.Event{Type: kind, AppID: key.App, JobID: key.Job, StreamName: key.Stream, Format: key.Format, RoomID: r.room}
	}
	deliver := func(e callback.Event) {
		digest := callback.Unsigned
		if signed {
			digest = fmt.Sprintf("delivery-%d-%d", i, len(r.events))
		}
		r.events = append(r.events, Delivery{Namespace: key.Namespace, Source: key.Source, Digest: digest, Event: e})
	}
	for n := range rapid.IntRange(1, 4).Draw(t, "files") {
		if rapid.IntRange(0, 9).Draw(t, "start") > 0 {
			deliver(event(callback.Start))
		}
		byURL := rapid.IntRange(0, 4).Draw(t, "byURL") == 0
		for range rapid.IntRange(1, 3).Draw(t, "reports") {
			e := event(callback.Complete)
			e.File = drawFacts(t, i, n, byURL)
			deliver(e)
			facts := factsOf(e.File)
			if known := r.facts[identityOf(facts)]; known != nil {
				facts = grow(known, facts)
			}
			r.facts[identityOf(facts)] = facts
		}
	}
	if rapid.Bool().Draw(t, "over") {
		deliver(callback.Event{Type: callback.Over, AppID: key.App, JobID: key.Job})
	}
	return r
}

func drawFacts(t *rapid.T, i, n int, byURL bool) callback.File {
	at := func(name string) time.Time {
		minute := rapid.IntRange(0, 3).Draw(t, name)
		if minute == 0 {
			return time.Time{}
		}
		return time.Unix(int64(1_700_000_000+60*minute), 0).UTC()
	}
	file := callback.File{
		SizeBytes: rapid.Int64Range(0, 3).Draw(t, "size"), DurationSeconds: rapid.Int64Range(0, 3).Draw(t, "duration"),
		StartTime: at("start"), EndTime: at("end"), Width: rapid.Int32Range(0, 2).Draw(t, "width"), Height: rapid.Int32Range(0, 2).Draw(t, "height"),
	}
	if byURL {
		file.DownloadURL = fmt.Sprintf("https://host/%d/%d.m3u8", i, n)
		return file
	}
	file.Bucket, file.Object = "bucket", fmt.Sprintf("%d/%d.m3u8", i, n)
	file.Location = rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "location")
	file.DownloadURL = rapid.SampledFrom([]string{"", "https://host/a", "https://host/b"}).Draw(t, "url")
	return file
}

// run is one history: deliveries to replicas that lag, overtake one another and lose calls.
type run struct {
	t        *rapid.T
	world    *world
	replicas []*replica
	queue    []Delivery
	depth    int
	failing  bool
	unsafe   int
}

// history draws one. What was not made safe is delivered again.
func history(t *rapid.T, signed bool) (*run, []recorded) {
	h := &run{t: t, world: newWorld(), failing: rapid.Bool().Draw(t, "failing")}
	var all []recorded
	for i := range rapid.IntRange(1, 3).Draw(t, "chains") {
		r := drawRecorded(t, i, signed)
		all = append(all, r)
		h.queue = append(h.queue, r.events...)
	}
	for _, d := range slices.Clone(h.queue) {
		for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "copies") {
			if signed || d.Event.Type == callback.Complete {
				h.queue = append(h.queue, d)
			}
		}
	}
	h.queue = rapid.Permutation(h.queue).Draw(t, "order")
	for range rapid.IntRange(1, 3).Draw(t, "replicas") {
		h.replicas = append(h.replicas, &replica{world: h.world})
	}
	h.world.before = h.before
	for len(h.queue) > 0 {
		h.next()
	}
	return h, all
}

// next delivers the first of the queue to some replica, whose cache has come some way.
func (h *run) next() {
	d := h.queue[0]
	h.queue = h.queue[1:]
	to := h.replicas[rapid.IntRange(0, len(h.replicas)-1).Draw(h.t, "replica")]
	if rapid.Bool().Draw(h.t, "synced") {
		to.seen = len(h.world.history)
	} else {
		to.seen = rapid.IntRange(to.seen, len(h.world.history)).Draw(h.t, "seen")
	}
	_, err := newIngester(to, Options{Clock: instant{}}).Ingest(context.Background(), d)
	if err == nil {
		return
	}
	if IsInvalid(err) {
		h.t.Fatalf("invalid: %v", err)
	}
	if h.unsafe++; h.unsafe > 20 {
		h.failing = false
	}
	h.queue = append(h.queue, d)
}

// before has other deliveries overtake a call, or fails it.
func (h *run) before(string) fault {
	if h.depth < 2 && len(h.queue) > 0 && rapid.IntRange(0, 5).Draw(h.t, "overtaken") == 0 {
		h.depth++
		h.next()
		h.depth--
	}
	if !h.failing {
		return faultNone
	}
	return rapid.SampledFrom([]fault{faultNone, faultNone, faultLost, faultUnheard}).Draw(h.t, "fault")
}

// However the events come, there is one file for each recorded object in the end, with the same facts.
func TestAnyHistoryEndsInTheSameFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, all := history(t, true)
		checkFiles(t, h.world, all, true)
	})
}

// Unsigned STARTs cannot be told from one another, but recorded objects can.
func TestAnyUnsignedHistoryEndsInOneFilePerObject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, all := history(t, false)
		checkFiles(t, h.world, all, false)
	})
}

// checkFiles compares every file with what was recorded. When it is exact, no other file may be open.
func checkFiles(t *rapid.T, w *world, all []recorded, exact bool) {
	for _, r := range all {
		names := r.key.names()
		found := map[identity]bool{}
		for _, file := range w.sorted() {
			if KeyOfFile(file) != r.key {
				continue
			}
			if file.Spec.File == nil {
				if exact {
					t.Errorf("%s is open, but no file is missing", file.Name)
				}
				continue
			}
			object := identityOf(file.Spec.File)
			want := identitySpec(r.events[0])
			want.RoomID, want.StreamName, want.Format, want.File = r.room, r.key.Stream, r.key.Format, r.facts[object]
			if !apiequality.Semantic.DeepEqual(file.Spec, want) {
				t.Errorf("%s has the facts %+v %+v, want %+v %+v", file.Name, file.Spec, file.Spec.File, want, want.File)
			}
			if found[object] {
				t.Errorf("%v has two files", object)
			}
			found[object] = true
			if n, ok := number(names, file.Name); !ok || (exact && n >= len(r.facts)) {
				t.Errorf("%s is no name of the chain's %d files", file.Name, len(r.facts))
			}
		}
		if len(found) != len(r.facts) {
			t.Errorf("%d objects have a file, want %d", len(found), len(r.facts))
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// With caches that do not lag and calls that do not fail, every delivery costs one write or none (an OVER one for each
// open file), and all deliveries together no more than one create and one update for each file, and one for each growth.
func TestOneWritePerCallback(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		r := drawRecorded(t, 0, true)
		queue := rapid.Permutation(append(slices.Clone(r.events), r.events...)).Draw(t, "order")
		for _, d := range queue {
			before := w.writes
			result, err := newIngester(&replica{world: w, seen: len(w.history)}, Options{Clock: instant{}}).Ingest(context.Background(), d)
			if err != nil {
				t.Fatal(err)
			}
			want := 1
			if result.Outcome == Duplicate {
				want = 0
			}
			if got := w.writes - before; got != want {
				t.Fatalf("%s cost %d writes, want %d", result.Outcome, got, want)
			}
		}
		checkFiles(t, w, []recorded{r}, true)
	})
}
