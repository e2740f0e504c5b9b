// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package index_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/testing/programs"
	"sparkrtc.dev/recording-operator/internal/worker/index"
)

// makeMedia runs ffmpeg in a folder. Without it the test is skipped, unless REQUIRE_MEDIA is 1.
func makeMedia(t *testing.T, dir string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), programs.FFmpeg(t), append([]string{"-v", "error", "-nostdin", "-y"}, args...)...)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
}

var (
	picture = []string{"-f", "lavfi", "-i", "testsrc=duration=2:rate=10:size=64x36", "-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p"}
	sound   = []string{"-f", "lavfi", "-i", "sine=duration=2"}
)

func write(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestRead_TellsTheContainerByTheBytes, whatever the name. Samples hands out what the index has.
func TestRead_TellsTheContainerByTheBytes(t *testing.T) {
	tests := map[string]struct {
		args      []string
		name      string
		container media.Container
		codec     media.Codec
		packets   int
	}{
		"transport stream": {picture, "a.ts", media.MPEGTS, media.H264, 20},
		"MP4":              {picture, "a.mp4", media.MP4, media.H264, 20},
		"QuickTime":        {picture, "a.mov", media.MP4, media.H264, 20},
		"fragmented MP4":   {append(slices.Clone(picture), "-movflags", "frag_keyframe+empty_moov"), "a.mp4", media.FragmentMP4, media.H264, 20},
		"ADTS":             {append(slices.Clone(sound), "-c:a", "aac"), "a.aac", media.PackedAudio, media.AAC, 88},
		"MP3":              {append(slices.Clone(sound), "-c:a", "libmp3lame", "-id3v2_version", "0", "-write_xing", "0"), "a.mp3", media.PackedAudio, media.MP3, 78},
		"MP3 with a tag":   {append(slices.Clone(sound), "-c:a", "libmp3lame"), "a.mp3", media.PackedAudio, media.MP3, 78},
		"AC-3":             {append(slices.Clone(sound), "-c:a", "ac3"), "a.ac3", media.PackedAudio, media.AC3, 58},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			makeMedia(t, dir, append(test.args, test.name)...)
			path := write(t, readFile(t, filepath.Join(dir, test.name)))
			file, err := index.Read(index.Source{Path: path})
			if err != nil {
				t.Fatal(err)
			}
			if file.Container != test.container || len(file.Streams) != 1 || file.Streams[0].Codec != test.codec || len(file.Damage) > 0 {
				t.Fatalf("%s, %+v, %+v", file.Container, file.Streams, file.Damage)
			}
			count := file.Streams[0].Packets.Count
			if count < test.packets || count > test.packets+2 || file.Bytes != int64(len(readFile(t, path))) {
				t.Errorf("%d packets, %d bytes", count, file.Bytes)
			}
			if file.Container == media.MPEGTS || file.Container == media.PackedAudio {
				if file.SHA256 != sha256.Sum256(readFile(t, path)) {
					t.Error("the digest is another one")
				}
			}
			var samples []media.Packet
			err = index.Samples(index.Source{Path: path}, func(s media.Sample) error {
				if len(s.Data) != s.Size {
					t.Errorf("%d bytes, want %d", len(s.Data), s.Size)
				}
				samples = append(samples, s.Packet)
				return nil
			})
			if err != nil || !slices.Equal(samples, slices.Collect(file.Streams[0].Packets.All())) {
				t.Errorf("%d samples differ from the index's %d packets: %v", len(samples), count, err)
			}
			enough := errors.New("enough")
			if err := index.Samples(index.Source{Path: path}, func(media.Sample) error { return enough }); !errors.Is(err, enough) {
				t.Errorf("an error of yield ends in %v", err)
			}
		})
	}
}

// TestRead_ZerosInFront: in front of sound they are padding; in front of a transport stream they are damage.
func TestRead_ZerosInFront(t *testing.T) {
	for name, test := range map[string]struct {
		args      []string
		name      string
		container media.Container
		damage    media.DamageKind
		zeros     []int
	}{
		"MP3":              {append(slices.Clone(sound), "-c:a", "libmp3lame", "-id3v2_version", "0"), "a.mp3", media.PackedAudio, media.Padding, []int{1, 188, 100_000}},
		"MP3 with a tag":   {append(slices.Clone(sound), "-c:a", "libmp3lame"), "a.mp3", media.PackedAudio, media.Padding, []int{10, 5000}},
		"transport stream": {picture, "a.ts", media.MPEGTS, media.SyncLost, []int{1, 188, 5000}},
	} {
		dir := t.TempDir()
		makeMedia(t, dir, append(test.args, test.name)...)
		whole := readFile(t, filepath.Join(dir, test.name))
		before, err := index.Read(index.Source{Path: write(t, whole)})
		if err != nil {
			t.Fatal(err)
		}
		for _, zeros := range test.zeros {
			file, err := index.Read(index.Source{Path: write(t, slices.Concat(make([]byte, zeros), whole))})
			if err != nil {
				t.Errorf("%s behind %d zeros: %v", name, zeros, err)
				continue
			}
			if got, want := file.Streams[0].Packets.Count, before.Streams[0].Packets.Count; file.Container != test.container || got != want ||
				len(file.Damage) != 1 || file.Damage[0].Kind != test.damage {
				t.Errorf("%s behind %d zeros: %s, %d packets of %d, damage %+v", name, zeros, file.Container, got, want, file.Damage)
			}
		}
	}
}

func TestRead_RefusesWhatIsNoMedia(t *testing.T) {
	for name, data := range map[string]string{
		"empty": "", "a byte": "\x47", "text": "hello, world", "a page": "<!doctype html><html></html>", "zeros": string(make([]byte, 1000)),
		"a tag alone": "ID3\x04\x00\x00\x00\x00\x00\x0aabcdefghij", "a picture": "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "a sync word alone": "\xff\xf1",
		"a tag before a playlist": "ID3\x04\x00\x00\x00\x00\x00\x0aabcdefghij#EXTM3U\nfile:///etc/passwd\n",
		"noise":                   string(bytes.Repeat([]byte("noise"), 1000)),
	} {
		path := write(t, []byte(data))
		if _, err := index.Read(index.Source{Path: path}); !errors.Is(err, index.ErrNotMedia) || errors.Is(err, index.ErrPlaylist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRead_RefusesPlaylistsInDisguise: ffmpeg would open what they name.
func TestRead_RefusesPlaylistsInDisguise(t *testing.T) {
	for name, data := range map[string]string{
		"plain": "#EXTM3U\nfile:///etc/passwd\n", "byte-order mark": "\ufeff#EXTM3U\n", "lines before": "\r\n \t\n#EXTM3U\n",
		"mark and lines": "\ufeff\n\n#EXTM3U\n", "another tag first": "#EXT-X-VERSION:3\n#EXTM3U\n",
	} {
		path := write(t, []byte(data))
		if _, err := index.Read(index.Source{Path: path}); !errors.Is(err, index.ErrPlaylist) || !errors.Is(err, index.ErrNotMedia) {
			t.Errorf("%s: %v", name, err)
		}
		if err := index.Samples(index.Source{Path: path}, func(media.Sample) error { return nil }); !errors.Is(err, index.ErrPlaylist) {
			t.Errorf("%s: samples: %v", name, err)
		}
	}
}

func TestRead_Ranges(t *testing.T) {
	dir := t.TempDir()
	makeMedia(t, dir, append(slices.Clone(picture), "-f", "segment", "-segment_time", "1", "seg%d.ts")...)
	a, b := readFile(t, filepath.Join(dir, "seg0.ts")), readFile(t, filepath.Join(dir, "seg1.ts"))
	path := write(t, append(slices.Clone(a), b...))
	alone, err := index.Read(index.Source{Path: filepath.Join(dir, "seg1.ts")})
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []index.Source{
		{Path: path, Offset: int64(len(a)), Length: int64(len(b))}, {Path: path, Offset: int64(len(a))},
	} {
		if part, err := index.Read(source); err != nil || !reflect.DeepEqual(part, alone) {
			t.Errorf("%+v: %v", source, err)
		}
	}
	whole := int64(len(a) + len(b))
	for _, source := range []index.Source{
		{Path: path, Offset: whole, Length: 1}, {Path: path, Offset: whole - 1, Length: 2}, {Path: path, Length: whole + 1}, {Path: path, Offset: whole + 1},
		{Path: path, Offset: -1, Length: 5}, {Path: path, Offset: 5, Length: -1}, {Path: path, Offset: 1<<63 - 1, Length: 1<<63 - 1},
	} {
		if _, err := index.Read(source); !errors.Is(err, index.ErrRange) {
			t.Errorf("%+v: %v", source, err)
		}
	}
	if _, err := index.Read(index.Source{Path: filepath.Join(dir, "missing")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestRead_FragmentsWithTheirInitializationSection(t *testing.T) {
	dir := t.TempDir()
	makeMedia(t, dir, append(slices.Clone(picture), "-hls_segment_type", "fmp4", "-hls_time", "1", "-hls_segment_filename", "seg%d.m4s", "index.m3u8")...)
	first, second := filepath.Join(dir, "init.mp4"), filepath.Join(dir, "seg1.m4s")
	file, err := index.Read(index.Source{Path: second, Init: &index.Source{Path: first}})
	if err != nil {
		t.Fatal(err)
	}
	if file.Container != media.FragmentMP4 || file.Streams[0].Packets.Count != 10 || file.SHA256 != sha256.Sum256(readFile(t, second)) {
		t.Errorf("%s, %d packets", file.Container, file.Streams[0].Packets.Count)
	}
	if _, err := index.Read(index.Source{Path: second}); !errors.Is(err, index.ErrNotMedia) {
		t.Errorf("without its initialization section: %v", err)
	}
	if _, err := index.Read(index.Source{Path: second, Init: &index.Source{Path: write(t, []byte("no media"))}}); !errors.Is(err, index.ErrNotMedia) {
		t.Errorf("with another file: %v", err)
	}
	if _, err := index.Read(index.Source{Path: second, Init: &index.Source{Path: first, Length: 1 << 40}}); !errors.Is(err, index.ErrRange) {
		t.Errorf("with a range beyond the end: %v", err)
	}
}

// TestRead_JoinedSegments read as the file that was cut, wherever it was.
func TestRead_JoinedSegments(t *testing.T) {
	dir := t.TempDir()
	makeMedia(t, dir, append(slices.Clone(picture), "a.ts")...)
	whole := filepath.Join(dir, "a.ts")
	data := readFile(t, whole)
	want, err := index.Read(index.Source{Path: whole})
	if err != nil {
		t.Fatal(err)
	}
	source := index.Source{Path: write(t, data[:1000])}
	for at := 1000; at < len(data); at += 3000 {
		source.More = append(source.More, index.Source{Path: write(t, data[at:min(at+3000, len(data))])})
	}
	have, err := index.Read(source)
	if err != nil || !reflect.DeepEqual(have.Streams, want.Streams) || len(have.Damage) > 0 || have.SHA256 != want.SHA256 {
		t.Errorf("%v, %+v", err, have)
	}
	count := 0
	if err := index.Samples(source, func(media.Sample) error { count++; return nil }); err != nil || count != want.Streams[0].Packets.Count {
		t.Errorf("%d samples: %v", count, err)
	}
	source.More[1].Path += "-missing"
	if _, err := index.Read(source); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("one is missing: %v", err)
	}
}

func TestSaveAndLoad(t *testing.T) {
	dir := t.TempDir()
	makeMedia(t, dir, append(slices.Clone(picture), "a.ts")...)
	file, err := index.Read(index.Source{Path: filepath.Join(dir, "a.ts")})
	if err != nil {
		t.Fatal(err)
	}
	damaged := &media.File{Damage: []media.Damage{{Kind: media.SyncLost, Stream: -1, Count: 3}}, Ignored: []string{"x"}}
	path := filepath.Join(dir, "index")
	for _, files := range [][]*media.File{nil, {nil}, {file, nil, damaged, file, nil}} {
		if err := index.Save(path, files); err != nil {
			t.Fatal(err)
		}
		loaded, err := index.Load(path)
		if err != nil || len(loaded) != len(files) {
			t.Fatalf("%d of %d: %v", len(loaded), len(files), err)
		}
		for i := range files {
			if (files[i] == nil) != (loaded[i] == nil) {
				t.Fatalf("file %d is there or not", i)
			}
			if files[i] == nil {
				continue
			}
			if loaded[i].SHA256 != files[i].SHA256 || !reflect.DeepEqual(loaded[i].Damage, files[i].Damage) || len(loaded[i].Streams) != len(files[i].Streams) {
				t.Errorf("file %d is another one", i)
			}
			for s := range files[i].Streams {
				want, have := &files[i].Streams[s], &loaded[i].Streams[s]
				if !slices.Equal(slices.Collect(want.Packets.All()), slices.Collect(have.Packets.All())) || !reflect.DeepEqual(want.Params, have.Params) || want.Counters != have.Counters {
					t.Errorf("stream %d of file %d is another one", s, i)
				}
			}
		}
	}
	data := readFile(t, path)
	for _, cut := range []int{0, 1, len(data) / 2, len(data) - 1} {
		if err := os.WriteFile(path, data[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := index.Load(path); err == nil {
			t.Errorf("%d of %d bytes are loaded", cut, len(data))
		}
	}
	if err := index.Save(filepath.Join(dir, "missing", "index"), nil); err == nil {
		t.Error("saved into no folder")
	}
	if _, err := index.Load(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
