// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/webp"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/programs"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// grays is a recording of eight seconds whose picture says what time it is: each second is brighter than the one before.
func grays(t *testing.T, b *bench, more ...string) {
	t.Helper()
	args := append([]string{"-f", "lavfi", "-i", "nullsrc=duration=8:size=320x180:rate=10,geq=lum='20+25*floor(T)':cb=128:cr=128"}, x264[:len(x264)-2]...)
	makeMedia(t, b.source, append(append(args, "-bf", "2"), append(more, "call.mp4")...)...)
}

// second is the time that a picture of grays says.
func second(picture image.Image, format v1alpha1.PictureFormat) int {
	middle := picture.Bounds().Max.Div(2)
	luma := float64(color.GrayModel.Convert(picture.At(middle.X, middle.Y)).(color.Gray).Y)
	if format == v1alpha1.PictureJPEG {
		luma = 16 + luma*219/255 // a JPEG's luma is of full range; that of a video and a WebP is from 16 to 235
	}
	return int((luma-20)/25 + 0.5)
}

func decodePicture(t *testing.T, path string) image.Image {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	decode := jpeg.Decode
	if filepath.Ext(path) == ".webp" {
		decode = webp.Decode
	}
	picture, err := decode(file)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return picture
}

// TestThumbnails_ShowWhatWasAskedFor holds number, names, order, sizes and moments of pictures, in both formats.
func TestThumbnails_ShowWhatWasAskedFor(t *testing.T) {
	for format, extension := range map[v1alpha1.PictureFormat]string{v1alpha1.PictureJPEG: ".jpg", v1alpha1.PictureWebP: ".webp"} {
		t.Run(string(format), func(t *testing.T) {
			b := newBench(t, &v1alpha1.Thumbnails{
				Times: []v1alpha1.PictureTime{"0s", "2500ms", "1h"}, Percentages: []int32{0, 50, 100}, Poster: true, Format: format, MaxWidth: new(int32(160)),
			}, "call.mp4")
			grays(t, b)
			result, failed, err := b.run(t)
			if err != nil {
				t.Fatalf("%s: %v", failed, err)
			}
			want := map[string]int{"at-00h00m00s": 0, "at-00h00m02.500s": 2, "at-01h00m00s": 7, "at-0pct": 0, "at-50pct": 4, "at-100pct": 7}
			if len(result.Outputs) != len(want)+1 || result.Outputs[0].Name != "poster"+extension || result.Manifest.Outputs != 7 || result.Manifest.Files != 7 {
				t.Fatalf("%+v, %+v", result.Manifest, result.Outputs)
			}
			for _, output := range result.Outputs {
				picture := decodePicture(t, filepath.Join(b.destination, "room", "stream", output.Name))
				if size := picture.Bounds().Size(); size != image.Pt(160, 90) || output.Media.Width != 160 || output.Media.Height != 90 {
					t.Errorf("%s is %v", output.Name, size)
				}
				if output.MediaType != "image/"+output.Media.Container {
					t.Errorf("%s: media type %q", output.Name, output.MediaType)
				}
				name := output.Name[:len(output.Name)-len(extension)]
				if at, ok := want[name]; ok && second(picture, format) != at {
					t.Errorf("%s shows second %d, want %d", name, second(picture, format), at)
				} else if !ok && name != "poster" {
					t.Errorf("output %s", name)
				}
			}
			manifest := readManifest(t, filepath.Join(b.destination, "room", "stream", "manifest.json"))
			if len(manifest.Outputs) != 7 || manifest.Kind != "thumbnails" || manifest.Integrity.State != v1alpha1.IntegrityIntact {
				t.Errorf("%+v", manifest)
			}
		})
	}
}

// TestThumbnails_PosterIsNotBlank: most of the recording is black.
func TestThumbnails_PosterIsNotBlank(t *testing.T) {
	b := newBench(t, &v1alpha1.Thumbnails{Poster: true}, "call.mp4")
	makeMedia(t, b.source, append([]string{"-f", "lavfi", "-i", "color=black:duration=20:size=160x90:rate=5", "-f", "lavfi", "-i", "testsrc2=duration=20:size=160x90:rate=5",
		"-filter_complex", "[0][1]overlay=enable='between(t,12,16)'"}, append(slices.Clone(x264[:len(x264)-2]), "call.mp4")...)...)
	output := b.mustRun(t)
	picture := decodePicture(t, filepath.Join(b.destination, "room", "stream", output.Name))
	lit := 0
	for y := range 90 {
		for x := range 160 {
			if color.GrayModel.Convert(picture.At(x, y)).(color.Gray).Y > 40 {
				lit++
			}
		}
	}
	if lit < 160*90/4 {
		t.Errorf("%d pixels are lit", lit)
	}
}

// TestThumbnails_SizeIsWhatIsShown: pixels that are not square, and pictures that are turned, are shown as players do.
func TestThumbnails_SizeIsWhatIsShown(t *testing.T) {
	for name, test := range map[string]struct {
		filter              string
		maxWidth, maxHeight *int32
		want                image.Point
	}{
		"never larger":      {filter: "null", maxWidth: new(int32(640)), want: image.Pt(320, 180)},
		"bounded by height": {filter: "null", maxWidth: new(int32(640)), maxHeight: new(int32(90)), want: image.Pt(160, 90)},
		"odd":               {filter: "scale=322:178", maxWidth: new(int32(100)), want: image.Pt(100, 56)},
		"wide pixels":       {filter: "setsar=2", maxWidth: new(int32(320)), want: image.Pt(320, 90)},
		"wide pixels whole": {filter: "setsar=2", want: image.Pt(640, 180)},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &v1alpha1.Thumbnails{Percentages: []int32{50}, MaxWidth: test.maxWidth, MaxHeight: test.maxHeight}, "call.mp4")
			grays(t, b, "-vf", test.filter)
			output := b.mustRun(t)
			if got := decodePicture(t, filepath.Join(b.destination, "room", "stream", output.Name)).Bounds().Size(); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

// TestThumbnails_SizeOfEachPictureCounts: a phone is turned, and the encoder starts again with another size. An MP4 may
// not say so in its header.
func TestThumbnails_SizeOfEachPictureCounts(t *testing.T) {
	for _, object := range []string{"calls/index.m3u8", "call.mp4"} {
		b := newBench(t, &v1alpha1.Thumbnails{Percentages: []int32{10, 90}, MaxWidth: new(int32(160)), MaxHeight: new(int32(160))}, object)
		dir := filepath.Join(b.source, "calls")
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
		for i, size := range []string{"320x180", "180x320"} {
			args := append([]string{"-f", "lavfi", "-i", "testsrc=duration=4:rate=10:size=" + size}, x264[:len(x264)-2]...)
			makeMedia(t, dir, append(args, "-output_ts_offset", []string{"0", "4"}[i], []string{"a.ts", "b.ts"}[i])...)
		}
		playlist := "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\nb.ts\n#EXT-X-ENDLIST\n"
		if err := os.WriteFile(filepath.Join(dir, "index.m3u8"), []byte(playlist), 0o600); err != nil {
			t.Fatal(err)
		}
		if object == "call.mp4" {
			// One MP4 with one sample entry; the other parameter sets are in the samples alone.
			makeMedia(t, dir, "-i", "concat:a.ts|b.ts", "-c", "copy", "../call.mp4")
		}
		result, failed, err := b.run(t)
		if err != nil {
			t.Fatalf("%s: %s: %v", object, failed, err)
		}
		for i, want := range []image.Point{{160, 90}, {90, 160}} {
			if got := decodePicture(t, filepath.Join(b.destination, "room", "stream", result.Outputs[i].Name)).Bounds().Size(); got != want {
				t.Errorf("%s: picture %d is %v, want %v", object, i, got, want)
			}
		}
	}
}

// TestThumbnails_DamagedRecordingHasPictures, and says that it is damaged.
func TestThumbnails_DamagedRecordingHasPictures(t *testing.T) {
	b := newBench(t, &v1alpha1.Thumbnails{Times: []v1alpha1.PictureTime{"0s", "3s", "5s"}, Poster: true}, "calls/index.m3u8")
	hlsRecording(t, filepath.Join(b.source, "calls"))
	if err := os.Remove(filepath.Join(b.source, "calls", "seg1.ts")); err != nil {
		t.Fatal(err)
	}
	result, failed, err := b.run(t)
	if err != nil {
		t.Fatalf("%s: %v", failed, err)
	}
	if len(result.Outputs) != 4 || result.Integrity.State != v1alpha1.IntegrityDamaged {
		t.Errorf("%d outputs, %+v", len(result.Outputs), result.Integrity)
	}
}

// TestThumbnails_KeyFramesStandInForWhatCannotBeDecoded: the pictures from 6 s to the end at 8 s are zeros.
func TestThumbnails_KeyFramesStandInForWhatCannotBeDecoded(t *testing.T) {
	b := newBench(t, &v1alpha1.Thumbnails{Times: []v1alpha1.PictureTime{"1s", "5s", "7s"}}, "call.mp4")
	grays(t, b)
	out, err := exec.CommandContext(t.Context(), programs.FFprobe(t), "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=size,pos",
		"-of", "csv=p=0", filepath.Join(b.source, "call.mp4")).Output()
	if err != nil {
		t.Fatal(err)
	}
	packets := strings.Fields(string(out))
	edit(t, filepath.Join(b.source, "call.mp4"), func(data []byte) []byte {
		for _, packet := range packets[60:] {
			var size, at int
			if _, err := fmt.Sscanf(packet, "%d,%d", &size, &at); err != nil {
				t.Fatal(err)
			}
			clear(data[at+5 : at+size]) // the NAL unit's length and kind stay
		}
		return data
	})
	result, failed, err := b.run(t)
	if err != nil {
		t.Fatalf("%s: %v", failed, err)
	}
	for i, allowed := range [][]int{{1}, {5}, {4, 5}} {
		picture := decodePicture(t, filepath.Join(b.destination, "room", "stream", result.Outputs[i].Name))
		if at := second(picture, v1alpha1.PictureJPEG); !slices.Contains(allowed, at) {
			t.Errorf("picture %d shows second %d, want one of %v", i, at, allowed)
		}
	}
}

// TestThumbnails_SoundAloneHasNone: nothing is published.
func TestThumbnails_SoundAloneHasNone(t *testing.T) {
	b := newBench(t, &v1alpha1.Thumbnails{Poster: true}, "call.mp4")
	makeMedia(t, b.source, "-f", "lavfi", "-i", sound, "-c:a", "aac", "call.mp4")
	_, failed, err := b.run(t)
	wantFailure(t, err, workerapi.ReasonNoVideo, true, "no picture")
	if !failure.Of(err).NothingToDo {
		t.Error("the step fails instead of being skipped")
	}
	if failed != workerapi.ContainerProcess {
		t.Errorf("%s failed", failed)
	}
	if _, err := os.Stat(filepath.Join(b.destination, "room")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was published: %v", err)
	}
}
