// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package remux_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/testing/programs"
	"sparkrtc.dev/recording-operator/internal/worker/remux"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

// soundEntry is an mp4a box with an esds of this object type and decoder configuration.
func soundEntry(t *testing.T, objectType byte, config string) []byte {
	t.Helper()
	specific, err := hex.DecodeString(config)
	if err != nil {
		t.Fatal(err)
	}
	descriptor := func(tag byte, content ...byte) []byte { return append([]byte{tag, byte(len(content))}, content...) }
	decoder := append([]byte{objectType, 0x15, 0, 0, 0, 0, 0, 0xfa, 0, 0, 0, 0xfa, 0}, descriptor(5, specific...)...)
	stream := append(append([]byte{0, 1, 0}, descriptor(4, decoder...)...), descriptor(6, 2)...)
	esds := append([]byte("esds\x00\x00\x00\x00"), descriptor(3, stream...)...)
	entry := append([]byte("mp4a\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x10\x00\x00\x00\x00\xbb\x80\x00\x00"),
		append(binary.BigEndian.AppendUint32(nil, uint32(len(esds)+4)), esds...)...)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(entry)+4)), entry...)
}

// frames of AAC-LC: one second at a rate.
func frames(t *testing.T, rate, channels string) [][]byte {
	t.Helper()
	dir := t.TempDir()
	makeMedia(t, dir, "-f", "lavfi", "-i", "sine=duration=1:sample_rate="+rate, "-ac", channels, "-c:a", "aac", "sound.aac")
	data, err := os.ReadFile(filepath.Join(dir, "sound.aac"))
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for len(data) > 0 {
		frame, ok := codec.ParseADTS(data)
		if !ok {
			t.Fatal("no ADTS")
		}
		all = append(all, data[frame.Header:frame.Size])
		data = data[frame.Size:]
	}
	return all
}

// TestWrite_SilenceOfHEAAC: a frame of the core alone is silence with SBR and parametric stereo too, and as long as any
// other frame is. ffmpeg decodes it without a complaint.
func TestWrite_SilenceOfHEAAC(t *testing.T) {
	for name, test := range map[string]struct {
		config, channels string
		ps               bool
	}{
		"SBR, stereo":       {"2b118800", "2", false}, // 24 kHz, 48 kHz with SBR
		"SBR, mono":         {"2b098800", "1", false},
		"parametric stereo": {"eb098800", "1", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			source, result := filepath.Join(dir, "source.mp4"), filepath.Join(dir, "result.mp4")
			all := frames(t, "24000", test.channels)
			const length = 3840 // ticks of 1024 samples at 24 kHz
			const hole = 50     // frames
			out := mp4.OutTrack{Kind: media.Audio, Timescale: media.Clock, Entries: [][]byte{soundEntry(t, codec.ObjectAAC, test.config)},
				Samples: func(yield func(mp4.OutSample) bool) {
					for pass := range 2 {
						for i, frame := range all {
							at := int64(pass*(len(all)+hole)+i) * length
							if !yield(mp4.OutSample{DTS: at, PTS: at, Duration: length, Size: len(frame), Key: true}) {
								return
							}
						}
					}
				},
			}
			file, err := os.Create(source)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = mp4.Write(file, []mp4.OutTrack{out}, func(emit func(track int, sample []byte) error) error {
				for range 2 {
					for _, frame := range all {
						if err := emit(0, frame); err != nil {
							return err
						}
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
			input := read(t, nil, source)
			if params := input.Timeline.Audio.Params[0]; params.SampleRate != 24_000 || params.FrameSamples != 1024 || test.ps && params.Channels != 2 {
				t.Fatalf("%+v", params)
			}
			if got := remux.Unfilled(input.Timeline); len(got) > 0 {
				t.Errorf("not filled: %v", got)
			}
			write(t, result, input)
			wantMiddleSilent(t, result, (2*len(all)+hole)*2048, (len(all)+2)*2048, (len(all)+hole-2)*2048)
		})
	}
}

// wantMiddleSilent decodes a file with both ffmpegs: so many samples of stereo at 48 kHz, silent in the middle, and not
// elsewhere.
func wantMiddleSilent(t *testing.T, path string, samples, from, to int) {
	t.Helper()
	for _, program := range []string{programs.FFmpeg(t), programs.WorkerFFmpeg(t)} {
		var sound, complaints bytes.Buffer
		command := exec.CommandContext(t.Context(), program, "-v", "error", "-nostdin", "-i", path, "-map", "0:a", "-ac", "2", "-f", "wav", "-")
		command.Stdout, command.Stderr = &sound, &complaints
		if err := command.Run(); err != nil || complaints.Len() > 0 {
			t.Fatalf("%s: %v\n%s", program, err, &complaints)
		}
		data := sound.Bytes()
		data = data[bytes.Index(data, []byte("data"))+8:]
		if got := len(data) / 4; got < samples-4096 || got > samples+4096 {
			t.Errorf("%s: %d samples, want %d", program, got, samples)
		}
		if len(bytes.Trim(data[from*4:to*4], "\x00")) > 0 {
			t.Errorf("%s: the middle is not silent", program)
		}
		if len(bytes.Trim(data[4096*4:(from-4096)*4], "\x00")) == 0 {
			t.Errorf("%s: all is silent", program)
		}
	}
}

// TestUnfilled_SaysWhereNoSilenceCanBeWritten: a frame of AC-3 is not made here.
func TestUnfilled_SaysWhereNoSilenceCanBeWritten(t *testing.T) {
	dir := t.TempDir()
	makeMedia(t, dir, "-f", "lavfi", "-i", "sine=duration=2:sample_rate=48000", "-c:a", "ac3", "a.mp4")
	input := read(t, func(segments []timeline.Segment) {
		segments[1].Discontinuity, segments[0].Duration, segments[1].Duration = true, 5*second, 2*second
	}, filepath.Join(dir, "a.mp4"), filepath.Join(dir, "a.mp4"))
	movie := write(t, filepath.Join(dir, "result.mp4"), input)
	if len(movie.Tracks()) != 1 {
		t.Fatal("no sound")
	}
	got := remux.Unfilled(input.Timeline)
	if len(got) != 1 || distance(got[0].From, 2*second) > second/10 || distance(got[0].To, 5*second) > second/10 {
		t.Errorf("%v", got)
	}
}
