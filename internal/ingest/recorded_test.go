// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// news is what comes to an Ingester: a callback, or what a sweep found.
type news struct {
	delivery *Delivery
	found    *Found
}

// object is the recorded object that the news is of, and what it says of it; nil: of none.
func (n news) object() *sparkrtc.File {
	switch {
	case n.found != nil:
		return &n.found.File
	case n.delivery.Event.Type == sparkrtc.Complete:
		return &n.delivery.Event.File
	default:
		return nil
	}
}

// recorded is what the service recorded in one chain: its files, and the news of it that gets through.
type recorded struct {
	key  Key
	room string
	// objects is how many files were recorded, whether or not there is news of them.
	objects int
	news    []news
}

// mode is what kind of history is drawn.
type mode struct {
	// signed: callbacks can be told apart. swept: the bucket is swept.
	signed, swept bool
}

// drawRecorded makes up one chain: for every file a START, one to three COMPLETEs of the same object, which grows, and
// sweeps that find it. Some news is lost on the way.
func drawRecorded(t *rapid.T, i int, m mode) recorded {
	key := Key{Namespace: testNamespace, Source: testSource, App: "app", Job: "job" + strconv.Itoa(i/2),
		Stream: "stream" + strconv.Itoa(i), Format: rapid.SampledFrom([]string{"HLS", "MP4"}).Draw(t, "format")}
	r := recorded{key: key, room: rapid.SampledFrom([]string{"", "room"}).Draw(t, "room"), objects: rapid.IntRange(1, 4).Draw(t, "files")}
	for n := range r.objects {
		r.deliver(t, sparkrtc.Event{Type: sparkrtc.Start}, m)
		byURL := rapid.IntRange(0, 4).Draw(t, "byURL") == 0
		lost := rapid.IntRange(0, 4).Draw(t, "lost") == 0
		for range rapid.IntRange(1, 3).Draw(t, "reports") {
			if file := drawFacts(t, i, n, byURL); !lost {
				r.deliver(t, sparkrtc.Event{Type: sparkrtc.Complete, File: file}, m)
			}
		}
		if m.swept && !byURL {
			r.sweep(t, i, n)
		}
	}
	r.deliver(t, sparkrtc.Event{Type: sparkrtc.Over}, m)
	return r
}

// deliver adds a callback to the news, most often.
func (r *recorded) deliver(t *rapid.T, e sparkrtc.Event, m mode) {
	if rapid.IntRange(0, 7).Draw(t, "dropped") == 0 {
		return
	}
	e.AppID, e.JobID = r.key.App, r.key.Job
	if e.Type != sparkrtc.Over {
		e.StreamName, e.Format, e.RoomID = r.key.Stream, r.key.Format, r.room
	}
	d := &Delivery{Namespace: r.key.Namespace, Source: r.key.Source, Digest: sparkrtc.Unsigned, Event: e, Sweeps: m.swept}
	if m.signed {
		// Every third begins alike, and is alike to the cache.
		d.Digest = fmt.Sprintf("%03d-%s-%d", len(r.news)%3, r.key.Stream, len(r.news))
	}
	r.news = append(r.news, news{delivery: d})
}

// sweep adds that the object was found up to two times. What is found may differ from what is reported.
func (r *recorded) sweep(t *rapid.T, i, n int) {
	stream := rapid.SampledFrom([]string{"", r.key.Stream, "derived"}).Draw(t, "derived")
	for range rapid.IntRange(0, 2).Draw(t, "sweeps") {
		r.news = append(r.news, news{found: &Found{Namespace: r.key.Namespace, Source: r.key.Source, Format: r.key.Format,
			StreamName: stream, File: drawFacts(t, i, n, false)}})
	}
}

func drawFacts(t *rapid.T, i, n int, byURL bool) sparkrtc.File {
	at := func(name string) time.Time {
		minute := rapid.IntRange(0, 3).Draw(t, name)
		if minute == 0 {
			return time.Time{}
		}
		return time.Unix(int64(1_700_000_000+60*minute), 0).UTC()
	}
	file := sparkrtc.File{
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

// expected is what has to be known of one recorded object in the end. It is found from the news alone, in no order, and
// shares no code with what is tested.
type expected struct {
	// reported: a callback told of the object. Then the file has the chain's identity; without, only what was derived.
	reported bool
	// derived is the stream that sweeps read from the object's key.
	derived string
	facts   v1alpha1.RecordedFile
}

// oracle is what has to be known of each object that there is news of, by the object's key or URL.
func (r *recorded) oracle() map[string]*expected {
	all := map[string]*expected{}
	for _, n := range r.news {
		file := n.object()
		if file == nil {
			continue
		}
		name := file.Object
		if name == "" {
			name = file.DownloadURL
		}
		if all[name] == nil {
			all[name] = &expected{}
		}
		all[name].learn(n, file)
	}
	return all
}

func (e *expected) learn(n news, file *sparkrtc.File) {
	if n.found != nil {
		e.derived = n.found.StreamName
	} else {
		e.reported = true
	}
	f := &e.facts
	f.SizeBytes, f.DurationSeconds = max(f.SizeBytes, file.SizeBytes), max(f.DurationSeconds, file.DurationSeconds)
	f.Width, f.Height = max(f.Width, file.Width), max(f.Height, file.Height)
	f.DownloadURL = max(f.DownloadURL, file.DownloadURL)
	if file.Object != "" {
		if f.OBS == nil {
			f.OBS = &v1alpha1.OBSObject{Bucket: file.Bucket, Object: file.Object}
		}
		f.OBS.Location = max(f.OBS.Location, file.Location)
	}
	if at := file.StartTime; !at.IsZero() && (f.StartTime == nil || at.Before(f.StartTime.Time)) {
		f.StartTime = &metav1.Time{Time: at}
	}
	if at := file.EndTime; !at.IsZero() && (f.EndTime == nil || at.After(f.EndTime.Time)) {
		f.EndTime = &metav1.Time{Time: at}
	}
}

// spec is what the file's spec has to be. One that a sweep made keeps the stream that it derived.
func (e *expected) spec(r *recorded, swept bool) v1alpha1.RecordingFileSpec {
	spec := v1alpha1.RecordingFileSpec{SourceRef: v1alpha1.LocalReference{Name: r.key.Source}, Format: r.key.Format, File: &e.facts}
	if e.reported {
		spec.AppID, spec.JobID, spec.StreamName, spec.RoomID = r.key.App, r.key.Job, r.key.Stream, r.room
	}
	if swept && e.derived != "" {
		spec.StreamName = e.derived
	}
	return spec
}

// of says whether the file is of what was recorded: of the chain, or of one of its objects.
func (r *recorded) of(file *v1alpha1.RecordingFile, oracle map[string]*expected) bool {
	return KeyOfFile(file) == r.key || oracle[objectName(file)] != nil
}

// objectName is the key or the URL of a file's object; empty: it is open.
func objectName(file *v1alpha1.RecordingFile) string {
	switch {
	case file.Spec.File == nil:
		return ""
	case file.Spec.File.OBS != nil:
		return file.Spec.File.OBS.Object
	default:
		return file.Spec.File.DownloadURL
	}
}

// copies adds the deliveries that come twice or three times. Unsigned STARTs cannot be told apart and are left alone.
func copies(t *rapid.T, all []news, m mode) []news {
	for _, n := range slices.Clone(all) {
		for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "copies") {
			if m.signed || n.object() != nil {
				all = append(all, n)
			}
		}
	}
	return all
}
