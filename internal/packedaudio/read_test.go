// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package packedaudio_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/packedaudio"
	"sparkrtc.dev/recording-operator/internal/testing/programs"
)

func ffmpeg(tb testing.TB, args ...string) []byte {
	tb.Helper()
	command := exec.CommandContext(tb.Context(), programs.FFmpeg(tb), append([]string{"-v", "error", "-nostdin", "-y"}, args...)...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		tb.Fatalf("ffmpeg %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// made is the sound that tests share, by arguments.
var made sync.Map

// sound makes two seconds of sound.
func sound(tb testing.TB, args ...string) []byte {
	tb.Helper()
	key := strings.Join(args, " ")
	data, ok := made.Load(key)
	if !ok {
		input := []string{"-f", "lavfi", "-i", "sine=frequency=440:duration=2:sample_rate=48000"}
		data = ffmpeg(tb, slices.Concat(input, args, []string{"-"})...)
		made.Store(key, data)
	}
	return data.([]byte)
}

func adts(tb testing.TB, args ...string) []byte {
	tb.Helper()
	return sound(tb, append(args, "-c:a", "aac", "-f", "adts")...)
}

// tag is an ID3 tag with the timestamp of HLS.
func tag(version byte, timestamp uint64) []byte {
	body := binary.BigEndian.AppendUint64([]byte("com.apple.streaming.transportStreamTimestamp\x00"), timestamp)
	frame := append([]byte("PRIV\x00\x00\x00"), byte(len(body)), 0, 0)
	frame = append(frame, body...)
	return append([]byte{'I', 'D', '3', version, 0, 0, 0, 0, 0, byte(len(frame))}, frame...)
}

// read reads sound and checks that the samples are those of the index.
func read(tb testing.TB, data []byte) (media.File, [][]byte) {
	tb.Helper()
	var packets []media.Packet
	var samples [][]byte
	file, err := packedaudio.Read(iotest.OneByteReader(bytes.NewReader(data)), func(s media.Sample) error {
		if s.Stream != 0 || len(s.Data) != s.Size {
			tb.Errorf("a sample of stream %d has %d bytes of %d", s.Stream, len(s.Data), s.Size)
		}
		packets, samples = append(packets, s.Packet), append(samples, bytes.Clone(s.Data))
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	if got := slices.Collect(file.Streams[0].Packets.All()); !slices.Equal(got, packets) {
		tb.Error("the samples are not those of the index")
	}
	return file, samples
}

var encodings = map[string]struct {
	args    []string
	codec   media.Codec
	samples int
}{
	"adts":     {[]string{"-c:a", "aac", "-f", "adts"}, media.AAC, 1024},
	"adts id3": {[]string{"-c:a", "aac", "-f", "adts", "-write_id3v2", "1", "-metadata", "title=sound"}, media.AAC, 1024},
	"44100":    {[]string{"-c:a", "aac", "-ar", "44100", "-ac", "2", "-f", "adts"}, media.AAC, 1024},
	"mp3":      {[]string{"-c:a", "libmp3lame", "-f", "mp3"}, media.MP3, 1152},
	"mp3 vbr":  {[]string{"-c:a", "libmp3lame", "-q:a", "2", "-ar", "22050", "-f", "mp3"}, media.MP3, 576},
	"mp2":      {[]string{"-c:a", "mp2", "-f", "mp2"}, media.MP2, 1152},
	"ac3":      {[]string{"-c:a", "ac3", "-f", "ac3"}, media.AC3, 1536},
	"eac3":     {[]string{"-c:a", "eac3", "-f", "eac3"}, media.EAC3, 1536},
}

func TestRead_AgreesWithFFprobe(t *testing.T) {
	for name, test := range encodings {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sound")
			data := sound(t, test.args...)
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), programs.FFprobe(t),
				"-v", "error", "-show_packets", "-show_streams", "-of", "json", path).Output()
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				Streams []struct {
					CodecName  string `json:"codec_name"`
					SampleRate string `json:"sample_rate"`
					Channels   int    `json:"channels"`
				} `json:"streams"`
				Packets []struct {
					Size string `json:"size"`
				} `json:"packets"`
			}
			if err := json.Unmarshal(out, &want); err != nil {
				t.Fatal(err)
			}
			file, samples := read(t, data)
			stream := file.Streams[0]
			if stream.Codec != test.codec || string(stream.Codec) != want.Streams[0].CodecName || stream.Kind != media.Audio {
				t.Errorf("%s %s, want %s", stream.Kind, stream.Codec, want.Streams[0].CodecName)
			}
			p := stream.Params[0]
			if strconv.Itoa(p.SampleRate) != want.Streams[0].SampleRate || p.Channels != want.Streams[0].Channels || p.FrameSamples != test.samples {
				t.Errorf("%+v, want %+v", p, want.Streams[0])
			}
			if len(samples) != len(want.Packets) || len(file.Damage) > 0 || stream.Tail != media.TailWhole || stream.HeadBytes > 0 {
				t.Fatalf("%d frames, want %d; damage %+v, tail %d, head %d", len(samples), len(want.Packets), file.Damage, stream.Tail, stream.HeadBytes)
			}
			header := 0
			if test.codec == media.AAC {
				header = 7
			}
			number := int64(0)
			for packet := range stream.Packets.All() {
				if strconv.Itoa(packet.Size+header) != want.Packets[number].Size {
					t.Errorf("frame %d has %d bytes, want %s with its header", number, packet.Size, want.Packets[number].Size)
				}
				at := (number*int64(test.samples)*media.Clock + int64(p.SampleRate)/2) / int64(p.SampleRate)
				if packet.PTS != at || packet.DTS != at || !packet.Key {
					t.Errorf("frame %d is %+v, want it at %d", number, packet, at)
				}
				number++
			}
		})
	}
}

// TestRead_SamplesPlayInAnMP4 decodes them once as they were and once out of an MP4.
func TestRead_SamplesPlayInAnMP4(t *testing.T) {
	for name, test := range encodings {
		if test.codec == media.MP2 {
			continue // ffmpeg decodes layer II with another decoder when it comes out of an MP4
		}
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			data := sound(t, test.args...)
			if err := os.WriteFile(filepath.Join(dir, "sound"), data, 0o600); err != nil {
				t.Fatal(err)
			}
			file, samples := read(t, data)
			stream := file.Streams[0]
			track := mp4.OutTrack{Kind: media.Audio, Timescale: media.Clock, Entries: [][]byte{stream.Params[0].Entry}}
			track.Samples = func(yield func(mp4.OutSample) bool) {
				for p := range stream.Packets.All() {
					if !yield(mp4.OutSample{DTS: p.DTS, PTS: p.PTS, Duration: p.Duration, Size: p.Size, Key: true}) {
						return
					}
				}
			}
			out, err := os.Create(filepath.Join(dir, "out.mp4"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := mp4.Write(out, []mp4.OutTrack{track}, func(emit func(int, []byte) error) error {
				for _, sample := range samples {
					if err := emit(0, sample); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			// Without what the file says of silence at its ends.
			decoded := func(name string) string {
				return string(ffmpeg(t, "-flags2", "+skip_manual", "-i", filepath.Join(dir, name), "-f", "hash", "-hash", "md5", "-"))
			}
			if got, want := decoded("out.mp4"), decoded("sound"); got != want {
				t.Errorf("it decodes to %s, want %s", got, want)
			}
		})
	}
}

func TestRead_TimestampIsTheStart(t *testing.T) {
	frames := adts(t)
	plain, _ := read(t, frames)
	if plain.HasStart || plain.Container != media.PackedAudio {
		t.Errorf("%+v", plain)
	}
	empty := []byte{'I', 'D', '3', 4, 0, 0, 0, 0, 0, 20, 'T', 'I', 'T', '2', 0, 0, 0, 10, 0, 0, 0, 's', 'o', 'u', 'n', 'd', 0, 0, 0, 0}
	extended := tag(4, 90_000)
	extended[5], extended[9] = 0x40, extended[9]+6
	extended = slices.Insert(extended, 10, 0, 0, 0, 6, 1, 0)
	footer := tag(4, 90_000)
	footer[5] = 0x10
	footer = append(footer, "3DI\x04\x00\x10\x00\x00\x00\x3f"...)
	for name, head := range map[string][]byte{
		"version 3": tag(3, 90_000), "version 4": tag(4, 90_000), "second tag": slices.Concat(empty, tag(4, 90_000)),
		"two times": slices.Concat(tag(4, 90_000), tag(4, 180_000)), "extended header": extended, "footer": footer,
	} {
		file, _ := read(t, slices.Concat(head, frames))
		first := file.Streams[0].Packets.First
		if !file.HasStart || file.Start != 90_000 || first.PTS != 90_000 || file.Streams[0].HeadBytes > 0 || len(file.Damage) > 0 {
			t.Errorf("%s: starts at %d (%t), first packet %+v, damage %+v", name, file.Start, file.HasStart, first, file.Damage)
		}
		if file.Streams[0].Packets.Count != plain.Streams[0].Packets.Count {
			t.Errorf("%s: %d packets", name, file.Streams[0].Packets.Count)
		}
	}
	if file, _ := read(t, slices.Concat(tag(4, 1<<33), frames)); file.HasStart {
		t.Error("a time of more than 33 bits is taken")
	}
}

func TestRead_TextIsNoSound(t *testing.T) {
	frames := adts(t)
	playlist := []byte("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://example.com/secret.ts\n#EXT-X-ENDLIST\n")
	huge := tag(4, 1)
	huge[6] = 0x7f
	for name, data := range map[string][]byte{
		"nothing":                        nil,
		"a tag alone":                    tag(4, 1),
		"a playlist":                     playlist,
		"a playlist behind a tag":        slices.Concat(tag(4, 1), playlist),
		"frames behind a playlist":       slices.Concat(tag(4, 1), playlist, frames),
		"frames far behind":              slices.Concat(tag(4, 1), bytes.Repeat([]byte{1}, 10_000), frames),
		"frames behind a MiB of zeros":   slices.Concat(make([]byte, packedaudio.MaxPadding+10_000), frames),
		"tags without end":               bytes.Repeat(tag(4, 1), 100),
		"a tag of a hundred millions":    slices.Concat(huge, frames),
		"a tag that is cut":              tag(4, 1)[:30],
		"the head of a frame and no end": frames[:5],
		"zeros":                          make([]byte, 3<<20),
		"ones":                           bytes.Repeat([]byte{0xff}, 3<<20),
	} {
		if _, err := packedaudio.Read(bytes.NewReader(data), nil); !errors.Is(err, packedaudio.ErrNotSound) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestRead_PaddingIsSkipped: zeros in front of a tag or a frame are padding; those that end within a frame are in the place of
// others.
func TestRead_PaddingIsSkipped(t *testing.T) {
	frames := adts(t)
	whole, _ := read(t, frames)
	for name, test := range map[string]struct {
		data []byte
		kind media.DamageKind
		lost int
	}{
		"in front of a frame":  {slices.Concat(make([]byte, 20_000), frames), media.Padding, 0},
		"in front of a tag":    {slices.Concat(make([]byte, 100), tag(4, 0), frames), media.Padding, 0},
		"behind a tag":         {slices.Concat(tag(4, 0), make([]byte, 3000), frames), media.Padding, 0},
		"in place of a frame":  {slices.Concat(make([]byte, 100), frames[100:]), media.FrameLost, 1},
		"in place of a second": {slices.Concat(make([]byte, len(frames)/2), frames[len(frames)/2:]), media.FrameLost, 40},
	} {
		file, _ := read(t, test.data)
		if len(file.Damage) != 1 || file.Damage[0].Kind != test.kind {
			t.Errorf("%s: damage %+v", name, file.Damage)
		}
		if got := whole.Streams[0].Packets.Count - file.Streams[0].Packets.Count; got < test.lost || test.lost == 0 && got > 0 {
			t.Errorf("%s: %d frames are missing", name, got)
		}
	}
}

// TestRead_TagsBehindTheSoundAreNoLoss: players of music and their editors write tags of several kinds, one behind the other.
func TestRead_TagsBehindTheSoundAreNoLoss(t *testing.T) {
	data := sound(t, encodings["mp3"].args...)
	whole, _ := read(t, data)
	old := slices.Concat([]byte("TAG"), bytes.Repeat([]byte("silence "), 15), make([]byte, 5))
	ape := func(flags uint32) []byte {
		items := []byte("\x05\x00\x00\x00\x00\x00\x00\x00Title\x00sound")
		head := binary.LittleEndian.AppendUint32([]byte("APETAGEX\xd0\x07\x00\x00"), uint32(len(items)+32))
		head = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(head, 1), flags)
		return slices.Concat(head, make([]byte, 8), items)
	}
	const hasHeader, isHeader = 1 << 31, 1 << 29
	footer := ape(hasHeader)[:32]
	tagged := slices.Concat(ape(hasHeader|isHeader), footer)
	lyrics := []byte("LYRICSBEGININD0000200LYR00005la la000028LYRICS200")
	for name, behind := range map[string][]byte{
		"Lyrics3, ID3v1":    slices.Concat(lyrics, old),
		"APE, Lyrics3":      slices.Concat(tagged, lyrics),
		"ID3v1":             old,
		"APE":               tagged,
		"APE, ID3v1":        slices.Concat(tagged, old),
		"APE, ID3v2":        slices.Concat(tagged, tag(4, 0)),
		"ID3v1, ID3v2":      slices.Concat(old, tag(4, 0)),
		"ID3v1, more sound": slices.Concat(old, data),
	} {
		file, _ := read(t, slices.Concat(data, behind))
		stream := file.Streams[0]
		want := whole.Streams[0].Packets.Count
		if name == "ID3v1, more sound" {
			want = stream.Packets.Count
		}
		if stream.Packets.Count != want || len(file.Damage) > 0 || stream.Tail != media.TailWhole {
			t.Errorf("%s: %d frames, want %d; damage %+v, tail %d", name, stream.Packets.Count, want, file.Damage, stream.Tail)
		}
	}
	for name, behind := range map[string][]byte{"a cut APE tag": tagged[:50], "a cut Lyrics3 tag": lyrics[:40], "text": []byte("TAG, and no tag")} {
		if file, _ := read(t, slices.Concat(data, behind, data)); len(file.Damage) == 0 {
			t.Errorf("%s between frames is no damage", name)
		}
	}
}

func TestRead_LostFramesAreDamage(t *testing.T) {
	frames := adts(t)
	whole, samples := read(t, frames)
	count := whole.Streams[0].Packets.Count
	at := 0 // of frame 10
	for _, sample := range samples[:10] {
		at += 7 + len(sample)
	}

	file, _ := read(t, slices.Concat(frames[:at+20], frames[at+40:]))
	if len(file.Damage) == 0 || file.Damage[0].Kind != media.FrameLost || file.Damage[0].Packet < 10 || file.Damage[0].Packet > 11 {
		t.Errorf("bytes lost: %+v", file.Damage)
	}
	if got := file.Streams[0].Packets.Count; got < count-2 || got >= count {
		t.Errorf("bytes lost: %d packets of %d", got, count)
	}
	file, _ = read(t, slices.Concat(frames[:at], []byte("garbage"), frames[at:]))
	if want := (media.Damage{Kind: media.FrameLost, Packet: 10, Offset: int64(at), Count: 1}); !slices.Equal(file.Damage, []media.Damage{want}) {
		t.Errorf("bytes too many: %+v, want %+v", file.Damage, want)
	}
	if got := file.Streams[0].Packets.Count; got != count {
		t.Errorf("bytes too many: %d packets of %d", got, count)
	}
	file, _ = read(t, slices.Concat(frames[:at], tag(4, 1), frames[at:]))
	if len(file.Damage) > 0 || file.Streams[0].Packets.Count != count {
		t.Errorf("a tag between frames: %+v, %d packets", file.Damage, file.Streams[0].Packets.Count)
	}
	file, _ = read(t, frames[at-100:])
	if stream := file.Streams[0]; stream.HeadBytes != 100 || stream.Packets.Count != count-10 || len(file.Damage) > 0 {
		t.Errorf("the head is cut: %d bytes, %d packets, damage %+v", stream.HeadBytes, stream.Packets.Count, file.Damage)
	}
	for _, cut := range []int{1, 100, len(samples[count-1]) + 2} {
		file, _ = read(t, frames[:len(frames)-cut])
		if stream := file.Streams[0]; stream.Tail != media.TailUnfinished || stream.Packets.Count != count-1 {
			t.Errorf("%d bytes are cut: tail %d, %d packets", cut, stream.Tail, stream.Packets.Count)
		}
	}
	for _, behind := range []string{"\n", "\x00\x00\x00"} {
		file, _ = read(t, slices.Concat(frames, []byte(behind)))
		if stream := file.Streams[0]; stream.Tail != media.TailWhole || stream.Packets.Count != count || len(file.Damage) > 0 {
			t.Errorf("%q follows the last frame: tail %d, %d packets, damage %+v", behind, stream.Tail, stream.Packets.Count, file.Damage)
		}
	}
}

func TestRead_ParametersMayChange(t *testing.T) {
	first, second := adts(t), adts(t, "-ar", "16000")
	one, _ := read(t, first)
	file, _ := read(t, slices.Concat(first, second, first))
	stream := file.Streams[0]
	if len(stream.Params) != 2 || stream.Params[0].SampleRate != 48000 || stream.Params[1].SampleRate != 16000 || len(file.Damage) > 0 {
		t.Fatalf("%+v, damage %+v", stream.Params, file.Damage)
	}
	packets := slices.Collect(stream.Packets.All())
	count := one.Streams[0].Packets.Count
	if last := packets[count]; last.Params != 1 || last.PTS != one.Streams[0].Packets.End {
		t.Errorf("the first packet of other parameters is %+v", last)
	}
	if last := packets[len(packets)-1]; last.Params != 0 || last.Duration != 1920 {
		t.Errorf("the last packet is %+v", last)
	}
}

func TestRead_ErrorsOfReaderAndYieldAreReturned(t *testing.T) {
	frames := adts(t)
	broken := errors.New("broken")
	if _, err := packedaudio.Read(iotest.ErrReader(broken), nil); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := packedaudio.Read(bytes.NewReader(frames), func(media.Sample) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
