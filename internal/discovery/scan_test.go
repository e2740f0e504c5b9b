// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/objectstore"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// fakeObject is an object of a fakeBucket.
type fakeObject struct {
	data    []byte
	size    int64 // if it is not that of data
	written time.Time
	mark    string
	err     error
}

// fakeBucket is a bucket in memory.
type fakeBucket struct {
	objects map[string]fakeObject
	listErr error
	// before is called before each question about an object, or the page after a key.
	before func(question, key string)
	asked  map[string]int
}

func (b *fakeBucket) Name() string { return "recordings" }

func (b *fakeBucket) ask(question, key string) (fakeObject, error) {
	if b.before != nil {
		b.before(question, key)
	}
	if b.asked == nil {
		b.asked = map[string]int{}
	}
	b.asked[question]++
	object, found := b.objects[key]
	if !found {
		return object, objectstore.ErrNoObject
	}
	return object, object.err
}

func (b *fakeBucket) List(ctx context.Context, prefix, after string) ([]objectstore.Object, error) {
	_, _ = b.ask("list", after)
	if b.listErr != nil || ctx.Err() != nil {
		return nil, errors.Join(b.listErr, ctx.Err())
	}
	var page []objectstore.Object
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		if object := b.objects[key]; key > after && strings.HasPrefix(key, prefix) && len(page) < objectstore.PageSize {
			page = append(page, objectstore.Object{Key: key, Size: max(object.size, int64(len(object.data))), LastModified: object.written})
		}
	}
	return page, nil
}

func (b *fakeBucket) Mark(ctx context.Context, key, name string) (string, error) {
	object, err := b.ask("mark", key)
	if errors.Is(err, objectstore.ErrUnreadable) {
		err = nil // what lies in cold storage can be stat
	}
	if name != workerapi.MarkName {
		return "", errors.Join(err, ctx.Err())
	}
	return object.mark, errors.Join(err, ctx.Err())
}

func (b *fakeBucket) Read(ctx context.Context, key string, offset, length int64) ([]byte, error) {
	object, err := b.ask("read", key)
	if err := errors.Join(err, ctx.Err()); err != nil {
		return nil, err
	}
	return object.data[offset:min(offset+length, int64(len(object.data)))], nil
}

// fakeFiles are RecordingFiles in memory.
type fakeFiles struct {
	known map[string]*v1alpha1.RecordingFacts
	found []ingest.Found
	err   error
}

func (f *fakeFiles) Find(_ context.Context, _, _ string, object v1alpha1.ObjectIdentity) (*v1alpha1.RecordingFile, error) {
	return fileOf(object, f.known[object.Key]), nil
}

// fileOf is the file of an object that was reported with these facts; nil: there is none.
func fileOf(object v1alpha1.ObjectIdentity, facts *v1alpha1.RecordingFacts) *v1alpha1.RecordingFile {
	if facts == nil {
		return nil
	}
	return &v1alpha1.RecordingFile{Spec: v1alpha1.RecordingFileSpec{Object: object, Reported: &v1alpha1.ReportedRecording{RecordingFacts: *facts}}}
}

func (f *fakeFiles) Discover(_ context.Context, found ingest.Found) (ingest.Result, error) {
	if f.err != nil {
		return ingest.Result{}, f.err
	}
	f.found = append(f.found, found)
	outcome := ingest.Created
	if f.known[found.Key] != nil {
		outcome = ingest.Updated
	}
	return ingest.Result{Outcome: outcome}, nil
}

func (f *fakeFiles) objects() []string {
	var objects []string
	for _, found := range f.found {
		objects = append(objects, found.Key)
	}
	return objects
}

var (
	noon  = at("2021-04-28T12:00:00Z")
	scope = Scope{Namespace: "media", Source: "classroom", From: noon, To: noon.Add(time.Hour)}
	then  = noon.Add(time.Minute)
	whole = []byte(playlistHead + "#EXTINF:10,\ns1.ts\n#EXTINF:2.5,\ns2.ts\n#EXT-X-ENDLIST\n")
	movie = slices.Concat(ftyp, box("moov", mvhd0(1000, 65_400), trak(0, 1280, 720)), box("mdat", make([]byte, 100)))
)

func run(t *testing.T, scope Scope, b Bucket, files Files) Report {
	t.Helper()
	s := New(scope, files)
	report, err := s.Run(t.Context(), b)
	if err != nil || !s.Done() {
		t.Fatalf("done %t, %v", s.Done(), err)
	}
	return report
}

func TestScan_FindsRecordings(t *testing.T) {
	b := &fakeBucket{objects: map[string]fakeObject{
		"a/a_2021-04-28-11-59-00.m3u8": {data: whole, written: then},
		"a/s0.ts":                      {size: 7, written: then},
		"a/s1.ts":                      {size: 100, written: then},
		"a/s2.ts":                      {size: 20, written: then},
		"video.mp4":                    {data: movie, written: then},
	}}
	files := &fakeFiles{}
	report := run(t, scope, b, files)
	want := []ingest.Found{
		{Namespace: "media", Source: "classroom", Bucket: "recordings", Key: "a/a_2021-04-28-11-59-00.m3u8", LastModified: then, Stream: "a",
			Facts: v1alpha1.RecordingFacts{SizeBytes: 120, DurationSeconds: 13,
				StartTime: wholeSeconds(at("2021-04-28T11:59:00Z")), EndTime: wholeSeconds(at("2021-04-28T11:59:12Z"))}},
		{Namespace: "media", Source: "classroom", Bucket: "recordings", Key: "video.mp4", LastModified: then,
			Facts: v1alpha1.RecordingFacts{SizeBytes: int64(len(movie)), DurationSeconds: 66, Width: 1280, Height: 720,
				StartTime: wholeSeconds(then.Add(-66 * time.Second)), EndTime: wholeSeconds(then)}},
	}
	if diff := cmp.Diff(want, files.found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if report.Listed != 5 || report.Looked() != 2 || report.Outcomes[Created] != 2 || len(report.Problems) > 0 {
		t.Errorf("%+v", report)
	}
}

// Each kind of object has its outcome, and its cost.
func TestScan_Outcomes(t *testing.T) {
	fragments := slices.Concat(ftyp, box("moov", mvhd0(1000, 0), mehd(9000)))
	tests := map[string]struct {
		object  fakeObject
		known   *v1alpha1.RecordingFacts
		beside  string // another object in the folder
		err     error  // of creating
		want    Outcome
		problem string
		reads   int
	}{
		"a.m3u8: new":             {object: fakeObject{data: whole}, want: Created, reads: 1},
		"a.m3u8: known":           {object: fakeObject{data: whole}, known: &v1alpha1.RecordingFacts{DurationSeconds: 12}, want: Known, reads: 1},
		"a.m3u8: updated":         {object: fakeObject{data: whole}, known: &v1alpha1.RecordingFacts{DurationSeconds: 5}, want: Updated, reads: 1},
		"a.mp4: known":            {object: fakeObject{data: movie}, known: &v1alpha1.RecordingFacts{SizeBytes: 1 << 20}, want: Known},
		"a.mp4: updated":          {object: fakeObject{data: movie}, known: &v1alpha1.RecordingFacts{SizeBytes: 5}, want: Updated, reads: 1},
		"a.m3u8: ours":            {object: fakeObject{data: whole, mark: workerapi.MarkValue}, want: Own},
		"a.mp4: ours":             {object: fakeObject{data: movie, mark: workerapi.MarkValue}, want: Own},
		"a.m3u8: master":          {object: fakeObject{data: []byte("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nb.m3u8\n")}, want: Part, reads: 1},
		"a.mp4: segment":          {object: fakeObject{data: slices.Concat(box("styp"), box("moof"), box("mdat"))}, want: Part, reads: 1},
		"a.mp4: beginning of HLS": {object: fakeObject{data: fragments}, beside: "x.m3u8", want: Part, reads: 1},
		"a.mp4: in fragments":     {object: fakeObject{data: fragments}, beside: "deeper/x.m3u8", want: Created, reads: 1},
		"a.m3u8: no end":          {object: fakeObject{data: []byte(playlistHead + "#EXTINF:1,\na.ts\n")}, want: Created, problem: "no end", reads: 1},
		"a.m3u8: no playlist":     {object: fakeObject{data: []byte("x")}, want: Created, problem: "#EXTM3U", reads: 1},
		"a.m3u8: empty":           {want: Created, problem: "empty"},
		"a.m3u8: huge":            {object: fakeObject{size: 5 << 20}, want: Created, problem: "larger"},
		"a.mp4: cut off":          {object: fakeObject{data: ftyp}, want: Created, problem: "moov", reads: 1},
		"a.mp4: empty":            {want: Created, problem: "moov"},
		"a.mp4: in cold storage":  {object: fakeObject{data: movie, err: objectstore.ErrUnreadable}, want: Created, problem: "cold", reads: 1},
		"a.mp4: gone":             {object: fakeObject{err: objectstore.ErrNoObject}, want: Gone},
		"a.mp4: away":             {object: fakeObject{err: objectstore.ErrUnreachable}, want: Failed, problem: "did not answer"},
		"a.mp4: refused":          {object: fakeObject{data: movie}, err: &ingest.Error{Kind: ingest.Invalid, Err: errors.New("spec.file.x: wrong")}, want: Refused, problem: "spec.file.x", reads: 1},
		"\xff.mp4: no name":       {object: fakeObject{data: movie}, want: Refused, problem: "UTF-8"},
		"a\x07.mp4: a command":    {object: fakeObject{data: movie}, want: Refused, problem: "control character"},
		"a\u009b.m3u8: another":   {object: fakeObject{data: whole}, want: Refused, problem: "control character"},
	}
	for name, test := range tests {
		key, _, _ := strings.Cut(name, ":")
		key = "rec/" + key
		test.object.written = then
		b := &fakeBucket{objects: map[string]fakeObject{key: test.object}}
		if test.beside != "" {
			b.objects["rec/"+test.beside] = fakeObject{written: noon.Add(-time.Hour)}
		}
		files := &fakeFiles{known: map[string]*v1alpha1.RecordingFacts{key: test.known}, err: test.err}
		report := run(t, scope, b, files)
		if diff := cmp.Diff(map[Outcome]int64{test.want: 1}, report.Outcomes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if problem := strings.Join(report.Problems, ""); !strings.Contains(problem, test.problem) || (problem == "") != (test.problem == "") {
			t.Errorf("%s: problem %q", name, problem)
		}
		if b.asked["read"] != test.reads {
			t.Errorf("%s: %d reads", name, b.asked["read"])
		}
		if wantFound := test.want == Created || test.want == Updated; wantFound != (len(files.found) == 1) {
			t.Errorf("%s: found %+v", name, files.found)
		}
	}
}

// A report that comes while the object is read counts like one that came before: it measures otherwise, and
// a file that grows only by that would be processed again for nothing.
func TestScan_CallbackComesMeanwhile(t *testing.T) {
	for key, reported := range map[string]*v1alpha1.RecordingFacts{"a.m3u8": {DurationSeconds: 12}, "a.mp4": {SizeBytes: 1 << 20}} {
		data := movie
		if key == "a.m3u8" {
			data = whole
		}
		files := &fakeFiles{known: map[string]*v1alpha1.RecordingFacts{}}
		b := &fakeBucket{objects: map[string]fakeObject{key: {data: data, written: then}}}
		b.before = func(question, _ string) {
			if question == "read" {
				files.known[key] = reported
			}
		}
		if report := run(t, scope, b, files); report.Outcomes[Known] != 1 || len(files.found) != 0 {
			t.Errorf("%s: %+v, %+v", key, report, files.found)
		}
	}
}

// The scope's times and prefix hold; an empty scope still shows whether the bucket can be listed.
func TestScan_Scope(t *testing.T) {
	b := &fakeBucket{objects: map[string]fakeObject{}}
	for key, written := range map[string]time.Time{
		"rec/before.mp4": noon.Add(-time.Second), "rec/first.mp4": noon, "rec/last.mp4": scope.To.Add(-time.Second), "rec/after.mp4": scope.To,
		"other/x.mp4": then, "rec/x.ts": then,
	} {
		b.objects[key] = fakeObject{data: movie, written: written}
	}
	inside := scope
	inside.Prefix = "rec/"
	files := &fakeFiles{}
	run(t, inside, b, files)
	if got := files.objects(); !slices.Equal(got, []string{"rec/first.mp4", "rec/last.mp4"}) {
		t.Errorf("%v", got)
	}
	files = &fakeFiles{}
	run(t, Scope{To: scope.To}, b, files)
	if got := files.objects(); len(got) != 4 {
		t.Errorf("without a beginning: %v", got)
	}
	empty := scope
	empty.To = empty.From
	if report := run(t, empty, b, &fakeFiles{}); report.Looked() != 0 {
		t.Errorf("an empty scope: %+v", report)
	}
	b.listErr = objectstore.ErrForbidden
	if _, err := New(empty, &fakeFiles{}).Run(t.Context(), b); !errors.Is(err, objectstore.ErrForbidden) {
		t.Errorf("an empty scope, refused: %v", err)
	}
}

// A run that is cut off, anywhere, goes on with the object that it was at.
func TestScan_RunsInPieces(t *testing.T) {
	b := &fakeBucket{objects: map[string]fakeObject{}}
	for i := range objectstore.PageSize*2 + 500 {
		key := fmt.Sprintf("%04d.ts", i)
		if i%100 == 0 {
			key = fmt.Sprintf("%04d.mp4", i)
		}
		b.objects[key] = fakeObject{data: movie, written: then}
	}
	files := &fakeFiles{}
	s := New(scope, files)
	var total Report
	pieces := 0
	for ; !s.Done(); pieces++ {
		ctx, cancel := context.WithCancel(t.Context())
		cutOffAt := 3 + pieces%3 // the list, some question about an object
		b.before = func(string, string) {
			if cutOffAt--; cutOffAt == 0 {
				cancel()
			}
		}
		report, err := s.Run(ctx, b)
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		total.Add(report)
	}
	want := map[Outcome]int64{Created: 25}
	if diff := cmp.Diff(want, total.Outcomes); diff != "" || total.Listed != 2500 || pieces < 10 {
		t.Errorf("%d pieces, listed %d (-want +got):\n%s", pieces, total.Listed, diff)
	}
	if got := files.objects(); len(slices.Compact(got)) != 25 {
		t.Errorf("%v", got)
	}
}

// One object that fails keeps no other from being found; many that fail, or an API server that is away, end the run.
func TestScan_Failures(t *testing.T) {
	b := &fakeBucket{objects: map[string]fakeObject{}}
	for i := range maxFailures + 5 {
		b.objects[fmt.Sprintf("%02d.mp4", i)] = fakeObject{data: movie, written: then}
	}
	b.objects["03.mp4"] = fakeObject{err: objectstore.ErrUnreachable, written: then}
	files := &fakeFiles{}
	if report := run(t, scope, b, files); report.Outcomes[Failed] != 1 || report.Outcomes[Created] != maxFailures+4 {
		t.Errorf("%+v", report)
	}
	away := &fakeFiles{err: &ingest.Error{Kind: ingest.Unavailable, Err: errors.New("the API server is away")}}
	s := New(scope, away)
	if report, err := s.Run(t.Context(), b); err == nil || !strings.Contains(err.Error(), "away") || s.Done() || report.Listed != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	// Objects have owners and keys of their own: one that may not be read says nothing of the others.
	forbidden := maps.Clone(b.objects)
	forbidden["01.mp4"] = fakeObject{err: objectstore.ErrForbidden, written: then}
	report := run(t, scope, &fakeBucket{objects: forbidden}, &fakeFiles{})
	if report.Outcomes[Failed] != 2 || report.Outcomes[Created] != maxFailures+3 || !strings.Contains(strings.Join(report.Problems, ""), `"01.mp4": the credentials are refused`) {
		t.Errorf("forbidden: %+v", report)
	}
	for key := range forbidden {
		forbidden[key] = fakeObject{err: objectstore.ErrForbidden, written: then}
	}
	if _, err := New(scope, files).Run(t.Context(), &fakeBucket{objects: forbidden}); !errors.Is(err, objectstore.ErrForbidden) {
		t.Errorf("all forbidden: %v", err)
	}
	for key := range b.objects {
		b.objects[key] = fakeObject{err: objectstore.ErrUnreachable, written: then}
	}
	s = New(scope, files)
	if report, err := s.Run(t.Context(), b); err == nil || s.Done() || report.Outcomes[Failed] != maxFailures {
		t.Errorf("%+v, %v", report, err)
	}
}

// The size of a recording is that of all its segments, or none.
func TestScan_SegmentBytes(t *testing.T) {
	objects := map[string]fakeObject{"rec/a.m3u8": {data: whole, written: then}, "rec/s1.ts": {size: 100}, "rec/s10.ts": {size: 1}, "rec/s2.ts": {size: -5}}
	size := func() int64 {
		files := &fakeFiles{}
		run(t, scope, &fakeBucket{objects: objects}, files)
		return files.found[0].Facts.SizeBytes
	}
	if got := size(); got != 100 {
		t.Errorf("all: %d", got)
	}
	// More objects between the segments than are looked at.
	for i := range (sparePages + 1) * objectstore.PageSize {
		objects[fmt.Sprintf("rec/s1/%05d", i)] = fakeObject{size: 1}
	}
	if got := size(); got != 0 {
		t.Errorf("too far apart: %d", got)
	}
	delete(objects, "rec/s2.ts")
	if got := size(); got != 0 {
		t.Errorf("one missing: %d", got)
	}
}
