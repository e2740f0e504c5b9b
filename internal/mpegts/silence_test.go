// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/testing/programs"
)

// decode gives the sound of a file as ffmpeg decodes it, in 16 bits, and fails when ffmpeg complains.
func decode(t *testing.T, data []byte, name string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, complaints bytes.Buffer
	command := exec.CommandContext(t.Context(), programs.FFmpeg(t), "-v", "error", "-nostdin", "-i", path, "-f", "s16le", "-")
	command.Stdout, command.Stderr = &out, &complaints
	if err := command.Run(); err != nil || complaints.Len() > 0 {
		t.Fatalf("ffmpeg: %v\n%s", err, &complaints)
	}
	return out.Bytes()
}

// wantSilence fails unless sound is silent, and has a number of samples in each channel.
func wantSilence(t *testing.T, sound []byte, channels, samples int) {
	t.Helper()
	if len(bytes.Trim(sound, "\x00")) > 0 {
		t.Error("it is not silent")
	}
	if got := len(sound) / 2 / channels; got != samples {
		t.Errorf("%d samples, want %d", got, samples)
	}
}

const silentFrames = 20

func TestSilence_AACIsDecodedAsSilence(t *testing.T) {
	for config := byte(1); config <= 7; config++ {
		t.Run(fmt.Sprintf("channel configuration %d", config), func(t *testing.T) {
			params := codec.ADTSParams(adtsOf(3, config, 20))
			block := codec.Silence(params)
			frame := adtsOf(3, config, len(block))
			copy(frame[7:], block)
			sound := decode(t, bytes.Repeat(frame, silentFrames), "silence.aac")
			wantSilence(t, sound, params.Channels, silentFrames*1024)
		})
	}
}

func TestSilence_AACBetweenSound(t *testing.T) {
	data, err := os.ReadFile(makeMedia(t, "-f", "lavfi", "-i", "sine=duration=1:sample_rate=48000", "-ac", "2", "-c:a", "aac", "t.aac"))
	if err != nil {
		t.Fatal(err)
	}
	block := codec.Silence(codec.ADTSParams(data))
	frame := adtsOf(3, 2, len(block))
	copy(frame[7:], block)
	sound := decode(t, bytes.Join([][]byte{data, data}, bytes.Repeat(frame, silentFrames)), "t.aac")
	// The first frame of silence overlaps with the last one of sound, and the last with the first of sound.
	at, size := len(sound)/2-8*4096, 16*4096
	if len(bytes.Trim(sound[at:at+size], "\x00")) > 0 {
		t.Error("the middle is not silent")
	}
}

func TestSilence_OpusIsDecodedAsSilence(t *testing.T) {
	for channels := 1; channels <= 2; channels++ {
		block := codec.Silence(codec.OpusParams(channels, 960))
		b := newBuilder()
		b.tables(entry{pid: audioPID, streamType: 0x06, descriptors: append([]byte("\x05\x04Opus\x7f\x02\x80"), byte(channels))})
		for i := range int64(silentFrames) {
			unit := append([]byte{0x7f, 0xe0, byte(len(block))}, block...)
			b.payload(audioPID, pes(0xbd, 9000+1800*i, -1, unit))
		}
		file, _ := read(t, b.data)
		wantNoDamage(t, file)
		wantCounts(t, file, silentFrames)
		wantSilence(t, decode(t, b.data, "silence.ts"), channels, silentFrames*960)
	}
}

func TestSilence_MP3IsDecodedAsSilence(t *testing.T) {
	for _, rate := range []string{"48000", "44100", "24000"} {
		for _, channels := range []string{"1", "2"} {
			data, err := os.ReadFile(makeMedia(t, "-f", "lavfi", "-i", "sine=duration=1", "-ar", rate, "-ac", channels, "-c:a", "libmp3lame", "-write_xing", "0", "-id3v2_version", "0", "t.mp3"))
			if err != nil {
				t.Fatal(err)
			}
			params := codec.MPEGAudioParams(data)
			sound := decode(t, bytes.Repeat(codec.Silence(params), silentFrames), "silence.mp3")
			wantSilence(t, sound, params.Channels, silentFrames*params.FrameSamples)
		}
	}
}

func TestSilence_IsNotMadeOfOthers(t *testing.T) {
	for _, params := range []media.Params{
		{}, {Codec: media.H264}, {Codec: media.AC3}, {Codec: media.AAC}, {Codec: media.Opus, Channels: 6, FrameSamples: 960},
		{Codec: media.MP3, SampleRate: 1, Channels: 1}, {Codec: media.Opus, Channels: 2, FrameSamples: 100},
	} {
		if got := codec.Silence(params); got != nil {
			t.Errorf("%s: % x", strings.TrimSpace(string(params.Codec)), got)
		}
	}
}
