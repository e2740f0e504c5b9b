// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// box is one MP4 box.
func box(kind string, body ...[]byte) []byte {
	content := bytes.Join(body, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(content))), kind...), content...)
}

// long box has its length in 64 bits.
func longBox(kind string, body []byte) []byte {
	head := append(binary.BigEndian.AppendUint32(nil, 1), kind...)
	return append(binary.BigEndian.AppendUint64(head, uint64(16+len(body))), body...)
}

func mvhd0(timescale, duration uint32) []byte {
	body := make([]byte, 100)
	binary.BigEndian.PutUint32(body[12:], timescale)
	binary.BigEndian.PutUint32(body[16:], duration)
	return box("mvhd", body)
}

func mvhd1(timescale uint32, duration uint64) []byte {
	body := make([]byte, 112)
	body[0] = 1
	binary.BigEndian.PutUint32(body[20:], timescale)
	binary.BigEndian.PutUint64(body[24:], duration)
	return box("mvhd", body)
}

func trak(version byte, width, height uint16) []byte {
	body := make([]byte, map[byte]int{0: 84, 1: 96}[version])
	body[0] = version
	binary.BigEndian.PutUint16(body[len(body)-8:], width)
	binary.BigEndian.PutUint16(body[len(body)-4:], height)
	return box("trak", box("edts"), box("tkhd", body), box("mdia", make([]byte, 5000)))
}

func mehd(duration uint32) []byte {
	return box("mvex", box("mehd", binary.BigEndian.AppendUint32(make([]byte, 4), duration)), box("trex", make([]byte, 20)))
}

var ftyp = box("ftyp", []byte("isom0000"))

func ofBytes(data []byte) func(offset, length int64) ([]byte, error) {
	return func(offset, length int64) ([]byte, error) {
		return data[offset:min(offset+length, int64(len(data)))], nil
	}
}

func TestReadVideo(t *testing.T) {
	media := box("mdat", make([]byte, 200_000))
	tests := map[string]struct {
		file []byte
		want video
	}{
		"headers first":                    {bytes.Join([][]byte{ftyp, box("moov", mvhd0(1000, 65_400), trak(0, 1280, 720)), media}, nil), video{seconds: 65.4, width: 1280, height: 720}},
		"headers last":                     {bytes.Join([][]byte{ftyp, box("free"), media, box("moov", mvhd0(90_000, 90_000), trak(0, 0, 0))}, nil), video{seconds: 1}},
		"version 1":                        {bytes.Join([][]byte{ftyp, box("moov", mvhd1(10, 1<<33), trak(1, 640, 360))}, nil), video{seconds: float64(1<<33) / 10, width: 640, height: 360}},
		"64-bit lengths":                   {bytes.Join([][]byte{ftyp, longBox("mdat", make([]byte, 100_000)), longBox("moov", mvhd0(1, 2))}, nil), video{seconds: 2}},
		"the largest track":                {box("moov", mvhd0(1, 2), trak(0, 160, 90), trak(0, 1920, 1080), trak(0, 320, 180)), video{seconds: 2, width: 1920, height: 1080}},
		"to the end":                       {append(ftyp, append([]byte{0, 0, 0, 0}, box("moov", mvhd0(1, 2))[4:]...)...), video{seconds: 2}},
		"duration not known":               {box("moov", mvhd0(1000, math.MaxUint32)), video{}},
		"fragments":                        {bytes.Join([][]byte{ftyp, box("moov", mvhd0(1000, 0), trak(0, 640, 360), mehd(5000)), box("moof"), media}, nil), video{seconds: 5, width: 640, height: 360, fragmented: true}},
		"what comes after does not matter": {append(box("moov", mvhd0(1, 2)), 1, 2, 3), video{seconds: 2}},
	}
	for name, test := range tests {
		reads := 0
		read := func(offset, length int64) ([]byte, error) { reads++; return ofBytes(test.file)(offset, length) }
		if got, err := readVideo(int64(len(test.file)), read); got != test.want || err != nil {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, test.want)
		}
		if reads > 5 {
			t.Errorf("%s: %d reads", name, reads)
		}
	}
}

func TestReadVideoRefuses(t *testing.T) {
	many := bytes.Repeat(box("free", make([]byte, readChunk)), maxFilmReads+1)
	tests := map[string]struct {
		file  []byte
		words string
	}{
		"nothing":               {nil, "no moov"},
		"text":                  {[]byte("this is not a video at all"), "box"},
		"too short for a box":   {[]byte("moov"), "no box"},
		"no headers":            {append(ftyp, box("mdat", make([]byte, 100))...), "no moov"},
		"cut off":               {append(ftyp, 0, 0, 1, 0, 'm', 'd', 'a', 't'), "256 bytes where 8 are left"},
		"a length of nothing":   {append([]byte{0, 0, 0, 7}, "free"...), "7 bytes"},
		"64 bits of nothing":    {append([]byte{0, 0, 0, 1}, "free\x00\x00\x00\x00\x00\x00\x00\x0f"...), "15 bytes"},
		"64 bits, beyond all":   {append([]byte{0, 0, 0, 1}, "free\xff\xff\xff\xff\xff\xff\xff\xff"...), "where 16 are left"},
		"64 bits, cut off":      {append([]byte{0, 0, 0, 1}, "free\x00"...), "cut off"},
		"a child beyond all":    {box("moov", append([]byte{0, 0, 0, 99}, "mvhd"...)), `"mvhd" has 99 bytes`},
		"short mvhd":            {box("moov", box("mvhd", make([]byte, 10))), `"mvhd" is cut off`},
		"empty mvhd":            {box("moov", box("mvhd")), `"mvhd" is cut off`},
		"mvhd of the future":    {box("moov", box("mvhd", append([]byte{9}, make([]byte, 200)...))), "version 9"},
		"no mvhd":               {box("moov", trak(0, 1, 1)), "time scale"},
		"a time scale of 0":     {box("moov", mvhd0(0, 7)), "time scale"},
		"short tkhd":            {box("moov", mvhd0(1, 1), box("trak", box("tkhd", make([]byte, 50)))), `"tkhd" is cut off`},
		"headers too scattered": {append(many, box("moov", mvhd0(1, 1))...), "too far apart"},
	}
	for name, test := range tests {
		_, err := readVideo(int64(len(test.file)), ofBytes(test.file))
		if !errors.Is(err, errMalformed) || !strings.Contains(err.Error(), test.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
	segment := append(box("styp", []byte("msdh0000")), append(box("moof"), box("mdat")...)...)
	if _, err := readVideo(int64(len(segment)), ofBytes(segment)); !errors.Is(err, errFragment) {
		t.Errorf("a segment: %v", err)
	}
	gone := errors.New("gone")
	if _, err := readVideo(1000, func(int64, int64) ([]byte, error) { return nil, gone }); !errors.Is(err, gone) {
		t.Errorf("a read that fails: %v", err)
	}
	if _, err := readVideo(1000, ofBytes(ftyp)); !errors.Is(err, errMalformed) {
		t.Error("shorter than listed: no error")
	}
}

// What ffmpeg makes is understood as ffmpeg meant it.
func TestReadVideoOfFFmpeg(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		if os.Getenv("REQUIRE_MEDIA") == "1" {
			t.Fatal(err)
		}
		t.Skip("ffmpeg is not installed")
	}
	for flags, fragmented := range map[string]bool{"+faststart": false, "0": false, "+frag_keyframe+empty_moov": true} {
		path := filepath.Join(t.TempDir(), "video.mp4")
		command := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc=duration=6:size=160x90:rate=10",
			"-c:v", "libx264", "-preset", "ultrafast", "-movflags", flags, path)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg: %v\n%s", err, out)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := video{seconds: 6, width: 160, height: 90, fragmented: fragmented}
		if fragmented {
			want.seconds = 0 // ffmpeg does not say it up front
		}
		if got, err := readVideo(int64(len(data)), ofBytes(data)); got != want || err != nil {
			t.Errorf("%s: %+v, %v, want %+v", flags, got, err, want)
		}
	}
}

// Whatever the bytes are: an answer, soon, from within the file.
func FuzzReadVideo(f *testing.F) {
	f.Add(bytes.Join([][]byte{ftyp, box("mdat", make([]byte, 50)), box("moov", mvhd0(1000, 5000), trak(0, 640, 360), mehd(3))}, nil))
	f.Add(append(ftyp, longBox("moov", append(mvhd1(1, 2), trak(1, 1, 1)...))...))
	f.Add(append([]byte{0, 0, 0, 1}, "moov\x7f\xff\xff\xff\xff\xff\xff\xff"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		size, reads := int64(len(data)), 0
		got, err := readVideo(size, func(offset, length int64) ([]byte, error) {
			if reads++; offset < 0 || length <= 0 || length > readChunk || offset+length > size {
				t.Fatalf("read %d bytes from %d of %d", length, offset, size)
			}
			return ofBytes(data)(offset, length)
		})
		if reads > maxFilmReads {
			t.Fatalf("%d reads", reads)
		}
		if err != nil && !errors.Is(err, errMalformed) && !errors.Is(err, errFragment) {
			t.Fatalf("unknown error: %v", err)
		}
		if !(got.seconds >= 0) || math.IsInf(got.seconds, 0) || got.width < 0 || got.height < 0 {
			t.Fatalf("%+v", got)
		}
	})
}
