//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"path"
	"testing"

	. "github.com/onsi/gomega"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// picture is what ffprobe says of a file of the archive: codec,width,height.
func picture(t *testing.T, key string) string {
	t.Helper()
	return toolbox(t, `ffprobe -v error -select_streams v:0 -show_entries stream=codec_name,width,height -of csv=p=0 "$1"`, "/data/archive/"+key)
}

// TestThumbnails_OfAnMP4AndOfTheRecording: a step takes pictures of what another step has published, and one of the
// recording itself. The status lists the first four, the manifest all of them.
func TestThumbnails_OfAnMP4AndOfTheRecording(t *testing.T) {
	g := NewWithT(t)
	r := withSteps(t, func(r *room) []v1alpha1.Step {
		return []v1alpha1.Step{
			r.remux(),
			{Name: "pictures", Input: &v1alpha1.StepInput{Step: "mp4"}, Output: r.output(), Thumbnails: &v1alpha1.Thumbnails{
				Poster: true, Times: []v1alpha1.PictureTime{"1s", "1h"}, Percentages: []int32{25, 50, 75}, MaxWidth: new(int32(320))}},
			{Name: "poster", Output: r.output(), Thumbnails: &v1alpha1.Thumbnails{Poster: true, Format: v1alpha1.PictureWebP}},
		}
	})
	r.complete("job", "camera", r.record("camera"), seconds).mustSend(t)
	file := r.eventually(v1alpha1.ReasonSucceeded)
	pictures, poster := file.Status.Steps[1], file.Status.Steps[2]

	g.Expect(pictures.Outputs).To(HaveLen(v1alpha1.MaxOutputs))
	g.Expect(pictures.Manifest.Outputs).To(BeEquivalentTo(6))
	g.Expect(pictures.Manifest.Files).To(BeEquivalentTo(6))
	g.Expect(pictures.Integrity.State).To(Equal(v1alpha1.IntegrityIntact))
	g.Expect(pictures.Outputs[0].Name).To(Equal("poster.jpg"))
	folder := path.Dir(pictures.Outputs[0].Key)
	for _, name := range []string{"poster", "at-00h00m01s", "at-01h00m00s", "at-25pct", "at-50pct", "at-75pct"} {
		g.Expect(picture(t, folder+"/"+name+".jpg")).To(Equal("mjpeg,320,180"), name)
	}
	g.Expect(poster.Outputs).To(HaveLen(1))
	g.Expect(poster.Outputs[0].MediaType).To(Equal("image/webp"))
	g.Expect(poster.Outputs[0].StorageRef.Name).To(Equal("archive"))
	g.Expect(picture(t, poster.Outputs[0].Key)).To(Equal("webp,640,360"))

	var manifest struct {
		Kind    string              `json:"kind"`
		Outputs []v1alpha1.Artifact `json:"outputs"`
	}
	g.Expect(json.Unmarshal([]byte(toolbox(t, `cat "$1"`, "/data/archive/"+folder+"/manifest.json")), &manifest)).To(Succeed())
	g.Expect(manifest.Kind).To(Equal("thumbnails"))
	g.Expect(manifest.Outputs).To(HaveLen(6))
	sum := toolbox(t, `sha256sum <"$1" | cut -d' ' -f1`, "/data/archive/"+folder+"/manifest.json")
	g.Expect(pictures.Manifest.SHA256).To(Equal(sum))
}
