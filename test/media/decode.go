// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// result is what a published MP4 shows and plays, decoded.
type result struct {
	pictures []picture
	sound    []heard
	// covered are the stretches that the sound track has samples for.
	covered       []span
	duration      float64
	width, height int
	codecs        []string
	// borders are where one of several files ends and the next one begins.
	borders []float64
}

// picture is one decoded picture. Its gray is kept until the number is read, since where the pattern lies depends on
// the truth. known: it was not decoded, and its bytes tell the number.
type picture struct {
	at     float64
	gray   []byte
	number int
	known  bool
}

// heard is what a window of sound tells for its middle.
type heard struct {
	at, position, level float64
	clean               bool
}

// decodeTimeout is for one pass of ffmpeg over a result.
const decodeTimeout = 2 * time.Minute

// maxHole is how long the sound track may have nothing, or two samples for one moment, in seconds.
const maxHole = 0.06

const (
	grayWidth, grayHeight = 96, 54
	soundRate             = 16000
	windowSamples         = soundRate / 20
	windowStep            = soundRate / 50
)

// decode reads a whole MP4 with ffmpeg. Nothing may be hidden: times are kept as they are (-copyts), no picture is
// dropped or doubled (-fps_mode passthrough).
func decode(ctx context.Context, path string) (result, error) {
	res, err := probe(ctx, path)
	if err != nil {
		return res, err
	}
	if res.width > 0 {
		if err := res.decodePictures(ctx, path); err != nil {
			return res, err
		}
	}
	if slices.Contains(res.codecs, "audio") {
		if err := res.decodeSound(ctx, path); err != nil {
			return res, err
		}
	}
	return res, nil
}

// append adds a result that is shown after this one.
func (res *result) append(next result) {
	if res.codecs != nil {
		res.borders = append(res.borders, res.duration)
	}
	if res.width == 0 {
		res.width, res.height = next.width, next.height
	}
	for _, p := range next.pictures {
		p.at += res.duration
		res.pictures = append(res.pictures, p)
	}
	for _, h := range next.sound {
		h.at += res.duration
		res.sound = append(res.sound, h)
	}
	for _, c := range next.covered {
		res.covered = append(res.covered, span{from: c.from + res.duration, to: c.to + res.duration})
	}
	res.duration += next.duration
	res.codecs = append(res.codecs, next.codecs...)
}

// ffprobePath is the ffprobe beside the ffmpeg that is used.
func ffprobePath() string {
	if ffmpegPath() == "ffmpeg" {
		return "ffprobe"
	}
	return filepath.Join(filepath.Dir(ffmpegPath()), "ffprobe")
}

// probe reads what the result's header says.
func probe(ctx context.Context, path string) (result, error) {
	out, err := exec.CommandContext(ctx, ffprobePath(), "-v", "error", "-of", "json", "-show_entries",
		"format=duration:stream=codec_type,codec_name,width,height:stream_disposition=attached_pic", path).Output()
	if err != nil {
		return result{}, fmt.Errorf("ffprobe: %w", err)
	}
	var found struct {
		Format  struct{ Duration string }
		Streams []struct {
			Type          string `json:"codec_type"`
			Name          string `json:"codec_name"`
			Width, Height int
		}
	}
	if err := json.Unmarshal(out, &found); err != nil {
		return result{}, err
	}
	res := result{}
	res.duration, _ = strconv.ParseFloat(found.Format.Duration, 64)
	for _, s := range found.Streams {
		res.codecs = append(res.codecs, s.Type, s.Name)
		if s.Type == "video" && res.width == 0 {
			res.width, res.height = s.Width, s.Height
		}
	}
	return res, nil
}

var (
	showinfo  = regexp.MustCompile(`Parsed_showinfo_\d+ @ .*\] n: *\d+ pts: *-?\S+ pts_time:(\S+)`)
	ashowinfo = regexp.MustCompile(`Parsed_ashowinfo_\d+ @ .*\] n:\d+ pts:\S+ pts_time:(\S+) .*nb_samples:(\d+)`)
)

func (res *result) decodePictures(ctx context.Context, path string) error {
	filter := fmt.Sprintf("scale=%d:%d:flags=area,format=gray,showinfo=checksum=0", grayWidth, grayHeight)
	raw, lines, err := run(ctx, showinfo, "-copyts", "-i", path, "-map", "0:v:0", "-vf", filter, "-fps_mode", "passthrough",
		"-enc_time_base", "-1", "-f", "rawvideo", "pipe:1")
	if err != nil {
		return err
	}
	const size = grayWidth * grayHeight
	if len(raw) != len(lines)*size {
		return fmt.Errorf("%d bytes for %d pictures", len(raw), len(lines))
	}
	times, err := shownTimes(ctx, path)
	if err != nil {
		return err
	}
	for i, line := range lines {
		at, err := strconv.ParseFloat(line[1], 64)
		if err != nil {
			return fmt.Errorf("picture %d has no time: %w", i, err)
		}
		at, times = nextShown(times, at)
		res.pictures = append(res.pictures, picture{at: at, gray: raw[i*size : (i+1)*size]})
	}
	return nil
}

// shownTime is when a picture is shown as the file says it, and as the ffmpeg program takes it. These are the same, but
// where pictures cannot be decoded, the program takes their decoding times instead, which no player does.
type shownTime struct{ shown, taken float64 }

// shownTimes are those of the decoded pictures, in the order in which they come out of the decoder.
func shownTimes(ctx context.Context, path string) ([]shownTime, error) {
	out, err := exec.CommandContext(ctx, ffprobePath(), "-v", "quiet", "-select_streams", "v:0", "-show_entries",
		"frame=pts_time,best_effort_timestamp_time", "-of", "csv=p=0", path).Output()
	if err != nil {
		return nil, fmt.Errorf("ffprobe: %w", err)
	}
	var times []shownTime
	for line := range strings.Lines(string(out)) {
		shown, taken, _ := strings.Cut(strings.Trim(line, ",\n"), ",")
		at, err := strconv.ParseFloat(shown, 64)
		key, err2 := strconv.ParseFloat(taken, 64)
		if err == nil && err2 == nil {
			times = append(times, shownTime{shown: at, taken: key})
		}
	}
	return times, nil
}

// nextShown gives the time of the next picture that the program took a time for, and what follows it. The program may have
// left out some.
func nextShown(times []shownTime, taken float64) (at float64, rest []shownTime) {
	i := slices.IndexFunc(times, func(t shownTime) bool { return math.Abs(t.taken-taken) < 0.0015 })
	if i < 0 {
		return taken, times
	}
	return times[i].shown, times[i+1:]
}

func (res *result) decodeSound(ctx context.Context, path string) error {
	filter := fmt.Sprintf("aformat=sample_rates=%d:channel_layouts=mono:sample_fmts=s16,ashowinfo", soundRate)
	raw, lines, err := run(ctx, ashowinfo, "-copyts", "-i", path, "-map", "0:a:0", "-af", filter, "-c:a", "pcm_s16le", "-f", "s16le", "pipe:1")
	if err != nil {
		return err
	}
	samples := make([]int16, len(raw)/2)
	for i := range samples {
		samples[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	var stretch []int16
	begin := 0.0
	flush := func() {
		if len(stretch) > 0 {
			res.hear(begin, stretch)
		}
	}
	for _, line := range lines {
		at, err := strconv.ParseFloat(line[1], 64)
		count, err2 := strconv.Atoi(line[2])
		if err != nil || err2 != nil || count > len(samples) {
			return fmt.Errorf("sound at %q: %d samples are left", line[0], len(samples))
		}
		chunk := samples[:count]
		samples = samples[count:]
		off := int((at - begin) * soundRate)
		switch off -= len(stretch); {
		case len(stretch) == 0 || off > maxHole*soundRate || -off > maxHole*soundRate:
			flush()
			begin, stretch = at, nil
		case off > 0.004*soundRate:
			stretch = append(stretch, make([]int16, off)...)
		case -off > 0.004*soundRate:
			chunk = chunk[min(-off, len(chunk)):]
		}
		stretch = append(stretch, chunk...)
	}
	flush()
	return nil
}

// hear reads a stretch of sound without a break.
func (res *result) hear(begin float64, samples []int16) {
	res.covered = append(res.covered, span{from: begin, to: begin + float64(len(samples))/soundRate})
	for from := 0; from+windowSamples <= len(samples); from += windowStep {
		h := heard{at: begin + float64(from+windowSamples/2)/soundRate}
		h.position, h.level, h.clean = readSound(samples[from:from+windowSamples], soundRate)
		res.sound = append(res.sound, h)
	}
}

// run runs ffmpeg and gives its output and the lines of its log that match.
func run(ctx context.Context, want *regexp.Regexp, args ...string) ([]byte, [][]string, error) {
	ctx, cancel := context.WithTimeout(ctx, decodeTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, ffmpegPath(), append([]string{"-hide_banner", "-nostdin", "-nostats", "-loglevel", "info", "-threads", "1"}, args...)...)
	var out, log bytes.Buffer
	command.Stdout, command.Stderr = &out, &log
	if err := command.Run(); err != nil {
		return nil, nil, fmt.Errorf("ffmpeg: %w: %s", err, lastLines(log.String(), 3))
	}
	var lines [][]string
	for line := range strings.Lines(log.String()) {
		if match := want.FindStringSubmatch(line); match != nil {
			lines = append(lines, match)
		}
	}
	return out.Bytes(), lines, nil
}

func lastLines(text string, count int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "; ")
}
