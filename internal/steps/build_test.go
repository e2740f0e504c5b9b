// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package steps_test

import (
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/steps"
	"sparkrtc.dev/recording-operator/internal/steps/job"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

var update = flag.Bool("update", false, "write the golden files again")

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

// output is what a step has published to a StorageLocation.
func output(storage string) v1alpha1.Artifact {
	return v1alpha1.Artifact{
		Name: "a.mp4", URI: "s3://archive/x/a.mp4", StorageRef: v1alpha1.LocalReference{Name: storage}, Bucket: "archive", Key: "x/a.mp4",
		MediaType: "video/mp4", SizeBytes: 1000, Media: &v1alpha1.Media{DurationMilliseconds: 65400},
	}
}

// inputs are artifacts of a step.
func inputs(step string, artifacts ...v1alpha1.Artifact) []pipeline.Input {
	var made []pipeline.Input
	for _, artifact := range artifacts {
		made = append(made, pipeline.Input{Step: step, Artifact: artifact})
	}
	return made
}

// storages are StorageLocations by their names.
func storages(locations ...*v1alpha1.StorageLocation) map[string]*v1alpha1.StorageLocation {
	byName := map[string]*v1alpha1.StorageLocation{}
	for _, location := range locations {
		byName[location.Name] = location
	}
	return byName
}

func work(step *v1alpha1.Step) *job.Work {
	if step.Output == nil && step.Trigger == nil {
		step.Output = &v1alpha1.StepOutput{}
	}
	return &job.Work{
		Start:        pipeline.Start{Step: step, Run: 1, InputDigest: "0123456789abcdef", Value: func(string) (any, error) { return "value", nil }},
		TriggerImage: "trigger:test", TriggerAccount: "recording-trigger",
		File: &v1alpha1.RecordingFile{
			ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "mystream-0a1b2c3d", UID: "6e1d0d3e-0000-4000-8000-000000000000"},
			Spec:       v1alpha1.RecordingFileSpec{SourceRef: v1alpha1.LocalReference{Name: "classroom"}},
		},
		Facts: recording.Facts{
			Source: "classroom", App: "app", Room: "room01", Stream: "mystream", Format: "HLS",
			Object:      v1alpha1.ObjectIdentity{Bucket: "recordings", Key: "live/a/a.m3u8"},
			DownloadURL: "https://recordings.example.com/a.m3u8",
			RecordingFacts: v1alpha1.RecordingFacts{SizeBytes: 26254952, DurationSeconds: 65,
				StartTime: new(metav1.NewTime(time.Date(2021, 4, 28, 8, 56, 57, 0, time.UTC)))},
		},
		Source:        &v1alpha1.RecordingSource{ObjectMeta: metav1.ObjectMeta{Name: "classroom"}},
		InputStorage:  bucket("recordings"),
		OutputStorage: bucket("archive"),
		Pipeline:      "lecture",
		Revision:      "lecture-0123456789",
		WorkerImage:   "recording-worker:test",
	}
}

func remux() *v1alpha1.Step {
	return &v1alpha1.Step{Name: "mp4", Transcode: &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux}}
}

func mustBuild(t interface {
	Helper()
	Fatalf(string, ...any)
}, work *job.Work) (*batchv1.Job, *workerapi.StepSpec) {
	t.Helper()
	made, problem := steps.Build(work)
	if problem != nil {
		t.Fatalf("%+v", *problem)
	}
	spec := &workerapi.StepSpec{}
	if err := json.Unmarshal([]byte(made.Spec.Template.Spec.Containers[0].Env[0].Value), spec); err != nil {
		t.Fatalf("%v", err)
	}
	return made, spec
}

func TestBuild_Golden(t *testing.T) {
	cases := map[string]func(*job.Work){
		"remux-s3": func(w *job.Work) { w.DeniedNetworks = []netip.Prefix{netip.MustParsePrefix("169.254.0.0/16")} },
		"h264-from-step-to-volume": func(w *job.Work) {
			w.Step = &v1alpha1.Step{
				Name: "small", Transcode: &v1alpha1.Transcode{Preset: v1alpha1.PresetH264, Video: &v1alpha1.VideoSettings{MaxHeight: new(int32(480))}},
				Input:  &v1alpha1.StepInput{Step: "mp4"},
				Output: &v1alpha1.StepOutput{Path: "{date}/{room}/"},
				StepSettings: v1alpha1.StepSettings{
					Retries: new(int32(1)), Timeout: &metav1.Duration{Duration: time.Hour}, NodeSelector: map[string]v1alpha1.LabelValue{"disk": "fast"},
				},
			}
			w.Inputs, w.InputStorages = inputs("mp4", output("archive")), storages(bucket("archive"))
			w.OutputStorage = claim("videos")
		},
		"archive-from-url": func(w *job.Work) {
			w.Step = &v1alpha1.Step{Name: "keep", Archive: &v1alpha1.Archive{}, Output: &v1alpha1.StepOutput{}}
			w.InputStorage = nil
			w.Source.Spec.AllowedHosts = []string{"recordings.example.com"}
			w.DeniedNetworks = []netip.Prefix{netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fd00:ec2::254/128")}
			w.Facts.SizeBytes = 0
		},
		"h264-from-volume": func(w *job.Work) {
			w.Step = &v1alpha1.Step{Name: "small", Transcode: &v1alpha1.Transcode{Preset: v1alpha1.PresetH264}, Output: &v1alpha1.StepOutput{}}
			w.InputStorage = claim("recordings")
			w.DeniedNetworks = []netip.Prefix{netip.MustParsePrefix("169.254.0.0/16")}
		},
		"remux-whatever-happens": func(w *job.Work) {
			w.Run = 12
			w.Step.Transcode = &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux,
				OnChange: v1alpha1.ChangeSplit, OnDamage: v1alpha1.DamagePublish, Strict: true}
			w.Step.Resources = &v1alpha1.StepResources{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("3Gi")}}
		},
		"thumbnails-of-step": func(w *job.Work) {
			w.Step = &v1alpha1.Step{Name: "pictures", Input: &v1alpha1.StepInput{Step: "mp4"},
				Thumbnails: &v1alpha1.Thumbnails{Times: []v1alpha1.PictureTime{"10s"}, Percentages: []int32{50}, Poster: true, MaxWidth: new(int32(640))},
				Output:     &v1alpha1.StepOutput{}}
			w.Inputs, w.InputStorages = inputs("mp4", output("archive")), storages(bucket("archive"))
		},
		"container": func(w *job.Work) {
			w.Step = &v1alpha1.Step{Name: "captions", Input: &v1alpha1.StepInput{Step: "mp4"}, Output: &v1alpha1.StepOutput{}, Container: &v1alpha1.Container{
				Image: "registry.example.com/whisper:1.8", Command: []v1alpha1.Argument{"/bin/caption"}, Args: []v1alpha1.Argument{"$(RECORDING_PARAM_ROOM)", "$$"},
				Env:     []v1alpha1.ContainerVariable{{Name: "THREADS", Value: "$(API_KEY)"}},
				Params:  []v1alpha1.ContainerParam{{Name: "room", Value: "recording.room"}},
				Secrets: []v1alpha1.ContainerSecret{{Name: "API_KEY", SecretRef: v1alpha1.SecretKeyReference{Name: "asr", Key: "token"}}},
				Volumes: []v1alpha1.ContainerVolume{{Name: "models", MountPath: "/models", PersistentVolumeClaim: v1alpha1.ContainerClaim{ClaimName: "whisper"}}},
				Outputs: []v1alpha1.ContainerOutput{{Path: "captions.vtt", Kind: v1alpha1.ArtifactSubtitles, Language: "en"}},
				Results: []v1alpha1.ContainerResult{{Name: "language"}}, RunAsUser: new(int64(1000)),
			}}
			w.Value = func(string) (any, error) { return "}}'\"; rm -rf / # $(API_KEY)", nil }
			video, words := output("archive"), output("archive")
			words.Name, words.URI, words.Key, words.MediaType, words.SizeBytes = "words.json", "s3://archive/x/words.json", "x/words.json", "application/json", 200
			words.Kind, words.Language, words.Media = v1alpha1.ArtifactData, "en", nil
			w.Inputs, w.InputStorages, w.OutputStorage = inputs("mp4", video, words), storages(bucket("archive")), claim("videos")
		},
		"container-of-steps": func(w *job.Work) {
			w.Step = &v1alpha1.Step{Name: "burn", Inputs: []v1alpha1.StepInput{{Step: "mp4"}, {Step: "captions"}, {Step: "logo"}}, Output: &v1alpha1.StepOutput{},
				Container: &v1alpha1.Container{Image: "registry.example.com/burn:1", Outputs: []v1alpha1.ContainerOutput{{Path: "burnt.mp4", Kind: v1alpha1.ArtifactVideo}}}}
			video, words, logo := output("archive"), output("words"), output("archive")
			words.Name, words.URI, words.Bucket, words.Key, words.MediaType, words.Media = "a.vtt", "s3://words/x/a.vtt", "words", "x/a.vtt", "text/vtt", nil
			logo.Name, logo.URI, logo.Key, logo.MediaType, logo.Media = "a.png", "s3://archive/x/a.png", "x/a.png", "image/png", nil
			w.Inputs = slices.Concat(inputs("mp4", video), inputs("captions", words), inputs("logo", logo))
			w.InputStorages = storages(bucket("archive"), bucket("words"))
		},
		"container-of-download-and-step": func(w *job.Work) { // the step's credentials are mounted, whichever comes first
			w.Step = &v1alpha1.Step{Name: "burn", Inputs: []v1alpha1.StepInput{{Step: v1alpha1.InputRecording}, {Step: "captions"}}, Output: &v1alpha1.StepOutput{},
				Container: &v1alpha1.Container{Image: "registry.example.com/burn:1", Outputs: []v1alpha1.ContainerOutput{{Path: "burnt.mp4", Kind: v1alpha1.ArtifactVideo}}}}
			words := output("words")
			words.Name, words.URI, words.Bucket, words.Key, words.MediaType, words.Media = "a.vtt", "s3://words/x/a.vtt", "words", "x/a.vtt", "text/vtt", nil
			w.Inputs = slices.Concat([]pipeline.Input{{Step: v1alpha1.InputRecording}}, inputs("captions", words))
			w.InputStorage, w.InputStorages = nil, storages(bucket("words"))
			w.Source.Spec.AllowedHosts = []string{"recordings.example.com"}
			w.Facts.SizeBytes = 0
		},
		"trigger": func(w *job.Work) {
			w.Step = &v1alpha1.Step{Name: "captions", Trigger: &v1alpha1.Trigger{
				Object: &v1alpha1.TriggerObject{APIVersion: "argoproj.io/v1alpha1", Kind: "Workflow",
					Metadata: map[string]map[string]string{"labels": {"team": "media"}},
					Fields:   map[string]runtime.RawExtension{"spec": {Raw: []byte(`{"arguments":{"parameters":[{"name":"room"}]},"limit":5000000000}`)}}},
				Set:   []v1alpha1.TriggerValue{{Path: "/spec/arguments/parameters/0/value", Value: "recording.room"}},
				Owned: true,
				Wait:  &v1alpha1.TriggerWait{Success: "object.?status.?phase.orValue('') == 'Succeeded'"},
			}}
			w.Value = func(string) (any, error) { return "}}'\"; rm -rf / # {{workflow.name}} $(HOME)", nil }
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			w := work(remux())
			change(w)
			made, _ := mustBuild(t, w)
			got, err := yaml.Marshal(made)
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
				t.Errorf("(-want +got), go test -update writes it again:\n%s", diff)
			}
		})
	}
}

func TestBuild_Problems(t *testing.T) {
	tests := map[string]struct {
		change          func(*job.Work)
		reason, message string
	}{
		"another bucket":           {func(w *job.Work) { w.Facts.Object.Bucket = "secrets" }, v1alpha1.ReasonBucketNotAllowed, `bucket "secrets"`},
		"a bucket not on the list": {func(w *job.Work) { w.Source.Spec.AllowedBuckets = []string{"other"} }, v1alpha1.ReasonBucketNotAllowed, `bucket "recordings"`},
		"another host":             {func(w *job.Work) { w.InputStorage = nil }, v1alpha1.ReasonHostNotAllowed, `host "recordings.example.com"`},
		"a host's neighbor":        {func(w *job.Work) { w.InputStorage = nil; w.Source.Spec.AllowedHosts = []string{"example.com"} }, v1alpha1.ReasonHostNotAllowed, "allowedHosts"},
		"a local file":             {func(w *job.Work) { w.InputStorage = nil; w.Facts.DownloadURL = "file:///etc/passwd" }, v1alpha1.ReasonHostNotAllowed, "allowedHosts"},
		"no place at all":          {func(w *job.Work) { w.InputStorage = nil; w.Facts.DownloadURL = "" }, v1alpha1.ReasonStorageLocationNotFound, "storageRef"},
		"unknown format":           {func(w *job.Work) { w.Facts.Format = "FLV" }, v1alpha1.ReasonFormatUnsupported, `"FLV"`},
		"a format of artifacts":    {func(w *job.Work) { w.Facts.Format = workerapi.FormatFile }, v1alpha1.ReasonFormatUnsupported, `"File"`},
		"no kind":                  {func(w *job.Work) { w.Step.Transcode = nil }, v1alpha1.ReasonPipelineInvalid, "kind"},
		"an input in another bucket": {func(w *job.Work) { withInput(w, func(a *v1alpha1.Artifact) { a.Bucket = "secrets" }) },
			v1alpha1.ReasonInputMissing, "s3://archive/x/a.mp4"},
		"an input without a key": {func(w *job.Work) { withInput(w, func(a *v1alpha1.Artifact) { a.Key = "" }) }, v1alpha1.ReasonInputMissing, "archive"},
		"an input without a StorageLocation": {func(w *job.Work) { withInput(w, func(a *v1alpha1.Artifact) { a.StorageRef.Name = "gone" }) },
			v1alpha1.ReasonStorageLocationNotFound, `StorageLocation "gone" of step "mp4" not found`},
		"an input of another type": {func(w *job.Work) { withInput(w, func(a *v1alpha1.Artifact) { a.MediaType = "image/jpeg" }) },
			v1alpha1.ReasonFormatUnsupported, "image/jpeg"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := work(remux())
			test.change(w)
			made, problem := steps.Build(w)
			if made != nil || problem == nil || problem.Reason != test.reason || !strings.Contains(problem.Message, test.message) {
				t.Errorf("got %+v, want %s with %q", problem, test.reason, test.message)
			}
		})
	}
}

func withInput(w *job.Work, change func(*v1alpha1.Artifact)) {
	artifact := output("archive")
	change(&artifact)
	w.Step.Input, w.Inputs, w.InputStorages = &v1alpha1.StepInput{Step: "mp4"}, inputs("mp4", artifact), storages(bucket("archive"))
}

func TestBuild_AllowedHosts(t *testing.T) {
	for _, host := range []string{"recordings.example.com", "Recordings.Example.COM"} {
		w := work(remux())
		w.InputStorage, w.Source.Spec.AllowedHosts = nil, []string{host}
		for _, location := range []string{"https://recordings.example.com/a.m3u8", "https://RECORDINGS.example.com:443/a.m3u8"} {
			w.Facts.DownloadURL = location
			if _, problem := steps.Build(w); problem != nil {
				t.Errorf("%s with %s allowed: %v", location, host, problem)
			}
		}
	}
}

func TestBuild_AllowedBuckets(t *testing.T) {
	w := work(remux())
	w.Facts.Object.Bucket = "other"
	w.Source.Spec.AllowedBuckets = []string{"other"}
	_, spec := mustBuild(t, w)
	if input := spec.Inputs[0]; input.Artifact.Bucket != "other" || input.Storage.Spec.S3.Endpoint != "https://s3.example.com" {
		t.Errorf("reads %q at %q; the endpoint must be the StorageLocation's", input.Artifact.Bucket, input.Storage.Spec.S3.Endpoint)
	}
}

func TestBuild_KubeletExpandsNothing(t *testing.T) {
	w := work(remux())
	w.Facts.Object.Key = "a$$b/$(HOME)/c.m3u8"
	made, spec := mustBuild(t, w)
	if value := made.Spec.Template.Spec.Containers[0].Env[0].Value; strings.Contains(value, "$") || spec.Inputs[0].Artifact.Key != w.Facts.Object.Key {
		t.Errorf("got %s", value)
	}
}

// TestBuild_InputsOfSteps: an archived playlist is read as HLS, and a file of a volume below the subPath.
func TestBuild_InputsOfSteps(t *testing.T) {
	w := work(remux())
	withInput(w, func(a *v1alpha1.Artifact) {
		a.MediaType, a.Bucket, a.Key = "application/vnd.apple.mpegurl", "", "room/a.m3u8"
	})
	w.InputStorages["archive"] = claim("videos")
	_, spec := mustBuild(t, w)
	if input := spec.Inputs[0]; input.Format != "HLS" || input.Artifact.Key != "room/a.m3u8" || input.Step != "mp4" || input.DurationSeconds != 65 {
		t.Errorf("%+v", input)
	}
}

// TestBuild_InputIsReadByWhatIsInIt: an archive keeps names that need not tell.
func TestBuild_InputIsReadByWhatIsInIt(t *testing.T) {
	for container, want := range map[string]string{"hls": workerapi.FormatHLS, "mp4": workerapi.FormatMP4} {
		w := work(remux())
		withInput(w, func(a *v1alpha1.Artifact) {
			a.Name, a.Key, a.MediaType, a.Media.Container = "a", "x/a", "application/octet-stream", container
		})
		if _, spec := mustBuild(t, w); spec.Inputs[0].Format != want || spec.Inputs[0].Artifact.Key != "x/a" {
			t.Errorf("%s: %+v", container, spec.Inputs[0])
		}
	}
}

// TestBuild_QueueIsOfTheJobAlone: Kueue is to queue the Job, not its pods once more, and it alone suspends it.
func TestBuild_QueueIsOfTheJobAlone(t *testing.T) {
	w := work(remux())
	w.QueueName, w.PriorityClass = "video", "urgent"
	job, _ := mustBuild(t, w)
	if job.Labels[v1alpha1.LabelQueueName] != "video" || job.Labels[v1alpha1.LabelQueuePriorityClass] != "urgent" || job.Spec.Suspend != nil {
		t.Errorf("the Job has the labels %v, suspend %v", job.Labels, job.Spec.Suspend)
	}
	for _, label := range []string{v1alpha1.LabelQueueName, v1alpha1.LabelQueuePriorityClass} {
		if _, ok := job.Spec.Template.Labels[label]; ok {
			t.Errorf("its pods have the label %s", label)
		}
	}
}
