// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/testing/programs"
)

// memory is a file in memory.
type memory struct{ data []byte }

func (m *memory) WriteAt(data []byte, offset int64) (int, error) {
	if grown := int(offset) + len(data); grown > len(m.data) {
		m.data = append(m.data, make([]byte, grown-len(m.data))...)
	}
	return copy(m.data[offset:], data), nil
}

func (m *memory) open(t rapid.TB) *mp4.Movie {
	movie, err := mp4.Open(bytes.NewReader(m.data), int64(len(m.data)))
	if err != nil {
		t.Fatal(err)
	}
	return movie
}

// drawn is a track with its samples in memory.
type drawn struct {
	mp4.OutTrack
	samples []mp4.OutSample
	data    [][]byte
}

func drawTrack(t *rapid.T) drawn {
	d := drawn{}
	d.Kind = rapid.SampledFrom([]media.Kind{media.Video, media.Audio, media.Data}).Draw(t, "kind")
	d.Timescale = rapid.SampledFrom([]uint32{1000, 44100, 48000, 90000}).Draw(t, "timescale")
	d.Language = rapid.SampledFrom([]string{"", "und", "deu", "eng"}).Draw(t, "language")
	d.Disabled = rapid.Bool().Draw(t, "disabled")
	for range rapid.IntRange(1, 3).Draw(t, "entries") {
		entry := soundEntry("test")
		if d.Kind == media.Video {
			entry = make([]byte, 86)
			binary.BigEndian.PutUint32(entry, 86)
			copy(entry[4:], "test")
			binary.BigEndian.PutUint16(entry[32:], rapid.Uint16Range(1, 4096).Draw(t, "width"))
			binary.BigEndian.PutUint16(entry[34:], rapid.Uint16Range(1, 4096).Draw(t, "height"))
		}
		d.Entries = append(d.Entries, entry)
	}
	dts := rapid.Int64Range(-100_000, 100_000).Draw(t, "start")
	keys := rapid.Bool().Draw(t, "keys alone")
	for range rapid.IntRange(0, 8).Draw(t, "runs") {
		step := rapid.Int64Range(0, 100_000).Draw(t, "step")
		shift := rapid.Int64Range(-5000, 100_000).Draw(t, "shift")
		// Never as small as sound that is read in groups.
		size := rapid.SampledFrom([]int{0, 65, 100, 100, 1000, 1000, 300_000}).Draw(t, "size")
		entry := rapid.IntRange(0, len(d.Entries)-1).Draw(t, "entry")
		for range rapid.IntRange(1, 5).Draw(t, "repeated") {
			d.samples = append(d.samples, mp4.OutSample{
				DTS: dts, PTS: dts + shift, Duration: step, Size: size, Entry: entry, Key: keys || rapid.Bool().Draw(t, "key"),
			})
			data := bytes.Repeat([]byte{byte(len(d.samples))}, size)
			d.data = append(d.data, data)
			dts += step
		}
	}
	d.Samples = slices.Values(d.samples)
	return d
}

// write writes drawn tracks, in a drawn order.
func write(t *rapid.T, tracks []drawn) *memory {
	out := make([]mp4.OutTrack, len(tracks))
	for i := range tracks {
		out[i] = tracks[i].OutTrack
	}
	file := &memory{}
	size, err := mp4.Write(file, out, func(emit func(int, []byte) error) error {
		next := make([]int, len(tracks))
		for {
			var open []int
			for i := range tracks {
				if next[i] < len(tracks[i].data) {
					open = append(open, i)
				}
			}
			if len(open) == 0 {
				return nil
			}
			i := rapid.SampledFrom(open).Draw(t, "track")
			if err := emit(i, tracks[i].data[next[i]]); err != nil {
				return err
			}
			next[i]++
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if size != int64(len(file.data)) {
		t.Fatalf("%d bytes, said %d", len(file.data), size)
	}
	return file
}

func TestWrite_IsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tracks := rapid.SliceOfN(rapid.Custom(drawTrack), 1, 3).Draw(t, "tracks")
		movie := write(t, tracks).open(t)
		file, err := movie.Index()
		if err != nil {
			t.Fatal(err)
		}
		if len(file.Streams) != len(tracks) || len(file.Damage) > 0 {
			t.Fatalf("%d streams, damage %+v", len(file.Streams), file.Damage)
		}
		for i, track := range tracks {
			stream := file.Streams[i]
			if stream.Kind != track.Kind || stream.Default == track.Disabled || stream.ID != uint32(i+1) {
				t.Errorf("stream %d is %+v", i, stream)
			}
			checkSamples(t, movie.Tracks()[i], track)
			checkEdits(t, stream, track)
		}
		next := make([]int, len(tracks))
		err = movie.Samples(func(s media.Sample) error {
			if !bytes.Equal(s.Data, tracks[s.Stream].data[next[s.Stream]]) {
				t.Errorf("sample %d of stream %d has other bytes", next[s.Stream], s.Stream)
			}
			next[s.Stream]++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, track := range tracks {
			if next[i] != len(track.samples) {
				t.Errorf("%d samples of %d", next[i], len(track.samples))
			}
		}
	})
}

// checkSamples compares the times with those written, all moved by as much.
func checkSamples(t *rapid.T, track *mp4.Track, want drawn) {
	number := 0
	var moved, lift int64
	for s, err := range track.Samples() {
		if err != nil {
			t.Fatal(err)
		}
		w := want.samples[number]
		if number == 0 {
			moved, lift = s.DTS-w.DTS, s.PTS-w.PTS-(s.DTS-w.DTS)
		}
		duration := w.Duration
		if number+1 < len(want.samples) {
			duration = want.samples[number+1].DTS - w.DTS
		}
		got := mp4.OutSample{
			DTS: s.DTS - moved, PTS: s.PTS - moved - lift, Duration: duration, Size: s.Size, Key: s.Key, Entry: s.Description,
		}
		w.Duration = duration
		if got != w || s.Duration != duration || lift < 0 {
			t.Fatalf("sample %d is %+v, want %+v, lifted by %d", number, s, w, lift)
		}
		number++
	}
	if number != len(want.samples) {
		t.Fatalf("%d samples, want %d", number, len(want.samples))
	}
}

// checkEdits checks that every sample that is shown at or after 0 is shown at its PTS.
func checkEdits(t *rapid.T, stream media.Stream, want drawn) {
	shift := int64(0)
	for _, edit := range stream.Edits {
		if edit.Start >= 0 {
			shift -= edit.Start
			break
		}
		shift += edit.Duration
	}
	number := 0
	for p := range stream.Packets.All() {
		shown := want.samples[number].PTS * media.Clock / int64(want.Timescale)
		if difference := p.PTS + shift - shown; difference < -2 || difference > 2 {
			t.Fatalf("sample %d is shown at %d, want %d; edits %+v", number, p.PTS+shift, shown, stream.Edits)
		}
		number++
	}
}

func TestWrite_SameBytesEachTime(t *testing.T) {
	r := newRecording(2)
	var first, second memory
	for _, file := range []*memory{&first, &second} {
		if _, err := mp4.Write(file, r.tracks(), r.data); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.data, second.data) {
		t.Error("the files differ")
	}
}

func TestWrite_SamplesOtherThanPlannedAreRefused(t *testing.T) {
	sample := func(change func(*mp4.OutSample)) iter.Seq[mp4.OutSample] {
		s := mp4.OutSample{DTS: 10, PTS: 10, Duration: 10, Size: 100}
		change(&s)
		return slices.Values([]mp4.OutSample{{Duration: 10, Size: 100}, s})
	}
	good := sample(func(*mp4.OutSample) {})
	for name, test := range map[string]struct {
		samples iter.Seq[mp4.OutSample]
		sizes   []int
	}{
		"a sample is longer":  {good, []int{100, 101}},
		"a sample is shorter": {good, []int{99, 100}},
		"one too few":         {good, []int{100}},
		"one too many":        {good, []int{100, 100, 100}},
		"time goes back":      {sample(func(s *mp4.OutSample) { s.DTS = -1 }), []int{100, 100}},
		"no such entry":       {sample(func(s *mp4.OutSample) { s.Entry = 1 }), []int{100, 100}},
		"negative size":       {sample(func(s *mp4.OutSample) { s.Size = -1 }), nil},
		"negative duration":   {sample(func(s *mp4.OutSample) { s.Duration = -1 }), []int{100, 100}},
		"shown too late":      {sample(func(s *mp4.OutSample) { s.PTS = 1 << 40 }), []int{100, 100}},
		"lasts too long":      {sample(func(s *mp4.OutSample) { s.DTS, s.PTS = 1<<40, 1<<40 }), []int{100, 100}},
	} {
		t.Run(name, func(t *testing.T) {
			track := mp4.OutTrack{Kind: media.Audio, Timescale: 1000, Entries: [][]byte{soundEntry("test")}, Samples: test.samples}
			_, err := mp4.Write(&memory{}, []mp4.OutTrack{track}, func(emit func(int, []byte) error) error {
				for _, size := range test.sizes {
					if err := emit(0, make([]byte, size)); err != nil {
						return err
					}
				}
				return nil
			})
			if !errors.Is(err, mp4.ErrPlan) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestWrite_LargeFiles needs no disk: nothing is written but the header and zeros.
func TestWrite_LargeFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 4.8 GB of holes")
	}
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	const size, count = 60 << 20, 80
	track := mp4.OutTrack{Kind: media.Video, Timescale: 90000, Entries: [][]byte{avcEntry(0xff)}}
	track.Samples = uniform(count, mp4.OutSample{Duration: 1 << 31, Size: size}, 1)
	hole := holes{file}
	sample := make([]byte, size)
	end, err := mp4.Write(hole, []mp4.OutTrack{track}, func(emit func(int, []byte) error) error {
		for range count {
			if err := emit(0, sample); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Truncate(end); err != nil {
		t.Fatal(err)
	}
	movie, err := mp4.Open(file, end)
	if err != nil {
		t.Fatal(err)
	}
	samples, last := 0, mp4.Sample{}
	for s, err := range movie.Tracks()[0].Samples() {
		if err != nil || s.Size != size {
			t.Fatalf("sample %d has %d bytes: %v", samples, s.Size, err)
		}
		samples, last = samples+1, s
	}
	if samples != count || last.DTS != (count-1)<<31 {
		t.Errorf("%d samples, the last at %d", samples, last.DTS)
	}
	if offset := last.Offset; offset != end-size {
		t.Errorf("the last sample is at %d, want %d", offset, end-size)
	}
	command := exec.CommandContext(t.Context(), programs.FFprobe(t), "-v", "error", "-of", "csv=p=0",
		"-read_intervals", "%+#1", "-show_entries", "stream=nb_frames,duration_ts", file.Name())
	if out, err := command.Output(); err != nil || string(out) != fmt.Sprintf("%d,%d\n", count<<31, count) {
		t.Errorf("ffprobe finds %q: %v", out, err)
	}
}

// holes leaves out large writes.
type holes struct{ *os.File }

func (h holes) WriteAt(data []byte, offset int64) (int, error) {
	if len(data) > 1<<20 {
		return len(data), nil
	}
	return h.File.WriteAt(data, offset)
}

func TestSamples_ShortLengthsAreWidened(t *testing.T) {
	for _, length := range []int{1, 2, 3} {
		unit := func(sample []byte, width int, payload string) []byte {
			sample = append(sample, make([]byte, width)...)
			sample[len(sample)-1] = byte(len(payload))
			return append(sample, payload...)
		}
		short := unit(unit(nil, length, "\x09one"), length, "\x65three")
		wide := unit(unit(nil, 4, "\x09one"), 4, "\x65three")
		track := mp4.OutTrack{
			Kind: media.Video, Timescale: 1000, Entries: [][]byte{avcEntry(0xfc | byte(length-1))},
			Samples: slices.Values([]mp4.OutSample{{Size: len(short), Duration: 40, Key: true}}),
		}
		out := &memory{}
		if _, err := mp4.Write(out, []mp4.OutTrack{track}, func(emit func(int, []byte) error) error { return emit(0, short) }); err != nil {
			t.Fatal(err)
		}
		movie, err := mp4.Open(bytes.NewReader(out.data), int64(len(out.data)))
		if err != nil {
			t.Fatal(err)
		}
		file := index(t, movie)
		if file.Streams[0].Packets.First.Size != len(wide) || len(file.Damage) > 0 {
			t.Errorf("%d bytes of lengths: %+v", length, file)
		}
		if !bytes.Equal(file.Streams[0].Params[0].Entry, avcEntry(0xff)) {
			t.Errorf("%d bytes of lengths: the entry is %x", length, file.Streams[0].Params[0].Entry)
		}
		err = movie.Samples(func(s media.Sample) error {
			if !bytes.Equal(s.Data, wide) || s.Size != len(wide) {
				t.Errorf("%d bytes of lengths: the sample is %x, want %x", length, s.Data, wide)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
