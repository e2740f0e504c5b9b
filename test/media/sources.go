// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// source is one elementary stream, encoded once and cached: the material that shapes are made from.
type source struct {
	name    string
	video   bool
	codec   string // ffmpeg's name
	entry   []byte // MP4 sample entry
	samples []sourceSample
	// Video: size, number of the first picture, display order. Pictures of a group are displayed within the group.
	width, height int
	display       []int // of each sample, in decoding order: its place in display order
	number        int
	group         int
	open          bool // pictures may be shown before the key picture of their group
	fields        bool // each picture is coded as two fields
	// Sound: samples in a second and in a packet, channels, position of the first packet in seconds.
	rate, frame, channels int
	position              float64

	once  sync.Once
	known map[digest]int // packets by their bytes
}

type sourceSample struct {
	data []byte
	key  bool
}

// seconds of sound in a packet.
func (s *source) packetSeconds() float64 { return float64(s.frame) / float64(s.rate) }

// recipe says how a source is made.
type recipe struct {
	args          []string
	width, height int
	frames, group int // pictures, and how many a group has
	number        int
	rate          int
	channels      int
	frame         int
	seconds       float64
	muxer         string
	open          bool // groups of pictures
	fields        bool // each picture is coded as two fields, by fields.go
}

// openGroups lets pictures of a group be shown before its key picture.
func openGroups(r recipe) recipe {
	r.open = true
	return r
}

const x264 = "-c:v libx264 -preset ultrafast -crf 28 -sc_threshold 0 -pix_fmt yuv420p "

func videoRecipe(args string, width, height, frames, group, number int) recipe {
	return recipe{args: strings.Fields(args + fmt.Sprintf(" -g %d", group)), width: width, height: height, frames: frames, group: group, number: number}
}

func soundRecipe(args string, rate, channels, frame int) recipe {
	return recipe{args: strings.Fields(args), rate: rate, channels: channels, frame: frame, seconds: chirpSeconds}
}

// recipes of all sources by name.
var recipes = map[string]recipe{
	"h264":        videoRecipe(x264+"-keyint_min 10 -bf 0", 160, 90, 1500, 10, 0),
	"h264-long":   videoRecipe(x264+"-keyint_min 60 -bf 0", 160, 90, 900, 60, 0),
	"h264-key":    videoRecipe(x264+"-keyint_min 1 -bf 0", 160, 90, 1000, 1, 0),
	"h264-one":    videoRecipe(x264+"-keyint_min 900 -bf 0", 160, 90, 900, 900, 0),
	"h264-slices": videoRecipe(x264+"-keyint_min 10 -bf 0 -slices 4", 160, 90, 300, 10, 0),
	"h264-b":      videoRecipe("-c:v libx264 -preset veryfast -crf 28 -sc_threshold 0 -pix_fmt yuv420p -keyint_min 10 -bf 2 -b_strategy 0 -x264-params open-gop=0", 160, 90, 900, 10, 0),
	"h264-open":   openGroups(videoRecipe("-c:v libx264 -preset veryfast -crf 28 -sc_threshold 0 -pix_fmt yuv420p -keyint_min 12 -bf 2 -b_strategy 0 -x264-params open-gop=1", 160, 90, 600, 12, 0)),
	"hevc-open":   openGroups(videoRecipe("-c:v libx265 -preset ultrafast -crf 28 -pix_fmt yuv420p -tag:v hvc1 -x265-params log-level=error:keyint=12:min-keyint=12:scenecut=0:bframes=2:b-adapt=0:open-gop=1", 160, 90, 300, 12, 0)),
	"hevc-radl":   openGroups(videoRecipe("-c:v libx265 -preset ultrafast -crf 28 -pix_fmt yuv420p -tag:v hvc1 -x265-params log-level=error:keyint=12:min-keyint=12:scenecut=0:bframes=2:b-adapt=0:open-gop=0:radl=2", 160, 90, 300, 12, 0)),
	"h264-fields": videoRecipe("-c:v libx264 -preset veryfast -crf 24 -sc_threshold 0 -pix_fmt yuv420p -keyint_min 10 -bf 0 -flags +ildct+ilme -x264-params tff=1", 160, 96, 300, 10, 0),
	"h264-paff":   {width: 160, height: 96, frames: 300, group: 10, fields: true},
	"h264-large":  {width: 320, height: 288, frames: 60, group: 10, fields: true},
	"h264-big":    videoRecipe(x264+"-keyint_min 10 -bf 0", 320, 180, 600, 10, 0),
	"h264-tall":   videoRecipe(x264+"-keyint_min 10 -bf 0", 90, 160, 600, 10, 0),
	"h264-odd":    videoRecipe("-c:v libx264 -preset ultrafast -crf 20 -sc_threshold 0 -pix_fmt yuv444p -keyint_min 10 -bf 0", 161, 91, 300, 10, 0),
	"h264-10":     videoRecipe("-c:v libx264 -preset ultrafast -crf 28 -sc_threshold 0 -pix_fmt yuv420p10le -keyint_min 10 -bf 0", 160, 90, 300, 10, 0),
	"h264-high":   videoRecipe("-c:v libx264 -preset veryfast -profile:v high -crf 26 -sc_threshold 0 -pix_fmt yuv420p -keyint_min 10 -bf 0", 160, 90, 600, 10, 0),
	"h264-far":    videoRecipe(x264+"-keyint_min 10 -bf 0", 160, 90, 300, 10, 3000),
	"hevc":        videoRecipe("-c:v libx265 -preset ultrafast -crf 28 -pix_fmt yuv420p -tag:v hvc1 -x265-params log-level=error:keyint=10:min-keyint=10:scenecut=0:bframes=0:open-gop=0", 160, 90, 600, 10, 0),
	"hevc-b":      videoRecipe("-c:v libx265 -preset ultrafast -crf 28 -pix_fmt yuv420p -tag:v hvc1 -x265-params log-level=error:keyint=10:min-keyint=10:scenecut=0:bframes=2:b-adapt=0:open-gop=0", 160, 90, 300, 10, 0),
	"hevc-slices": videoRecipe("-c:v libx265 -preset ultrafast -crf 28 -pix_fmt yuv420p -tag:v hvc1 -x265-params log-level=error:keyint=10:min-keyint=10:scenecut=0:bframes=0:open-gop=0:ctu=16:slices=3", 160, 96, 300, 10, 0),
	"hevc-layers": videoRecipe("-c:v libx265 -preset veryfast -crf 28 -pix_fmt yuv420p -tag:v hvc1 -x265-params log-level=error:keyint=12:min-keyint=12:scenecut=0:bframes=3:b-adapt=0:b-pyramid=1:temporal-layers=1:open-gop=0", 160, 90, 300, 12, 0),
	"mpeg2":       videoRecipe("-c:v mpeg2video -q:v 4 -bf 0 -sc_threshold 1000000000 -pix_fmt yuv420p", 160, 90, 300, 10, 0),
	"vp9":         videoRecipe("-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -lag-in-frames 0 -auto-alt-ref 0 -b:v 300k -pix_fmt yuv420p", 160, 90, 300, 10, 0),
	"av1":         videoRecipe("-c:v libsvtav1 -preset 12 -crf 40 -svtav1-params pred-struct=1:keyint=10 -pix_fmt yuv420p", 160, 90, 200, 10, 0),
	"mjpeg":       videoRecipe("-c:v mjpeg -q:v 4 -pix_fmt yuvj420p -strict unofficial", 160, 90, 10, 1, 0),

	"aac":      soundRecipe("-c:a aac -b:a 96k", 48000, 2, 1024),
	"aac-mono": soundRecipe("-c:a aac -b:a 112k", 48000, 1, 1024),
	"aac-16":   soundRecipe("-c:a aac -b:a 48k", 16000, 1, 1024),
	"aac-16s":  soundRecipe("-c:a aac -b:a 64k", 16000, 2, 1024),
	"aac-44":   soundRecipe("-c:a aac -b:a 96k", 44100, 2, 1024),
	"aac-8":    soundRecipe("-c:a aac -b:a 32k", 8000, 1, 1024),
	"mp3":      soundRecipe("-c:a libmp3lame -b:a 96k", 48000, 2, 1152),
	"ac3":      soundRecipe("-c:a ac3 -b:a 128k", 48000, 2, 1536),
	"eac3":     soundRecipe("-c:a eac3 -b:a 128k", 48000, 2, 1536),
	"opus":     soundRecipe("-c:a libopus -b:a 64k -frame_duration 20", 48000, 2, 960),
	"pcm":      {args: strings.Fields("-c:a pcm_s16le"), rate: 48000, channels: 2, frame: pcmFrame, seconds: 30, muxer: "mov"},
	"alaw":     {args: strings.Fields("-c:a pcm_alaw"), rate: 8000, channels: 1, frame: pcmFrame, seconds: 30, muxer: "mov"},
	"mulaw":    {args: strings.Fields("-c:a pcm_mulaw"), rate: 8000, channels: 1, frame: pcmFrame, seconds: 30, muxer: "mov"},
}

// sources are encoded on first use, each once.
var sources = struct {
	sync.Mutex
	made map[string]func() (*source, error)
}{made: map[string]func() (*source, error){}}

// getSource gives a source by name. A source that cannot be made stops the shape that asks for it, by a panic that
// the shape's runner turns into a failure: there is no shape without its material.
func getSource(name string) *source {
	sources.Lock()
	load := sources.made[name]
	if load == nil {
		load = sync.OnceValues(func() (*source, error) { return loadSource(name) })
		sources.made[name] = load
	}
	sources.Unlock()
	made, err := load()
	if err != nil {
		panic(fmt.Errorf("source %s: %w", name, err))
	}
	return made
}

// cacheDir is where encoded sources are kept, outside the checkout.
func cacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "recording-operator", "media")
	return dir, os.MkdirAll(dir, 0o750)
}

// loadSource encodes a source, or reads it from the cache. The name in the cache is the digest of all that it is made
// from, the raw pictures or samples and the arguments.
func loadSource(name string) (*source, error) {
	recipe, known := recipes[name]
	if !known {
		return nil, fmt.Errorf("no recipe")
	}
	if recipe.fields {
		return fieldSource(name, recipe), nil
	}
	raw, input := recipe.raw()
	hash := sha256.New()
	_, _ = fmt.Fprintf(hash, "%v %v ", input, recipe.args)
	hash.Write(raw)
	dir, err := cacheDir()
	if err != nil {
		return nil, err
	}
	muxer := recipe.muxer
	if muxer == "" {
		muxer = "mp4"
	}
	path := filepath.Join(dir, name+"-"+hex.EncodeToString(hash.Sum(nil))[:16]+"."+muxer)
	if _, err := os.Stat(path); err != nil {
		args := append([]string{"-v", "error", "-nostdin", "-y"}, input...)
		args = append(append(append(args, "-i", "pipe:0"), recipe.args...), "-threads", "1", "-f", muxer, path+".new")
		command := exec.CommandContext(context.Background(), ffmpegPath(), args...)
		command.Stdin = bytes.NewReader(raw)
		if out, err := command.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("encode: %w: %s", err, out)
		}
		if err := os.Rename(path+".new", path); err != nil {
			return nil, err
		}
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	tracks, err := readTracks(file)
	if err != nil {
		return nil, err
	}
	return recipe.source(name, tracks[0])
}

func ffmpegPath() string {
	if path := os.Getenv("FFMPEG"); path != "" {
		return path
	}
	return "ffmpeg"
}

// raw are the pictures or the sound, and ffmpeg's arguments to read them.
func (r recipe) raw() ([]byte, []string) {
	var raw []byte
	if r.frames > 0 {
		for i := range r.frames {
			raw = append(raw, drawPicture(r.number+i, r.width, r.height)...)
		}
		return raw, []string{"-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", fmt.Sprintf("%dx%d", r.width, r.height), "-framerate", "30"}
	}
	for _, v := range chirp(r.rate, r.seconds) {
		for range r.channels {
			raw = binary.LittleEndian.AppendUint16(raw, uint16(v))
		}
	}
	return raw, []string{"-f", "s16le", "-ar", fmt.Sprint(r.rate), "-ac", fmt.Sprint(r.channels)}
}

// source turns a track into a source.
func (r recipe) source(name string, track mp4Track) (*source, error) {
	s := &source{
		name: name, video: r.frames > 0, entry: track.entries[0], width: r.width, height: r.height, number: r.number, group: r.group, open: r.open,
		rate: r.rate, channels: r.channels, frame: r.frame,
	}
	s.codec = map[string]string{
		"avc1": "h264", "hvc1": "hevc", "vp09": "vp9", "av01": "av1", "mp4a": "aac", "Opus": "opus", "ac-3": "ac3", "ec-3": "eac3",
		"mp4v": "mpeg2video", "sowt": "pcm_s16le", "alaw": "pcm_alaw", "ulaw": "pcm_mulaw",
	}[string(track.entries[0][4:8])]
	switch {
	case strings.HasPrefix(name, "mp3"):
		s.codec = "mp3"
	case strings.HasPrefix(name, "mjpeg"):
		s.codec = "mjpeg"
	}
	if strings.HasPrefix(s.codec, "pcm") {
		track.samples = joinSamples(track.samples, pcmFrame)
	}
	for _, sample := range track.samples {
		s.samples = append(s.samples, sourceSample{data: sample.data, key: sample.key})
	}
	if !s.video {
		s.position = -float64(track.start()) / float64(track.timescale)
		return s, nil
	}
	if len(s.samples) != r.frames {
		return nil, fmt.Errorf("%d samples for %d pictures", len(s.samples), r.frames)
	}
	return s, s.order(track, r.open)
}

// pcmFrame is how many samples of sound without compression are taken as a packet here. In an MP4 each is one.
const pcmFrame = 400

func joinSamples(samples []mp4Sample, count int) []mp4Sample {
	var out []mp4Sample
	for group := range slices.Chunk(samples, count) {
		joined := mp4Sample{key: true}
		for _, s := range group {
			joined.data = append(joined.data, s.data...)
		}
		if len(group) == count {
			out = append(out, joined)
		}
	}
	return out
}

// order finds the display order and checks that groups are closed, unless they are open: then pictures must be decoded
// behind the key picture before which they are shown.
func (s *source) order(track mp4Track, open bool) error {
	times := make([]int64, len(s.samples))
	dts := int64(0)
	for i, sample := range track.samples {
		times[i] = dts + sample.offset
		dts += sample.ticks
	}
	sorted := slices.Sorted(slices.Values(times))
	for i, t := range times {
		place, _ := slices.BinarySearch(sorted, t)
		if !open && (place/s.group != i/s.group || s.samples[i].key != (i%s.group == 0)) {
			return fmt.Errorf("sample %d (key %v) is displayed at %d: groups of %d are not closed", i, s.samples[i].key, place, s.group)
		}
		s.display = append(s.display, place)
	}
	leads := func(i int) bool { return i > 0 && s.samples[i-1].key && s.display[i] < s.display[i-1] }
	for i := range s.samples {
		if open && leads(i) {
			return nil
		}
	}
	if open {
		return errors.New("no picture is shown before the key picture of its group")
	}
	return nil
}
