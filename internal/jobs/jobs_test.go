// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"encoding/json"
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

var update = flag.Bool("update", false, "write the golden files")

func recordedFile() *v1alpha1.RecordingFile {
	return &v1alpha1.RecordingFile{
		ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "mystream-0a1b2c3d-0", UID: "6e1d0d3e-0000-4000-8000-000000000000"},
	}
}

func facts() recording.Facts {
	start := metav1.NewTime(time.Date(2021, 4, 28, 8, 56, 57, 0, time.UTC))
	return recording.Facts{
		Source: "classroom", App: "app", TaskIDs: []string{"job"}, Room: "room01", Stream: "mystream", Format: "HLS",
		Object:         v1alpha1.ObjectIdentity{Bucket: "recordings", Key: "live/a/a.m3u8"},
		DownloadURL:    "https://recordings.example.com/a.m3u8",
		RecordingFacts: v1alpha1.RecordingFacts{SizeBytes: 26254952, DurationSeconds: 65, StartTime: &start},
	}
}

func bucket(name string) *v1alpha1.StorageLocation {
	return &v1alpha1.StorageLocation{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.StorageLocationSpec{S3: &v1alpha1.S3Location{
			Provider: "Minio", Endpoint: "https://s3.example.com", Region: "r", Bucket: name,
			CredentialsSecretRef: v1alpha1.SecretReference{Name: name + "-credentials"},
			CASecretRef:          &v1alpha1.SecretKeyReference{Name: "ca", Key: "bundle.pem"},
		}},
	}
}

func claim(name string) *v1alpha1.StorageLocation {
	return &v1alpha1.StorageLocation{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.StorageLocationSpec{PersistentVolumeClaim: &v1alpha1.PersistentVolumeClaimLocation{
			ClaimName: name, SubPath: "videos",
		}},
	}
}

func work() Work {
	return Work{
		File:               recordedFile(),
		Facts:              facts(),
		Step:               &v1alpha1.Step{Name: "mp4", Transcode: &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux}},
		Source:             &v1alpha1.RecordingSource{ObjectMeta: metav1.ObjectMeta{Name: "classroom"}},
		SourceStorage:      bucket("recordings"),
		DestinationStorage: bucket("archive"),
		Revision:           "lecture-0123456789",
		WorkerImage:        "recording-worker:test",
	}
}

func TestBuildGolden(t *testing.T) {
	cases := map[string]func(*Work){
		"remux-s3": func(w *Work) { w.DeniedNetworks = []netip.Prefix{netip.MustParsePrefix("169.254.0.0/16")} },
		"h264-from-step-to-volume": func(w *Work) {
			w.Step = &v1alpha1.Step{
				Name: "small", Transcode: &v1alpha1.Transcode{Preset: v1alpha1.PresetH264, Video: &v1alpha1.VideoSettings{MaxHeight: new(int32(480))}},
				Input: &v1alpha1.StepInput{Step: "mp4"}, Retries: new(int32(1)), Timeout: &metav1.Duration{Duration: time.Hour},
				Output:       v1alpha1.StepOutput{Path: "{date}/{room}/"},
				NodeSelector: map[string]string{"disk": "fast"},
			}
			w.InputFrom = &v1alpha1.Artifact{Name: "a.mp4", URI: "s3://archive/x/a.mp4", Bucket: "archive", Key: "x/a.mp4", MediaType: "video/mp4", SizeBytes: 1000, Media: &v1alpha1.Media{DurationMilliseconds: 65400}}
			w.SourceStorage = bucket("archive")
			w.DestinationStorage = claim("videos")
		},
		"archive-from-url": func(w *Work) {
			w.Step = &v1alpha1.Step{Name: "keep", Archive: &v1alpha1.Archive{}}
			w.SourceStorage = nil
			w.Source.Spec.AllowedHosts = []string{"recordings.example.com"}
			w.DeniedNetworks = []netip.Prefix{netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fd00:ec2::254/128")}
			w.Facts.SizeBytes = 0
		},
		"h264-from-volume": func(w *Work) {
			w.Step = &v1alpha1.Step{Name: "small", Transcode: &v1alpha1.Transcode{Preset: v1alpha1.PresetH264}}
			w.SourceStorage = claim("recordings")
			w.DeniedNetworks = []netip.Prefix{netip.MustParsePrefix("169.254.0.0/16")}
		},
		"remux-whatever-happens": func(w *Work) {
			w.Step.Transcode = &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux,
				OnChange: v1alpha1.ChangeSplit, OnDamage: v1alpha1.DamagePublish, Strict: true}
			w.Step.Resources = &corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("3Gi")}}
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			w := work()
			change(&w)
			job, err := Build(w)
			if err != nil {
				t.Fatal(err)
			}
			got, err := yaml.Marshal(job)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("(-want +got), go test -update writes it anew:\n%s", diff)
			}
		})
	}
}

func TestCredentialsStayApart(t *testing.T) {
	job, err := Build(work())
	if err != nil {
		t.Fatal(err)
	}
	pod := job.Spec.Template.Spec
	mounts := map[string][]string{}
	for _, c := range append(pod.InitContainers, pod.Containers...) {
		for _, m := range c.VolumeMounts {
			mounts[m.Name] = append(mounts[m.Name], c.Name)
		}
	}
	want := map[string][]string{
		volumeWork: {"fetch", "process", "publish"}, volumeTemp: {"fetch", "process", "publish"},
		volumeSourceCredentials: {"fetch"}, volumeSourceCA: {"fetch"},
		volumeDestinationCredentials: {"publish"}, volumeDestinationCA: {"publish"},
	}
	if diff := cmp.Diff(want, mounts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBuildProblems(t *testing.T) {
	tests := map[string]struct {
		change          func(*Work)
		reason, message string
	}{
		"another bucket": {func(w *Work) { w.Facts.Object.Bucket = "secrets" }, v1alpha1.ReasonBucketNotAllowed, `bucket "secrets"`},
		"a bucket not on the list": {func(w *Work) {
			w.Source.Spec.AllowedBuckets = []string{"other"}
		}, v1alpha1.ReasonBucketNotAllowed, `bucket "recordings"`},
		"another host":       {func(w *Work) { w.SourceStorage = nil }, v1alpha1.ReasonHostNotAllowed, `host "recordings.example.com"`},
		"a host's neighbour": {func(w *Work) { w.SourceStorage = nil; w.Source.Spec.AllowedHosts = []string{"example.com"} }, v1alpha1.ReasonHostNotAllowed, "allowedHosts"},
		"a file":             {func(w *Work) { w.SourceStorage = nil; w.Facts.DownloadURL = "file:///etc/passwd" }, v1alpha1.ReasonHostNotAllowed, "allowedHosts"},
		"no place at all":    {func(w *Work) { w.SourceStorage = nil; w.Facts.DownloadURL = "" }, v1alpha1.ReasonStorageLocationNotFound, "storageRef"},
		"unknown format":     {func(w *Work) { w.Facts.Format = "FLV" }, v1alpha1.ReasonFormatUnsupported, `"FLV"`},
		"an input that moved": {func(w *Work) {
			w.InputFrom = &v1alpha1.Artifact{URI: "pvc://films/a.mp4"}
		}, v1alpha1.ReasonInputMissing, "pvc://films/a.mp4"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := work()
			test.change(&w)
			_, err := Build(w)
			var problem *Problem
			if !errors.As(err, &problem) || problem.Reason != test.reason || !strings.Contains(problem.Message, test.message) {
				t.Errorf("got %v, want %s with %q", err, test.reason, test.message)
			}
		})
	}
}

func TestAllowedHosts(t *testing.T) {
	for _, host := range []string{"recordings.example.com", "Recordings.Example.COM"} {
		w := work()
		w.SourceStorage, w.Source.Spec.AllowedHosts = nil, []string{host}
		for _, location := range []string{"https://recordings.example.com/a.m3u8", "https://RECORDINGS.example.com:443/a.m3u8"} {
			w.Facts.DownloadURL = location
			if _, err := Build(w); err != nil {
				t.Errorf("%s with %s allowed: %v", location, host, err)
			}
		}
	}
}

func TestAllowedBuckets(t *testing.T) {
	w := work()
	w.Facts.Object.Bucket = "other"
	w.Source.Spec.AllowedBuckets = []string{"other"}
	job, err := Build(w)
	if err != nil {
		t.Fatal(err)
	}
	var spec workerapi.StepSpec
	if err := json.Unmarshal([]byte(job.Spec.Template.Spec.Containers[0].Env[0].Value), &spec); err != nil {
		t.Fatal(err)
	}
	if spec.Inputs[0].Artifact.Bucket != "other" || spec.Inputs[0].Storage.Spec.S3.Endpoint != "https://s3.example.com" {
		t.Errorf("reads %q at %q; the endpoint must be the StorageLocation's", spec.Inputs[0].Artifact.Bucket, spec.Inputs[0].Storage.Spec.S3.Endpoint)
	}
}

func TestTheKubeletExpandsNothing(t *testing.T) {
	w := work()
	w.Facts.Object.Key = "a$$b/$(HOME)/c.m3u8"
	job, err := Build(w)
	if err != nil {
		t.Fatal(err)
	}
	value := job.Spec.Template.Spec.Containers[0].Env[0].Value
	var spec workerapi.StepSpec
	if err := json.Unmarshal([]byte(value), &spec); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(value, "$") || spec.Inputs[0].Artifact.Key != w.File.Spec.File.OBS.Object {
		t.Errorf("got %s", value)
	}
}

func TestVolumeInput(t *testing.T) {
	made := v1alpha1.Artifact{Name: "a.mp4", URI: "pvc://videos/videos/room/a.mp4", Key: "room/a.mp4", MediaType: "video/mp4"}
	from, problem := stepInput("mp4", made, claim("videos"))
	if problem != nil || from.Artifact.Key != "room/a.mp4" || from.Artifact.Bucket != "" || from.Format != "MP4" {
		t.Errorf("got %+v, %v; want room/a.mp4 below the subPath", from, problem)
	}
}

func TestExpandPath(t *testing.T) {
	file, known := recordedFile(), facts()
	known.Room = "../../etc\x00/房间 01"
	known.Stream = ".."
	tests := map[string]string{
		"":                      ".._.._etc__房间_01/unknown/20210428T085657Z-mystream-0a1b2c3d-0/mp4/",
		"{date}/{start}":        "2021-04-28/20210428T085657Z/",
		"fixed/{app}//{format}": "fixed/app/HLS/",
		"{namespace}/{source}/": "media/classroom/",
	}
	tests[""] = strings.TrimPrefix(tests[""], "..") // leading dots are dropped
	for template, want := range tests {
		if got := expandPath(template, file, known, "mp4"); got != want {
			t.Errorf("%q: got %q, want %q", template, got, want)
		}
	}
}

// TestPathsStayBelow holds for whatever a callback says.
func TestPathsStayBelow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		known := facts()
		known.Room = rapid.String().Draw(t, "room")
		known.Stream = rapid.StringN(0, 256, 1024).Draw(t, "stream")
		got := expandPath("a/{room}/{stream}/", recordedFile(), known, "s")
		parts := strings.Split(got, "/")
		if len(parts) != 4 || parts[0] != "a" || parts[3] != "" || len(got) > 1024-512 {
			t.Fatalf("got %q", got)
		}
		for _, part := range parts[:3] {
			if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "\x00\n\\") {
				t.Fatalf("part %q of %q", part, got)
			}
		}
	})
}

func TestNamesAreLabelsAndDiffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := recordedFile()
		file.Name = rapid.StringMatching(`[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?`).Draw(t, "name")
		step := rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,22}[a-z0-9])?`).Draw(t, "step")
		name := Name(file, step, "in")
		if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
			t.Fatalf("%q: %v", name, problems)
		}
		other := recordedFile()
		other.Name, other.UID = file.Name, "another"
		if name == Name(file, step, "grown") || name == Name(other, step, "in") || name != Name(file, step, "in") {
			t.Fatal("the name does not tell inputs and files apart")
		}
	})
}

func TestFailurePolicyStopsAtPermanentFailures(t *testing.T) {
	rules := failurePolicy().Rules
	if rules[0].Action != batchv1.PodFailurePolicyActionFailJob || rules[0].OnExitCodes.Values[0] != workerapi.ExitPermanent {
		t.Errorf("got %+v", rules[0])
	}
}
