// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package step

import (
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

func TestProduct_OutputsDivideTheFiles(t *testing.T) {
	product := Product{
		Files:   []File{{Name: "a.ts", SizeBytes: 5}, {Name: "a.m3u8", SizeBytes: 2, SHA256: "a"}, {Name: "b.mp4", SizeBytes: 9, SHA256: "b"}},
		Outputs: []Output{{Files: 2}, {Files: 1, Media: &v1alpha1.Media{Container: "mp4"}}},
	}
	outputs := product.Artifacts(func(name string) v1alpha1.Artifact {
		return v1alpha1.Artifact{Name: name, URI: "s3://x/" + name, Bucket: "x", Key: name}
	})
	if len(outputs) != 2 || outputs[0].URI != "s3://x/a.m3u8" || outputs[0].Key != "a.m3u8" || outputs[0].SizeBytes != 7 || outputs[0].Files != 2 || outputs[0].SHA256 != "a" || outputs[0].Media != nil ||
		outputs[1].URI != "s3://x/b.mp4" || outputs[1].SizeBytes != 9 || outputs[1].Media.Container != "mp4" {
		t.Errorf("%+v", outputs)
	}
	product.UseLocal("a.ts", ".long/0")
	if product.LocalName("a.ts") != ".long/0" || product.LocalName("a.m3u8") != "a.m3u8" {
		t.Error("the local names are other ones")
	}
}
