// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
)

func readFile(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func openBytes(tb testing.TB, data []byte) *mp4.Movie {
	tb.Helper()
	movie, err := mp4.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		tb.Fatal(err)
	}
	return movie
}

// box builds a box.
func box(kind string, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	out := binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))
	return append(append(out, kind...), body...)
}

// words are numbers of 32 bits.
func words(values ...uint32) []byte {
	var out []byte
	for _, value := range values {
		out = binary.BigEndian.AppendUint32(out, value)
	}
	return out
}

// patch replaces the only occurrence of old.
func patch(tb testing.TB, data, old, replacement []byte) []byte {
	tb.Helper()
	if bytes.Count(data, old) != 1 {
		tb.Fatalf("%q occurs %d times", old, bytes.Count(data, old))
	}
	return bytes.Replace(data, old, replacement, 1)
}

// kinds are the kinds of damage, with how often each counts.
func kinds(file media.File) map[media.DamageKind]int {
	found := map[media.DamageKind]int{}
	for _, d := range file.Damage {
		found[d.Kind] += d.Count
	}
	return found
}

func TestIndex_CutFileLacksSamples(t *testing.T) {
	for _, name := range []string{"faststart.mp4", "base_moof.mp4", "empty_moov.mp4"} {
		data := readFile(t, makeMedia(t, name, shapes[name]...))
		whole := index(t, openBytes(t, data))
		cut := index(t, openBytes(t, data[:len(data)*3/5]))
		for i, stream := range cut.Streams {
			got, want := slices.Collect(stream.Packets.All()), slices.Collect(whole.Streams[i].Packets.All())
			if len(got) == 0 || len(got) >= len(want) || !slices.Equal(got, want[:len(got)]) {
				t.Errorf("%s: stream %d: %d packets of %d", name, i, len(got), len(want))
			}
		}
		found, truncated := kinds(cut), 1
		if cut.Container == media.MP4 {
			truncated = 0 // the samples that are missing say it
		}
		if found[media.BoxTruncated] != truncated || found[media.NALInvalid] != 0 {
			t.Errorf("%s: %+v", name, cut.Damage)
		}
		if missing := whole.Streams[0].Packets.Count + whole.Streams[1].Packets.Count -
			cut.Streams[0].Packets.Count - cut.Streams[1].Packets.Count; name == "faststart.mp4" && found[media.SampleMissing] != missing {
			t.Errorf("%s: %d samples missing, want %d", name, found[media.SampleMissing], missing)
		}
	}
}

// TestIndex_BoxThatClaimsTooMuchLosesNothing: the tables name every sample, and all of them are there. Behind the last
// fragment of a file, others may have been.
func TestIndex_BoxThatClaimsTooMuchLosesNothing(t *testing.T) {
	for name, lost := range map[string]int{"faststart.mp4": 0, "base_moof.mp4": 1} {
		data := readFile(t, makeMedia(t, name, shapes[name]...))
		data = data[:len(data)-trailer(data)]
		whole := index(t, openBytes(t, data))
		size := data[bytes.LastIndex(data, []byte("mdat"))-4:]
		binary.BigEndian.PutUint32(size, binary.BigEndian.Uint32(size)+1000)
		claims := index(t, openBytes(t, data))
		for i, stream := range claims.Streams {
			if stream.Packets.Count != whole.Streams[i].Packets.Count {
				t.Errorf("%s: %d packets of %d", name, stream.Packets.Count, whole.Streams[i].Packets.Count)
			}
		}
		if found := kinds(claims); found[media.BoxTruncated] != lost || len(found) != lost {
			t.Errorf("%s: %+v", name, claims.Damage)
		}
	}
}

// trailer is how many bytes the random access box at the end of a file takes.
func trailer(data []byte) int {
	if at := bytes.LastIndex(data, []byte("mfra")); at > 0 {
		return len(data) - at + 4
	}
	return 0
}

func TestTrackSamples_MissingSamplesAreAnError(t *testing.T) {
	data := readFile(t, makeMedia(t, "faststart.mp4", shapes["faststart.mp4"]...))
	for _, track := range openBytes(t, data[:len(data)*3/5]).Tracks() {
		var last error
		for _, err := range track.Samples() {
			last = err
		}
		if !errors.Is(last, mp4.ErrSampleMissing) {
			t.Errorf("track %d ends with %v", track.ID, last)
		}
	}
}

func TestIndex_ZeroedSamplesAreNoUnits(t *testing.T) {
	data := readFile(t, makeMedia(t, "faststart.mp4", shapes["faststart.mp4"]...))
	movie := openBytes(t, data)
	zeroed, from := slices.Clone(data), len(data)*2/3
	clear(zeroed[from:])
	want, first := 0, -1
	number := 0
	for s, err := range movie.Tracks()[0].Samples() {
		if err != nil {
			t.Fatal(err)
		}
		if s.Offset >= int64(from) {
			want++
			if first < 0 {
				first = number
			}
		}
		number++
	}
	file := index(t, openBytes(t, zeroed))
	// The sample at the edge may be one more.
	if found := kinds(file)[media.NALInvalid]; want == 0 || found < want || found > want+1 {
		t.Errorf("%d samples are damaged, want %d", found, want)
	}
	if d := file.Damage[len(file.Damage)-1]; d.Stream != 0 || d.Packet < first-1 || d.Offset < int64(from)-100_000 {
		t.Errorf("the damage is %+v", d)
	}
}

func TestOpen_TypedErrors(t *testing.T) {
	data := readFile(t, makeMedia(t, "faststart.mp4", shapes["faststart.mp4"]...))
	fragmented := readFile(t, makeMedia(t, "base_moof.mp4", shapes["base_moof.mp4"]...))
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":          {nil, mp4.ErrNoMovie},
		"text":             {[]byte("#EXTM3U\n#EXT-X-VERSION:3\n"), mp4.ErrNotMP4},
		"MPEG-TS":          {bytes.Repeat([]byte("G\x40\x00\x10aaaa"), 100), mp4.ErrNotMP4},
		"zeros":            {make([]byte, 1000), mp4.ErrNotMP4},
		"a head alone":     {data[:32], mp4.ErrNoMovie},
		"a cut movie box":  {data[:500], mp4.ErrNoMovie},
		"fragments alone":  {fragmented[bytes.Index(fragmented, []byte("moof"))-4:], mp4.ErrNoMovie},
		"an empty movie":   {box("moov", box("mvhd", words(0))), mp4.ErrNoMovie},
		"a short stz2":     {box("moov", box("trak", box("mdia", box("minf", box("stbl", box("stz2", words(0, 3, 0))))))), mp4.ErrNoMovie},
		"a huge stsd":      {box("moov", box("trak", box("mdia", box("minf", box("stbl", box("stsd", make([]byte, 2<<20))))))), mp4.ErrLimit},
		"a wide movie box": {slices.Concat(words(1), []byte("moov"), words(1<<31, 0)), mp4.ErrNoMovie},
	} {
		if _, err := mp4.Open(bytes.NewReader(test.data), int64(len(test.data))); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
	init := openBytes(t, fragmented)
	if _, err := mp4.OpenSegment(init, bytes.NewReader(data), int64(len(data))); !errors.Is(err, mp4.ErrNoMovie) {
		t.Errorf("a segment without fragments: %v", err)
	}
	if _, err := mp4.OpenSegment(init, bytes.NewReader([]byte("#EXTM3U\n#EXT")), 12); !errors.Is(err, mp4.ErrNotMP4) {
		t.Errorf("a segment of text: %v", err)
	}
	if _, err := mp4.Open(bytes.NewReader(data[:600]), int64(len(data))); err == nil {
		t.Error("a file that is shorter than said opens")
	}
}

// failing fails at one of its reads.
type failing struct {
	*bytes.Reader
	left int
}

var errBroken = errors.New("broken")

func (f *failing) ReadAt(data []byte, offset int64) (int, error) {
	f.left--
	if f.left < 0 {
		return 0, errBroken
	}
	return f.Reader.ReadAt(data, offset)
}

func TestMovie_ErrorsOfReadingAreReturned(t *testing.T) {
	for _, data := range seeds(t) {
		for reads := 0; ; reads++ {
			r := &failing{Reader: bytes.NewReader(data), left: reads}
			movie, err := mp4.Open(r, int64(len(data)))
			if err == nil {
				_, err = movie.Index()
			}
			if err == nil {
				err = movie.Samples(func(media.Sample) error { return nil })
			}
			if err == nil {
				for _, track := range movie.Tracks() {
					for _, failed := range track.Samples() {
						if errors.Is(failed, errBroken) {
							err = failed
						}
					}
				}
			}
			if err == nil && r.left >= 0 {
				break
			}
			if !errors.Is(err, errBroken) {
				t.Fatalf("the read %d fails, and the error is %v", reads, err)
			}
		}
	}
}

func TestIndex_EncryptedSamplesHaveNoEntry(t *testing.T) {
	data := readFile(t, makeMedia(t, "faststart.mp4", shapes["faststart.mp4"]...))
	file := index(t, openBytes(t, patch(t, data, []byte("avc1\x00"), []byte("encv\x00"))))
	stream := file.Streams[0]
	if stream.Codec != "encrypted" || len(stream.Params[0].Entry) > 0 || stream.Packets.Count != 50 {
		t.Errorf("%s, %d packets, %+v", stream.Codec, stream.Packets.Count, stream.Params)
	}
}

func TestIndex_DisabledTracksAndCoversAreNoDefault(t *testing.T) {
	movie := openBytes(t, readFile(t, makeMedia(t, "whole.mp4", shapes["whole.mp4"]...)))
	tracks := outTracks(t, movie, index(t, movie))
	tracks[1].Disabled = true
	cover := make([]byte, 86)
	binary.BigEndian.PutUint32(cover, 86)
	copy(cover[4:], "jpeg")
	tracks = append(tracks, mp4.OutTrack{
		Kind: media.Video, Timescale: 1000, Entries: [][]byte{cover}, Samples: slices.Values([]mp4.OutSample{{Size: 3, Key: true}}),
	})
	out := &memory{}
	if _, err := mp4.Write(out, tracks, func(emit func(int, []byte) error) error {
		if err := emit(2, []byte("abc")); err != nil {
			return err
		}
		return movie.Samples(func(s media.Sample) error { return emit(s.Stream, s.Data) })
	}); err != nil {
		t.Fatal(err)
	}
	var got []bool
	for _, stream := range index(t, openBytes(t, out.data)).Streams {
		got = append(got, stream.Default)
	}
	if want := []bool{true, false, false}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// bomb is a file of one track whose tables claim much more than the file has.
func bomb(tables ...[]byte) []byte {
	header := func(timescale uint32) []byte { return words(0, 0, 0, timescale, 0, 0x55c40000) }
	track := box("trak",
		box("tkhd", words(3, 0, 0, 1), make([]byte, 68)),
		box("mdia", box("mdhd", header(48000)), box("hdlr", words(0, 0), []byte("soun"), words(0, 0, 0)),
			box("minf", box("stbl", append([][]byte{box("stsd", words(0, 1), soundEntry("sowt"))}, tables...)...))))
	return slices.Concat(box("ftyp", []byte("isom"), words(0)), box("moov", box("mvhd", header(1000), make([]byte, 76)), track),
		box("mdat", make([]byte, 1<<20)))
}

func TestIndex_TrackThatDescribesNoSampleKeepsItsPackets(t *testing.T) {
	data := bomb(box("stts", words(0, 1, 2, 1)), box("stsc", words(0, 1, 1, 2, 1)), box("stsz", words(0, 4, 2)),
		box("stco", words(0, 1, 500)))
	file := index(t, openBytes(t, bytes.Replace(data, []byte("stsd"), []byte("free"), 1)))
	if len(file.Streams) != 1 {
		t.Fatalf("%d streams", len(file.Streams))
	}
	if s := file.Streams[0]; s.Packets.Count != 2 || len(s.Params) != 0 || s.Codec != "" {
		t.Errorf("%d packets of %q with the parameters %v", s.Packets.Count, s.Codec, s.Params)
	}
}

func TestIndex_TablesThatClaimMoreThanTheFileAreBounded(t *testing.T) {
	const most = 1<<32 - 1
	times, chunk := box("stts", words(0, 1, most, 1)), box("stco", words(0, 1, 500))
	for name, data := range map[string][]byte{
		"one size":          bomb(times, box("stsc", words(0, 1, 1, most, 1)), chunk, box("stsz", words(0, 70, most))),
		"one size, grouped": bomb(times, box("stsc", words(0, 1, 1, most, 1)), chunk, box("stsz", words(0, 1, most))),
		"no table of sizes": bomb(times, box("stsc", words(0, 1, 1, most, 1)), chunk, box("stsz", words(0, 0, most))),
		"samples over samples": bomb(times, box("stsc", words(0, 1, 1, 1, 1)), box("stsz", words(0, 1<<19, most)),
			box("stco", words(0, 100_000), bytes.Repeat(words(500), 100_000))),
		"no chunks": bomb(times, box("stsz", words(0, 70, most))),
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			file := index(t, openBytes(t, data))
			runtime.ReadMemStats(&after)
			if spent := time.Since(begin); spent > time.Minute {
				t.Errorf("took %s", spent)
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 16<<20 {
				t.Errorf("allocated %d bytes", allocated)
			}
			packets := file.Streams[0].Packets
			if packets.Bytes > int64(len(data)) || packets.Count > len(data) {
				t.Errorf("%d packets of %d bytes in a file of %d", packets.Count, packets.Bytes, len(data))
			}
			if missing := kinds(file)[media.SampleMissing]; missing < 1<<31 {
				t.Errorf("%d samples are missing: %+v", missing, file.Damage)
			}
		})
	}
}

func TestIndex_RunsOfFragmentsThatClaimMoreThanTheFileAreBounded(t *testing.T) {
	fragment := func(size uint32, runs int) []byte {
		head := box("tfhd", words(0x020010, 1, size))
		run := box("trun", words(0, 1<<32-1))
		return box("moof", box("mfhd", words(0, 1)), box("traf", head, bytes.Repeat(run, runs)))
	}
	base := bomb()
	for name, data := range map[string][]byte{
		"empty samples": slices.Concat(base, bytes.Repeat(fragment(0, 50), 1000)),
		"large samples": slices.Concat(base, fragment(1000, 100)),
		"PCM":           slices.Concat(base, fragment(4, 10_000)),
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			file := index(t, openBytes(t, data))
			if spent := time.Since(begin); spent > time.Minute {
				t.Errorf("took %s", spent)
			}
			packets := file.Streams[0].Packets
			if packets.Bytes > int64(len(data)) || packets.Count > len(data) || kinds(file)[media.SampleMissing] == 0 {
				t.Errorf("%d packets of %d bytes, damage %+v", packets.Count, packets.Bytes, file.Damage)
			}
		})
	}
}

// counter counts what is written.
type counter struct{ end int64 }

func (c *counter) WriteAt(data []byte, offset int64) (int, error) {
	c.end = max(c.end, offset+int64(len(data)))
	return len(data), nil
}

func TestWrite_MemoryDoesNotGrowWithTheRecording(t *testing.T) {
	allocated := func(seconds int64) uint64 {
		r := newRecording(seconds)
		r.picture, r.sound = r.picture[:100], r.sound[:100]
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := mp4.Write(&counter{}, r.tracks(), r.data); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	if short, long := allocated(600), allocated(3600); long > short+16<<10 {
		t.Errorf("ten minutes take %d bytes, an hour %d", short, long)
	}
}

func TestTrackSamples_MemoryDoesNotGrowWithTheRecording(t *testing.T) {
	allocated := func(seconds int64) uint64 {
		r := newRecording(seconds)
		file, size := openFile(t, writeRecording(t, r))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		movie, err := mp4.Open(file, size)
		if err != nil {
			t.Fatal(err)
		}
		count := int64(0)
		for _, track := range movie.Tracks() {
			for _, err := range track.Samples() {
				if err != nil {
					t.Fatal(err)
				}
				count++
			}
		}
		runtime.ReadMemStats(&after)
		if count != r.pictures+r.sounds {
			t.Errorf("%d samples, want %d", count, r.pictures+r.sounds)
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	if short, long := allocated(2), allocated(300); long > short+16<<10 {
		t.Errorf("two seconds take %d bytes, five minutes %d", short, long)
	}
}
