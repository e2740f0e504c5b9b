// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"slices"
	"testing"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// However the events come, there is one file for each recorded object in the end, with the same facts.
func TestAnyHistoryEndsInTheSameFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, all := history(t, mode{signed: true})
		checkFiles(t, h.world, all, true)
	})
}

// The same goes for what a sweep finds, whatever callbacks come before, meanwhile, after that or never.
func TestAnySweptHistoryEndsInTheSameFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, all := history(t, mode{signed: true, swept: true})
		checkFiles(t, h.world, all, true)
	})
}

// Unsigned STARTs cannot be told from one another, but recorded objects can.
func TestAnyUnsignedHistoryEndsInOneFilePerObject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, all := history(t, mode{swept: rapid.Bool().Draw(t, "swept")})
		checkFiles(t, h.world, all, false)
	})
}

// checkFiles compares all files with what was recorded. When it is exact, no file may be open but those of objects
// whose COMPLETE never came, or came when a sweep had made a file already.
func checkFiles(t *rapid.T, w *world, all []recorded, exact bool) {
	checked := 0
	for i := range all {
		checked += checkRecorded(t, w, &all[i], exact)
	}
	if checked != len(w.live) {
		t.Errorf("%d files, of which %d are of something recorded", len(w.live), checked)
	}
	if t.Failed() {
		t.FailNow()
	}
}

func checkRecorded(t *rapid.T, w *world, r *recorded, exact bool) int {
	oracle, found := r.oracle(), map[string]bool{}
	checked, open, own := 0, 0, 0
	for _, file := range w.sorted() {
		if !r.of(file, oracle) {
			continue
		}
		checked++
		n, inChain := number(r.key.names(), file.Name)
		if inChain && file.Spec.File == nil {
			open++
			continue
		}
		if inChain {
			own++
		}
		object := objectName(file)
		checkFile(t, file, oracle[object], r)
		if found[object] || exact && n >= r.objects {
			t.Errorf("%s is one file too many, of %s", file.Name, object)
		}
		found[object] = true
	}
	if len(found) != len(oracle) {
		t.Errorf("%d objects have a file, want %d", len(found), len(oracle))
	}
	if exact && open > r.objects-own {
		t.Errorf("%d files are open and %d are not, but only %d were recorded", open, own, r.objects)
	}
	return checked
}

func checkFile(t *rapid.T, file *v1alpha1.RecordingFile, want *expected, r *recorded) {
	if want == nil {
		t.Errorf("%s is of %q, of which there was no news", file.Name, objectName(file))
		return
	}
	swept := Swept(file)
	if _, ok := number(r.key.names(), file.Name); ok == swept {
		t.Errorf("%s is neither a chain's name nor a sweep's", file.Name)
	}
	if spec := want.spec(r, swept); !apiequality.Semantic.DeepEqual(file.Spec, spec) {
		t.Errorf("%s is %+v %+v, want %+v %+v", file.Name, file.Spec, file.Spec.File, spec, spec.File)
	}
	if _, unreported := file.Annotations[v1alpha1.AnnotationSwept]; unreported == want.reported {
		t.Errorf("%s has the annotations %v, but reported is %t", file.Name, file.Annotations, want.reported)
	}
	if file.Labels[v1alpha1.LabelSource] != r.key.Source {
		t.Errorf("%s has the labels %v", file.Name, file.Labels)
	}
}

// With caches that do not lag and calls that do not fail, every delivery costs one write or none (an OVER one for each
// open file), and all deliveries together no more than one create and one update for each file, and one for each growth.
func TestOneWritePerCallback(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, m := newWorld(), mode{signed: true, swept: rapid.Bool().Draw(t, "swept")}
		r := drawRecorded(t, 0, m)
		for _, n := range rapid.Permutation(append(slices.Clone(r.news), r.news...)).Draw(t, "order") {
			if n.found != nil {
				continue
			}
			before := w.writes
			result, err := newIngester(&replica{world: w, seen: len(w.history)}, Options{Clock: instant{}}).Ingest(context.Background(), *n.delivery)
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
	})
}

// What a COMPLETE costs: one write, and nothing is read but the cache; of a source that is swept, one read more for an
// object that is new.
func TestCostOfACallback(t *testing.T) {
	chain := &v1alpha1.RecordingFile{Spec: identitySpec(start("d"))}
	chain.Namespace, chain.Name = testKey.Namespace, testKey.names()[0]+"0"
	for name, c := range map[string]struct {
		known  *v1alpha1.RecordingFile
		sweeps bool
		calls  []string
	}{
		"new":                   {nil, false, []string{"chain", "bearers", "create"}},
		"new, swept":            {nil, true, []string{"chain", "bearers", "get", "create"}},
		"claims":                {chain, false, []string{"chain", "bearers", "update"}},
		"claims, swept":         {chain, true, []string{"chain", "bearers", "get", "update"}},
		"duplicate":             {sweptFile(1).Of("app", "job", "stream", "HLS").Room("room").Obj(), true, []string{"chain", "bearers"}},
		"identifies":            {sweptFile(1).Obj(), false, []string{"chain", "bearers", "update"}},
		"identifies, swept too": {sweptFile(1).Obj(), true, []string{"chain", "bearers", "update"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			if c.known != nil {
				w.store(c.known)
			}
			var calls []string
			w.before = func(call string) fault {
				calls = append(calls, call)
				return faultNone
			}
			d := complete("o", 1)
			d.Sweeps = c.sweeps
			if _, err := newIngester(&replica{world: w, seen: len(w.history)}, Options{}).Ingest(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(calls, c.calls) {
				t.Errorf("calls %v, want %v", calls, c.calls)
			}
		})
	}
}

// An API server that answers no read, to a replica whose cache never learns anything: what has a file is not given a
// second one, however often it is tried.
func TestBlindReplicaMakesNoSecondFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &run{t: t, world: newWorld()}
		h.world.written = h.neverTwice
		r := drawRecorded(t, 0, mode{signed: true, swept: true})
		for _, n := range r.news {
			if err := tell(&replica{world: h.world, seen: len(h.world.history)}, n); err != nil {
				t.Fatal(err)
			}
		}
		h.world.before = func(call string) fault {
			if call == "get" || call == "bearersNow" || call == "job" {
				return faultLost
			}
			return faultNone
		}
		blind := &replica{world: h.world, seen: rapid.IntRange(0, len(h.world.history)).Draw(t, "seen")}
		for _, n := range r.news {
			if err := tell(blind, n); IsInvalid(err) {
				t.Fatal(err)
			}
		}
	})
}
