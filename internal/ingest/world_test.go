// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
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

func (instant) NewTimer(time.Duration) clock.Timer {
	over := make(chan time.Time, 1)
	over <- time.Time{}
	return overTimer{over}
}

type overTimer struct{ over chan time.Time }

func (t overTimer) C() <-chan time.Time    { return t.over }
func (overTimer) Stop() bool               { return false }
func (overTimer) Reset(time.Duration) bool { return false }

var files = schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "recordingfiles"}

// world is an API server in memory: it keeps every revision, so that a cache can lag behind by any number of them.
type world struct {
	now      time.Time
	revision int
	live     map[string]*v1alpha1.RecordingFile
	history  []*v1alpha1.RecordingFile
	writes   int
	// before is called before every call of a replica, and says how it fails.
	before func(call string) fault
	// written is called after every write.
	written func()
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
	return &world{now: time.Unix(1_700_000_000, 0), live: map[string]*v1alpha1.RecordingFile{},
		before: func(string) fault { return faultNone }, written: func() {}}
}

func (w *world) store(file *v1alpha1.RecordingFile) {
	w.revision++
	w.writes++
	file = file.DeepCopy()
	file.ResourceVersion = strconv.Itoa(w.revision)
	if file.UID == "" {
		file.UID = types.UID(file.ResourceVersion)
		file.CreationTimestamp = metav1.NewTime(w.now)
	}
	w.live[file.Name] = file
	w.history = append(w.history, file)
	w.written()
}

// gone deletes a file. The history keeps its name with nothing in it.
func (w *world) gone(file *v1alpha1.RecordingFile) {
	w.revision++
	w.writes++
	delete(w.live, file.Name)
	tomb := &v1alpha1.RecordingFile{}
	tomb.Name = file.Name
	w.history = append(w.history, tomb)
	w.written()
}

// sorted are the live files by name.
func (w *world) sorted() []*v1alpha1.RecordingFile { return byName(w.live) }

func byName(of map[string]*v1alpha1.RecordingFile) []*v1alpha1.RecordingFile {
	return slices.SortedFunc(maps.Values(of), func(a, b *v1alpha1.RecordingFile) int { return cmp.Compare(a.Name, b.Name) })
}

// replica is one replica's view of the world: its cache holds the first seen revisions.
type replica struct {
	*world
	seen int
}

// cached are the files of the cache that are of interest, with what the cache has to keep of them.
func (r *replica) cached(of func(*v1alpha1.RecordingFile) bool) []*v1alpha1.RecordingFile {
	cached := map[string]*v1alpha1.RecordingFile{}
	for _, file := range r.history[:r.seen] {
		cached[file.Name] = slim(file)
	}
	maps.DeleteFunc(cached, func(_ string, file *v1alpha1.RecordingFile) bool { return !of(file) })
	return byName(cached)
}

func slim(file *v1alpha1.RecordingFile) *v1alpha1.RecordingFile {
	digest, started := file.Annotations[v1alpha1.AnnotationStartDelivery]
	if !started {
		return file
	}
	slim := *file
	slim.Annotations = maps.Clone(file.Annotations)
	slim.Annotations[v1alpha1.AnnotationStartDelivery] = CachedDelivery(digest)
	return &slim
}

// chain finds the most that an index may: everything.
func (r *replica) chain(context.Context, Key) ([]*v1alpha1.RecordingFile, error) {
	if r.before("chain") != faultNone {
		return nil, errFault
	}
	return r.cached(func(*v1alpha1.RecordingFile) bool { return true }), nil
}

func (r *replica) bearers(context.Context, string, string, identity) ([]*v1alpha1.RecordingFile, error) {
	if r.before("bearers") != faultNone {
		return nil, errFault
	}
	return r.cached(func(*v1alpha1.RecordingFile) bool { return true }), nil
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
	return slices.DeleteFunc(r.sorted(), func(file *v1alpha1.RecordingFile) bool { return file.Spec.JobID != job }), nil
}

func (r *replica) bearersNow(_ context.Context, _, object string) ([]*v1alpha1.RecordingFile, error) {
	if r.before("bearersNow") != faultNone {
		return nil, errFault
	}
	return slices.DeleteFunc(r.sorted(), func(file *v1alpha1.RecordingFile) bool {
		return file.Spec.File == nil || file.Spec.File.OBS == nil || file.Spec.File.OBS.Object != object
	}), nil
}

func (r *replica) create(_ context.Context, file *v1alpha1.RecordingFile) error {
	return r.write("create", func() error {
		if _, taken := r.live[file.Name]; taken {
			return apierrors.NewAlreadyExists(files, file.Name)
		}
		r.store(file)
		return nil
	})
}

func (r *replica) update(_ context.Context, read *v1alpha1.RecordingFile, spec v1alpha1.RecordingFileSpec, reported bool) error {
	return r.write("update", func() error {
		file, err := r.same(read)
		if err != nil {
			return err
		}
		changed := file.DeepCopy()
		changed.Spec = spec
		if reported {
			delete(changed.Annotations, v1alpha1.AnnotationSwept)
		}
		r.store(changed)
		return nil
	})
}

func (r *replica) remove(_ context.Context, read *v1alpha1.RecordingFile) error {
	return r.write("remove", func() error {
		file, err := r.same(read)
		if err != nil {
			return err
		}
		r.gone(file)
		return nil
	})
}

// write does a write, unless it fails.
func (r *replica) write(call string, do func() error) error {
	fails := r.before(call)
	if fails == faultLost {
		return errFault
	}
	if err := do(); err != nil {
		return err
	}
	if fails == faultUnheard {
		return errFault
	}
	return nil
}

// same is the live file, provided that it is as it was read.
func (r *replica) same(read *v1alpha1.RecordingFile) (*v1alpha1.RecordingFile, error) {
	file, ok := r.live[read.Name]
	if !ok {
		return nil, apierrors.NewNotFound(files, read.Name)
	}
	if file.ResourceVersion != read.ResourceVersion {
		return nil, apierrors.NewConflict(files, read.Name, errors.New("it has changed"))
	}
	return file, nil
}
