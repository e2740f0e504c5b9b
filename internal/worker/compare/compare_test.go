// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package compare_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/worker/compare"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

const (
	second = int64(media.Clock)
	pal    = second / 25
	aac    = 1024 * second / 48_000
	ms     = second / 1000
)

// memory is a file in memory.
type memory struct{ data []byte }

func (m *memory) WriteAt(data []byte, at int64) (int, error) {
	if end := int(at) + len(data); end > len(m.data) {
		m.data = append(m.data, make([]byte, end-len(m.data))...)
	}
	return copy(m.data[at:], data), nil
}

// box is an MP4 box.
func box(name string, content ...[]byte) []byte {
	data := append(make([]byte, 4, 8), name...)
	for _, each := range content {
		data = append(data, each...)
	}
	binary.BigEndian.PutUint32(data, uint32(len(data)))
	return data
}

// picture is a sample entry; id makes it another one.
func picture(id byte) media.Params {
	return media.Params{Codec: media.H264, Entry: box("avc1", make([]byte, 78), box("avcC", []byte{1, 66, 0, id, 0xff, 0xe0, 0})), Width: 64, Height: 36}
}

// sound are the parameters of AAC in stereo at 48 kHz: the header of an ADTS frame says so.
func sound(tb interface{ Fatal(args ...any) }) media.Params {
	params := codec.ADTSParams([]byte{0xff, 0xf1, 0x4c, 0x80, 0x04, 0x1f, 0xfc, 0x21})
	if params.SampleRate != 48_000 || params.Channels != 2 || codec.Silence(params) == nil {
		tb.Fatal(params)
	}
	return params
}

// recording has pictures, the second half with other parameters, and sound with a hole from 2 to 3 s.
func recording(tb testing.TB) *timeline.Timeline {
	tb.Helper()
	video := media.Stream{ID: 1, Kind: media.Video, Codec: media.H264, Default: true, Params: []media.Params{picture(1), picture(2)}}
	audio := media.Stream{ID: 2, Kind: media.Audio, Codec: media.AAC, Default: true, Params: []media.Params{sound(tb)}}
	for i := range int64(150) {
		video.Packets.Append(media.Packet{DTS: i * pal, PTS: i*pal + pal*[]int64{1, 3, 1, 1}[i%4], Size: int(1000 + i), Key: i%25 == 0, Params: int(i / 75)})
	}
	for i := range int64(281) {
		if at := i * aac; at < 2*second || at >= 3*second {
			audio.Packets.Append(media.Packet{DTS: at, PTS: at, Size: int(200 + i), Key: true})
		}
	}
	video.Packets.Close()
	audio.Packets.Close()
	return timeline.Build(timeline.Recording{Segments: []timeline.Segment{{File: &media.File{Container: media.MP4, Streams: []media.Stream{video, audio}}}}})
}

// track is a track of a result.
type track struct {
	mp4.OutTrack
	samples []mp4.OutSample
}

// result is what is written. Tracks are found by their kind.
type result []*track

func (r result) of(kind media.Kind) *track {
	for _, each := range r {
		if each.Kind == kind {
			return each
		}
	}
	return nil
}

// right is a result that has just what the timeline has.
func right(t *timeline.Timeline) result {
	var made result
	for _, from := range t.Tracks() {
		each := &track{OutTrack: mp4.OutTrack{Kind: from.Kind, Timescale: media.Clock}}
		for _, params := range from.Params {
			each.Entries = append(each.Entries, params.Entry)
		}
		for placed := range t.Packets(from.Kind) {
			each.samples = append(each.samples, mp4.OutSample{
				DTS: placed.DTS, PTS: placed.PTS, Duration: max(placed.Duration, t.Interval(&placed, from.Kind)), Size: placed.Size,
				Key: placed.Key, Entry: placed.Entry,
			})
		}
		made = append(made, each)
	}
	return made
}

// open writes a result and reads it.
func (r result) open(tb interface {
	Helper()
	Fatal(args ...any)
}) *mp4.Movie {
	tb.Helper()
	var outs []mp4.OutTrack
	for _, each := range r {
		each.Samples = slices.Values(each.samples)
		outs = append(outs, each.OutTrack)
	}
	file := &memory{}
	_, err := mp4.Write(file, outs, func(emit func(track int, sample []byte) error) error {
		for i, each := range r {
			for _, sample := range each.samples {
				if err := emit(i, make([]byte, sample.Size)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	movie, err := mp4.Open(bytes.NewReader(file.data), int64(len(file.data)))
	if err != nil {
		tb.Fatal(err)
	}
	return movie
}

// silent adds frames of silence between a time and another.
func (t *track) silent(tb testing.TB, from, to int64) {
	tb.Helper()
	size := len(codec.Silence(sound(tb)))
	for at := from; at < to; at += aac {
		t.samples = append(t.samples, mp4.OutSample{DTS: at, PTS: at, Duration: aac, Size: size, Key: true})
	}
	slices.SortStableFunc(t.samples, func(a, b mp4.OutSample) int { return int(a.DTS - b.DTS) })
}

var bothKinds = []media.Kind{media.Video, media.Audio}

// wantDifference fails unless err is a difference of a kind near a time.
func wantDifference(t *testing.T, err error, kind media.Kind, at int64, text string) {
	t.Helper()
	difference, ok := errors.AsType[*compare.Difference](err)
	if !ok {
		t.Fatalf("%v, want a difference", err)
	}
	if distance := difference.At - at; difference.Kind != kind || distance > 130*ms || distance < -130*ms || !strings.Contains(difference.Text, text) {
		t.Errorf("%s at %d (%v), want %s at %d with %q", difference.Kind, difference.At, err, kind, at, text)
	}
	if !strings.Contains(err.Error(), timeline.Duration(difference.At).String()) {
		t.Errorf("%v does not name the time", err)
	}
}

// mutation is one thing that is wrong with a result.
type mutation struct {
	change func(r result)
	kind   media.Kind
	at     int64
	text   string
}

// mutations are those that no comparison may pass.
func mutations() map[string]mutation {
	drop := func(kind media.Kind, from, to int) func(r result) {
		return func(r result) { r.of(kind).samples = slices.Delete(r.of(kind).samples, from, to) }
	}
	move := func(kind media.Kind, number int, by int64) func(r result) {
		return func(r result) { r.of(kind).samples[number].PTS += by }
	}
	return map[string]mutation{
		"a picture is missing":          {drop(media.Video, 50, 51), media.Video, 2 * second, ""},
		"the first picture is missing":  {drop(media.Video, 0, 1), media.Video, 0, ""},
		"the last pictures are missing": {drop(media.Video, 140, 150), media.Video, 140 * pal, ""},
		"a picture is there twice": {func(r result) {
			t := r.of(media.Video)
			t.samples = slices.Insert(t.samples, 50, t.samples[50])
		}, media.Video, 2 * second, ""},
		"a picture follows the last one": {func(r result) {
			t := r.of(media.Video)
			last := t.samples[149]
			last.DTS, last.PTS = last.DTS+pal, last.PTS+10*pal
			t.samples = append(t.samples, last)
		}, media.Video, 6*second + 9*pal, ""},
		"a picture is shown late":         {move(media.Video, 52, 50*ms), media.Video, 2*second + 3*pal, ""},
		"a picture is shown early":        {move(media.Video, 52, -50*ms), media.Video, 2*second + 3*pal, ""},
		"no pictures":                     {func(r result) { *r[0] = *r[1] }, media.Video, 0, ""},
		"two tracks of sound":             {func(r result) { *r[0] = *r[1] }, media.Video, 0, ""},
		"the end of the sound is missing": {drop(media.Audio, 210, 234), media.Audio, 5500 * ms, ""},
		"all sound is late": {func(r result) {
			for i := range r.of(media.Audio).samples {
				r.of(media.Audio).samples[i].DTS += 60 * ms
				r.of(media.Audio).samples[i].PTS += 60 * ms
			}
		}, media.Audio, 0, ""},
	}
}

func TestCopied_FindsEveryDifference(t *testing.T) {
	all := mutations()
	add := func(name string, m mutation) { all[name] = m }
	add("a frame of sound is missing", mutation{func(r result) { r.of(media.Audio).samples = slices.Delete(r.of(media.Audio).samples, 40, 41) }, media.Audio, 40 * aac, "bytes"})
	add("two frames of sound are swapped", mutation{func(r result) {
		s := r.of(media.Audio).samples
		s[40].Size, s[41].Size = s[41].Size, s[40].Size
	}, media.Audio, 40 * aac, "bytes"})
	add("a frame of sound is there twice", mutation{func(r result) {
		s := r.of(media.Audio)
		s.samples = slices.Insert(s.samples, 40, s.samples[40])
	}, media.Audio, 41 * aac, ""})
	add("a frame of sound is late", mutation{func(r result) { r.of(media.Audio).samples[40].PTS += 50 * ms }, media.Audio, 40 * aac, "shown"})
	add("two pictures are swapped", mutation{func(r result) {
		s := r.of(media.Video).samples
		s[40].Size, s[41].Size = s[41].Size, s[40].Size
	}, media.Video, 41 * pal, "bytes"})
	add("a picture has a byte more", mutation{func(r result) { r.of(media.Video).samples[40].Size++ }, media.Video, 41 * pal, "bytes"})
	add("a key frame is not marked", mutation{func(r result) { r.of(media.Video).samples[50].Key = false }, media.Video, 2 * second, "key"})
	add("a picture is marked as a key frame", mutation{func(r result) { r.of(media.Video).samples[51].Key = true }, media.Video, 2 * second, "key"})
	add("wrong parameters", mutation{func(r result) { r.of(media.Video).samples[80].Entry = 0 }, media.Video, 81 * pal, "parameters"})
	add("silence where there is no hole", mutation{func(r result) {
		s := r.of(media.Audio)
		s.samples = slices.Insert(s.samples, 40, mp4.OutSample{DTS: 40 * aac, PTS: 40 * aac, Size: len(codec.Silence(sound(t)))})
	}, media.Audio, 40 * aac, "bytes"})
	add("sound goes on", mutation{func(r result) {
		s := r.of(media.Audio)
		last := s.samples[len(s.samples)-1]
		last.DTS, last.PTS = last.DTS+aac, last.PTS+aac
		s.samples = append(s.samples, last)
	}, media.Audio, 6 * second, "does not have"})
	recorded := recording(t)
	for name, test := range all {
		t.Run(name, func(t *testing.T) {
			made := right(recorded)
			test.change(made)
			wantDifference(t, compare.Copied(recorded, made.open(t), bothKinds...), test.kind, test.at, test.text)
		})
	}
}

func TestCopied_PassesWhatIsRight(t *testing.T) {
	recorded := recording(t)
	for name, change := range map[string]func(r result){
		"as it is":            func(result) {},
		"silence in the hole": func(r result) { r.of(media.Audio).silent(t, 2*second+aac/2, 3*second-aac) },
		"times of milliseconds": func(r result) {
			for _, each := range r {
				for i := range each.samples {
					each.samples[i].PTS = each.samples[i].PTS / 90 * 90
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			made := right(recorded)
			change(made)
			if err := compare.Copied(recorded, made.open(t), bothKinds...); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCopied_EditListThatIsKept: what it shows must be the same, whatever the media times are.
func TestCopied_EditListThatIsKept(t *testing.T) {
	recorded := recording(t)
	edits := []media.Edit{{Duration: second, Start: -1}, {Duration: 4 * second, Start: second}}
	recorded.Video.Edits = edits
	shift := func(r *track, by int64) {
		for i := range r.samples {
			r.samples[i].PTS += by
		}
	}
	for name, test := range map[string]struct {
		change func(r *track)
		differ bool
	}{
		"as it is":                     {func(*track) {}, false},
		"all media times moved":        {func(r *track) { shift(r, 400*ms); r.Edits[1].Start += 400 * ms }, false},
		"a clock of 8 kHz":             {func(r *track) { r.Edits[1].Start += 11; r.Edits[1].Duration -= 11 }, false},
		"pictures moved alone":         {func(r *track) { shift(r, 400*ms) }, true},
		"another beginning":            {func(r *track) { r.Edits[1].Start += 400 * ms }, true},
		"another duration":             {func(r *track) { r.Edits[1].Duration -= second }, true},
		"another pause":                {func(r *track) { r.Edits[0].Duration += second }, true},
		"pause and pictures exchanged": {func(r *track) { slices.Reverse(r.Edits) }, true},
		"a piece is missing":           {func(r *track) { r.Edits = r.Edits[1:] }, true},
	} {
		t.Run(name, func(t *testing.T) {
			made := right(recorded)
			video := made.of(media.Video)
			video.Edits = slices.Clone(edits)
			test.change(video)
			if err := compare.Copied(recorded, made.open(t), media.Video); (err != nil) != test.differ {
				t.Errorf("the difference is %v", err)
			}
		})
	}
}

func TestCopied_ComparesOnlyTheKindsAskedFor(t *testing.T) {
	recorded := recording(t)
	made := right(recorded)
	made.of(media.Audio).samples = made.of(media.Audio).samples[:10]
	if err := compare.Copied(recorded, made.open(t), media.Video); err != nil {
		t.Error(err)
	}
	wantDifference(t, compare.Copied(recorded, made.open(t), media.Audio), media.Audio, 10*aac, "missing")
}

func TestCopied_StreamThatTheRecordingDoesNotHave(t *testing.T) {
	recorded := recording(t)
	made := right(recorded)
	recorded.Audio = nil
	wantDifference(t, compare.Copied(recorded, made.open(t), bothKinds...), media.Audio, 0, "no such stream")
}

// encoded is a right result of encoding: other sizes, no holes in the sound.
func encoded(tb testing.TB, t *timeline.Timeline) result {
	tb.Helper()
	made := right(t)
	made.of(media.Audio).silent(tb, 2*second+aac/2, 3*second-aac/2)
	for _, each := range made {
		for i := range each.samples {
			each.samples[i].Size, each.samples[i].Entry = 99, 0
		}
	}
	return made
}

func TestEncoded_FindsEveryDifference(t *testing.T) {
	all := mutations()
	all["sound is missing"] = mutation{func(r result) { r.of(media.Audio).samples = slices.Delete(r.of(media.Audio).samples, 40, 45) }, media.Audio, 40 * aac, "missing"}
	all["a hole of the recording is left"] = mutation{func(r result) {
		r.of(media.Audio).samples = slices.DeleteFunc(r.of(media.Audio).samples, func(s mp4.OutSample) bool { return s.DTS > 2*second && s.DTS < 3*second-aac })
	}, media.Audio, 2 * second, "missing"}
	all["sound goes on"] = mutation{func(r result) { r.of(media.Audio).silent(t, 6*second, 6*second+300*ms) }, media.Audio, 6 * second, "beyond"}
	recorded := recording(t)
	if err := compare.Encoded(recorded, encoded(t, recorded).open(t), nil, bothKinds...); err != nil {
		t.Fatal(err)
	}
	for name, test := range all {
		t.Run(name, func(t *testing.T) {
			made := encoded(t, recorded)
			if strings.HasPrefix(name, "the end of the sound") {
				made.of(media.Audio).samples = made.of(media.Audio).samples[:258]
			} else {
				test.change(made)
			}
			wantDifference(t, compare.Encoded(recorded, made.open(t), nil, bothKinds...), test.kind, test.at, test.text)
		})
	}
}

// TestEncoded_ExcusesWhatIsDamaged: in a damaged stretch, pictures and sound may be missing, and nowhere else.
func TestEncoded_ExcusesWhatIsDamaged(t *testing.T) {
	recorded := recording(t)
	lost := []compare.Range{{From: 2 * second, To: 3 * second}}
	cut := func(kind media.Kind, from, to int64) result {
		made := encoded(t, recorded)
		own := made.of(kind)
		own.samples = slices.DeleteFunc(own.samples, func(s mp4.OutSample) bool { return s.PTS >= from && s.PTS < to })
		return made
	}
	for _, kind := range bothKinds {
		if err := compare.Encoded(recorded, cut(kind, 2*second+pal, 3*second-pal).open(t), lost, bothKinds...); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		err := compare.Encoded(recorded, cut(kind, 4*second, 4*second+200*ms).open(t), lost, bothKinds...)
		wantDifference(t, err, kind, 4*second, "missing")
	}
	err := compare.Encoded(recorded, cut(media.Video, 2*second+pal, 3*second+200*ms).open(t), lost, bothKinds...)
	wantDifference(t, err, media.Video, 3*second, "missing")
}

// TestEncoded_DecodersLeaveOutThePreSkip: what an Opus decoder leaves out at the beginning is not missing, but what is behind it is.
func TestEncoded_DecodersLeaveOutThePreSkip(t *testing.T) {
	for late, fails := range map[int64]bool{0: false, 80 * ms: false, 100 * ms: false, 180 * ms: true} {
		recorded := recording(t)
		made := encoded(t, recorded)
		sound := made.of(media.Audio)
		sound.samples = slices.DeleteFunc(sound.samples, func(s mp4.OutSample) bool { return s.PTS < late })
		recorded.Audio.Params[0].PreSkip = 3840
		if err := compare.Encoded(recorded, made.open(t), nil, bothKinds...); (err != nil) != fails {
			t.Errorf("sound begins at %d ms: %v", late/ms, err)
		}
		recorded.Audio.Params[0].PreSkip = 0
		if err := compare.Encoded(recorded, made.open(t), nil, bothKinds...); (err != nil) != (late > 40*ms) {
			t.Errorf("nothing is left out, and sound begins at %d ms: %v", late/ms, err)
		}
	}
}

// TestCopied_AnyChangeIsADifference: one packet is left out, repeated, moved or resized, wherever it is.
func TestCopied_AnyChangeIsADifference(t *testing.T) {
	recorded := recording(t)
	rapid.Check(t, func(rt *rapid.T) {
		made := right(recorded)
		own := made.of(rapid.SampledFrom(bothKinds).Draw(rt, "kind"))
		number := rapid.IntRange(0, len(own.samples)-1).Draw(rt, "packet")
		switch rapid.IntRange(0, 3).Draw(rt, "change") {
		case 0:
			own.samples = slices.Delete(own.samples, number, number+1)
		case 1:
			own.samples = slices.Insert(own.samples, number, own.samples[number])
		case 2:
			own.samples[number].PTS += rapid.Int64Range(41*ms, second).Draw(rt, "by")
		case 3:
			own.samples[number].Size += rapid.IntRange(1, 100).Draw(rt, "bytes")
		}
		err := compare.Copied(recorded, made.open(rt), bothKinds...)
		if _, ok := errors.AsType[*compare.Difference](err); !ok {
			rt.Fatalf("%v, want a difference", err)
		}
	})
}

// TestEncoded_EndsWithTheEdits: what is behind the last edit is not shown, and a picture that begins where it ends need not be.
func TestEncoded_EndsWithTheEdits(t *testing.T) {
	recorded := recording(t)
	whole := encoded(t, recorded)
	last := whole.of(media.Video).samples[149].PTS
	recorded.Video.Edits = []media.Edit{{Duration: last}}
	recorded.Audio.Edits = []media.Edit{{Duration: 5*second + 850*ms}}
	for missing, fails := range map[int]bool{0: false, 1: false, 2: true} {
		made := encoded(t, recorded)
		made.of(media.Video).samples = whole.of(media.Video).samples[:150-missing]
		sound := made.of(media.Audio)
		sound.samples = slices.DeleteFunc(slices.Clone(sound.samples), func(s mp4.OutSample) bool { return s.PTS >= 5*second+840*ms })
		if err := compare.Encoded(recorded, made.open(t), nil, bothKinds...); (err != nil) != fails {
			t.Errorf("%d pictures are missing: %v", missing, err)
		}
	}
}
