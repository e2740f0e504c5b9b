// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"strings"
	"testing"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

var testKey = Key{Namespace: builders.Namespace, Source: testSource, App: "app", Job: "job", Stream: "stream", Format: "HLS"}

// file is a file of testKey's chain.
func file(n string) *builders.RecordingFile {
	return builders.MakeRecordingFile(testKey.names()[0]+n, testSource).Of("app", "job", "stream", "HLS")
}

func start(digest string) Delivery {
	return Delivery{Namespace: builders.Namespace, Source: testSource, Digest: digest,
		Event: sparkrtc.Event{Type: sparkrtc.Start, AppID: "app", JobID: "job", StreamName: "stream", Format: "HLS", RoomID: "room"}}
}

func complete(object string, size int64) Delivery {
	d := start("complete")
	d.Event.Type, d.Event.File = sparkrtc.Complete, sparkrtc.File{Bucket: "b", Object: object, SizeBytes: size}
	return d
}

func TestDecide(t *testing.T) {
	deleted := file("0").Obj()
	deleted.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	byHand := builders.MakeRecordingFile("by-hand", testSource).Of("app", "job", "stream", "HLS")
	stranger := builders.MakeRecordingFile(testKey.names()[0]+"0", testSource).Of("app", "job", "other", "HLS")
	other := start("d")
	other.Digest = sparkrtc.Unsigned
	over := file("0").Over().Obj()
	swept := builders.MakeRecordingFile("swept-x", testSource).Of("", "", "", "HLS").Complete("b", "o", 1).Swept("2026-01-02T03:04:05Z")
	elsewhere := testKey
	elsewhere.Stream = "other"
	othersFile := builders.MakeRecordingFile(elsewhere.names()[0]+"0", testSource).Of("app", "job", "other", "HLS").Complete("b", "o", 1)
	type files = []*v1alpha1.RecordingFile
	for name, c := range map[string]struct {
		files    files
		delivery Delivery
		action   action
		outcome  Outcome
		// file is the name's end of the file concerned, next the number of the file to be created.
		file string
		next int
		// loose are the files that the index by object found.
		loose files
	}{
		"START, nothing known":              {nil, start("d"), actCreate, Created, "", 0, nil},
		"START again":                       {files{file("0").Started("d").Complete("b", "o", 1).Obj()}, start("d"), actNone, Duplicate, "0", 0, nil},
		"START again, two later":            {files{file("0").Started("d").Complete("b", "o", 1).Obj(), file("1").Started("e").Obj()}, start("d"), actNone, Duplicate, "0", 0, nil},
		"START of the open one":             {files{file("0").Started("d").Obj()}, start("e"), actConfirm, Duplicate, "0", 0, nil},
		"START after its COMPLETE":          {files{file("0").Complete("b", "o", 1).Obj()}, start("d"), actNone, Duplicate, "0", 0, nil},
		"START of the second":               {files{file("0").Started("d").Complete("b", "o", 1).Obj()}, start("e"), actCreate, Created, "", 1, nil},
		"START after ten":                   {files{file("10").Started("d").Complete("b", "o", 1).Obj(), file("9").Started("f").Complete("b", "p", 1).Obj()}, start("e"), actCreate, Created, "", 11, nil},
		"START, unsigned, of the second":    {files{file("0").Started("unsigned").Complete("b", "o", 1).Obj()}, other, actCreate, Created, "", 1, nil},
		"START beside one that is deleted":  {files{deleted}, start("d"), actCreate, Created, "", 1, nil},
		"START beside one made by hand":     {files{byHand.Obj()}, start("d"), actCreate, Created, "", 0, nil},
		"START beside another chain's file": {files{stranger.Obj()}, start("d"), actCreate, Created, "", 0, nil},
		"COMPLETE, nothing known":           {nil, complete("o", 1), actCreate, Created, "", 0, nil},
		"COMPLETE of the open one":          {files{file("0").Started("d").Obj()}, complete("o", 1), actUpdate, Claimed, "0", 0, nil},
		"COMPLETE of the oldest open one":   {files{file("10").Obj(), file("2").Obj()}, complete("o", 1), actUpdate, Claimed, "2", 0, nil},
		"COMPLETE after OVER":               {files{over}, complete("o", 1), actUpdate, Claimed, "0", 0, nil},
		"COMPLETE of another object":        {files{file("0").Complete("b", "o", 1).Obj()}, complete("p", 1), actCreate, Created, "", 1, nil},
		"COMPLETE again":                    {files{file("0").Complete("b", "o", 1).Obj(), file("1").Obj()}, complete("o", 1), actNone, Duplicate, "0", 0, nil},
		"COMPLETE again, smaller":           {files{file("0").Complete("b", "o", 2).Obj()}, complete("o", 1), actNone, Duplicate, "0", 0, nil},
		"COMPLETE again, grown":             {files{file("0").Complete("b", "o", 1).Obj(), file("1").Obj()}, complete("o", 2), actUpdate, Grown, "0", 0, nil},
		"COMPLETE of one made by hand":      {files{byHand.Room("room").Complete("b", "o", 1).Obj()}, complete("o", 1), actNone, Duplicate, "by-hand", 0, nil},
		"COMPLETE of a nameless file":       {nil, complete("o", 1), actUpdate, Grown, "by-hand", 0, files{builders.MakeRecordingFile("by-hand", testSource).Complete("b", "o", 1).Obj()}},
		"COMPLETE of a swept file":          {files{file("0").Obj()}, complete("o", 1), actUpdate, Grown, "swept-x", 0, files{swept.Obj()}},
		"COMPLETE, the chain's own first":   {files{file("0").Complete("b", "o", 1).Obj()}, complete("o", 1), actNone, Duplicate, "0", 0, files{swept.Obj()}},
		"COMPLETE beside another object":    {nil, complete("p", 1), actCreate, Created, "", 0, files{swept.Obj()}},
		"COMPLETE of two chains":            {nil, complete("o", 1), actCreate, Created, "", 0, files{othersFile.Obj()}},
		"COMPLETE beside a deleted one":     {files{deleted}, complete("o", 1), actCreate, Created, "", 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			known := newChain(testKey, c.files, c.loose)
			got := decide(known, c.delivery)
			if got.action != c.action || got.outcome != c.outcome {
				t.Fatalf("got action %d, %s; want %d, %s", got.action, got.outcome, c.action, c.outcome)
			}
			if got.file != nil && !strings.HasSuffix(got.file.Name, c.file) || (got.file == nil) != (c.file == "") {
				t.Errorf("of %v, want %q", got.file, c.file)
			}
			if c.action == actCreate && known.next() != c.next {
				t.Errorf("creates number %d, want %d", known.next(), c.next)
			}
			checkSpec(t, got, c.delivery)
		})
	}
}

// checkSpec holds whatever was decided: what is written is of the chain, and complete.
func checkSpec(t *testing.T, got decision, d Delivery) {
	t.Helper()
	if got.action != actCreate && got.action != actUpdate {
		return
	}
	written := &v1alpha1.RecordingFile{Spec: got.spec}
	written.Namespace = d.Namespace
	if KeyOfFile(written) != testKey {
		t.Errorf("writes into the chain %+v", KeyOfFile(written))
	}
	if _, swept := got.annotations[v1alpha1.AnnotationSwept]; swept {
		t.Errorf("annotates %v", got.annotations)
	}
	if got.reported != (got.outcome == Grown) {
		t.Errorf("%s, and reported is %t", got.outcome, got.reported)
	}
	if got.spec.JobOver || (got.outcome != Grown && got.spec.RoomID != "room") {
		t.Errorf("writes %+v", got.spec)
	}
	if d.Event.Type == sparkrtc.Complete && got.spec.File.SizeBytes != d.Event.File.SizeBytes {
		t.Errorf("writes the facts %+v", got.spec.File)
	}
	if _, started := got.annotations[v1alpha1.AnnotationStartDelivery]; got.action == actCreate && started != (d.Event.Type == sparkrtc.Start) {
		t.Errorf("annotates %v", got.annotations)
	}
}

func TestDecideOver(t *testing.T) {
	over := start("d")
	over.Event.Type, over.Event.StreamName, over.Event.Format = sparkrtc.Over, "", ""
	nameless := over
	nameless.Event.AppID = ""
	for name, c := range map[string]struct {
		file     *builders.RecordingFile
		delivery Delivery
		marked   bool
	}{
		"open":                     {file("0"), over, true},
		"no app in the event":      {file("0"), nameless, true},
		"no app in the file":       {builders.MakeRecordingFile("x", testSource).Of("", "job", "s", "HLS"), over, true},
		"another app":              {builders.MakeRecordingFile("x", testSource).Of("other", "job", "s", "HLS"), over, false},
		"another job":              {builders.MakeRecordingFile("x", testSource).Of("app", "other", "s", "HLS"), over, false},
		"another source":           {builders.MakeRecordingFile("x", "other").Of("app", "job", "s", "HLS"), over, false},
		"complete":                 {file("0").Complete("b", "o", 1), over, false},
		"marked already":           {file("0").Over(), over, false},
		"another stream of a job ": {builders.MakeRecordingFile("x", testSource).Of("app", "job", "other", "MP4"), over, true},
	} {
		t.Run(name, func(t *testing.T) {
			got := decideOver(c.file.Obj(), c.delivery)
			want := c.file.Obj().Spec
			want.JobOver = true
			if (got.action == actUpdate) != c.marked || (c.marked && !apiequality.Semantic.DeepEqual(got.spec, want)) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestGrowIsAJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		byURL := rapid.Bool().Draw(t, "byURL")
		a, b, c := factsOf(drawFacts(t, 0, 0, byURL)), factsOf(drawFacts(t, 0, 0, byURL)), factsOf(drawFacts(t, 0, 0, byURL))
		for what, pair := range map[string][2]*v1alpha1.RecordedFile{
			"commutative": {grow(a, b), grow(b, a)},
			"associative": {grow(grow(a, b), c), grow(a, grow(b, c))},
			"idempotent":  {grow(grow(a, b), b), grow(a, b)},
		} {
			if !apiequality.Semantic.DeepEqual(pair[0], pair[1]) {
				t.Errorf("not %s: %+v and %+v", what, pair[0], pair[1])
			}
		}
		if identityOf(grow(a, b)) != identityOf(a) {
			t.Error("the identity changes")
		}
	})
}

func TestIdentity(t *testing.T) {
	url := func(u string) identity { return identityOf(&v1alpha1.RecordedFile{DownloadURL: u}) }
	if url("https://h/o.mp4?a=1") != url("https://h/o.mp4?a=2") || url("https://h/o.mp4#x") != url("https://h/o.mp4") {
		t.Error("a query makes another file")
	}
	if url("https://h/o.mp4") == url("https://h/p.mp4") {
		t.Error("two paths are one file")
	}
	if identityOf(factsOf(sparkrtc.File{Bucket: "a", Object: "b/c"})) == identityOf(factsOf(sparkrtc.File{Bucket: "a/b", Object: "c"})) {
		t.Error("two buckets are one file")
	}
}

func TestNames(t *testing.T) {
	for stream, want := range map[string]string{
		"mystream":              "mystream-",
		"My Stream__01":         "my-stream-01-",
		"教室-一班_张三":              "job-",
		"--x--":                 "x-",
		strings.Repeat("a", 99): strings.Repeat("a", 36) + "-",
		"":                      "job-",
	} {
		key := testKey
		key.Stream = stream
		if want == "job-" && stream != "" {
			want = "recording-"
		}
		for i, prefix := range key.names() {
			if !strings.HasPrefix(prefix, want) || len(prefix) != len(want)+[]int{9, 17}[i] {
				t.Errorf("%q: prefix %q, want %s", stream, prefix, want)
			}
		}
	}
	keys := map[string]Key{}
	for _, key := range []Key{testKey, {Namespace: "m"}, {Source: "m"}, {App: "m"}, {Job: "m"}, {Stream: "m"}, {Format: "m"}, {App: "ab", Job: "c"}, {App: "a", Job: "bc"}} {
		if other, taken := keys[key.hexHash()]; taken {
			t.Errorf("%+v and %+v have one hash", key, other)
		}
		keys[key.hexHash()] = key
	}
}

func FuzzNames(f *testing.F) {
	f.Add("stream", "job")
	f.Add("教室", "")
	f.Fuzz(func(t *testing.T, stream, job string) {
		names := Key{Stream: stream, Job: job}.names()
		for _, prefix := range names {
			name := prefix + "999999999"
			if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
				t.Errorf("%q: %v", name, problems)
			}
			if got, ok := number(names, name); !ok || got != maxNumber {
				t.Errorf("%q has the number %d, %t", name, got, ok)
			}
			for _, wrong := range []string{"", "x", "01", "-1", "+1", "1000000000", "1 "} {
				if _, ok := number(names, prefix+wrong); ok {
					t.Errorf("%q has a number", prefix+wrong)
				}
			}
		}
	})
}
