// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package steps_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/steps"
	"sparkrtc.dev/recording-operator/internal/testing/pages"
	"sparkrtc.dev/recording-operator/internal/worker"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/trigger"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// samples are the pipelines in config/samples.
func samples(t *testing.T) []v1alpha1.RecordingPipelineSpec {
	t.Helper()
	paths, err := filepath.Glob("../../config/samples/recordingpipeline_*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	var specs []v1alpha1.RecordingPipelineSpec
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sample := v1alpha1.RecordingPipeline{}
		if err := yaml.UnmarshalStrict(data, &sample); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		specs = append(specs, sample.Spec)
	}
	return specs
}

// sample is a step of a kind.
func sample(t *testing.T, kind steps.Kind) *v1alpha1.Step {
	t.Helper()
	for _, spec := range samples(t) {
		for i := range spec.Steps {
			if kind.Is(&spec.Steps[i]) {
				spec.Steps[i].Input = nil
				return &spec.Steps[i]
			}
		}
	}
	t.Fatalf("no pipeline in config/samples has a step of kind %s", kind.Name())
	return nil
}

// notKinds are the structs in a step that are not a kind.
var notKinds = []string{"input", "output", "timeout", "resources"}

// TestKinds_AreThoseOfTheAPIAndTheWorker: a kind that one side lacks cannot be processed.
func TestKinds_AreThoseOfTheAPIAndTheWorker(t *testing.T) {
	var registered, jobs, fields []string
	for _, kind := range steps.Kinds() {
		registered = append(registered, kind.Name())
		if isJob(kind) {
			jobs = append(jobs, kind.Name())
		}
	}
	step := reflect.TypeFor[v1alpha1.Step]()
	for field := range step.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Type.Kind() == reflect.Pointer && field.Type.Elem().Kind() == reflect.Struct && !slices.Contains(notKinds, name) {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	if diff := cmp.Diff(fields, registered); diff != "" {
		t.Errorf("fields of v1alpha1.Step and the operator's registry (-API +operator):\n%s", diff)
	}
	if diff := cmp.Diff(append(worker.Kinds(), trigger.Kind), jobs); diff != "" {
		t.Errorf("the two registries (-worker +operator):\n%s", diff)
	}
}

// TestKinds_Conform runs over every registered kind. What it says of a kind is what the pipeline relies on.
func TestKinds_Conform(t *testing.T) {
	for _, kind := range steps.Kinds() {
		t.Run(kind.Name(), func(t *testing.T) {
			t.Run("has its folders and its page", func(t *testing.T) { hasFolders(t, kind) })
			t.Run("is the only kind of its steps", func(t *testing.T) { isAlone(t, kind) })
			if !isJob(kind) {
				t.Run("asks and has no Job", func(t *testing.T) { asks(t, kind) })
				return
			}
			t.Run("builds the same Job again", func(t *testing.T) { buildsOnce(t, kind) })
			t.Run("keeps credentials apart", func(t *testing.T) { keepsCredentialsApart(t, kind) })
			t.Run("is understood by the worker", func(t *testing.T) { isUnderstood(t, kind) })
			t.Run("is observed to its end", func(t *testing.T) { isObserved(t, kind) })
		})
	}
}

// isJob says whether the steps of a kind are Jobs; otherwise a person decides them.
func isJob(kind steps.Kind) bool {
	_, job := kind.(steps.JobKind)
	return job
}

// asks: a kind without a Job has a question that names the file and the step, and publishes nothing.
func asks(t *testing.T, kind steps.Kind) {
	t.Helper()
	step := sample(t, kind)
	before, file := step.DeepCopy(), work(step.DeepCopy()).File
	one, two := steps.Ask(file, step), steps.Ask(file, step)
	if one == nil || one.Text == "" || !strings.HasSuffix(one.Command, " -n "+file.Namespace+" "+file.Name+" "+step.Name) {
		t.Fatalf("asks %+v", one)
	}
	if diff := cmp.Diff(one, two); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(before, step); diff != "" {
		t.Errorf("asking has changed the step (-before +after):\n%s", diff)
	}
	if made, problem := steps.Build(work(step.DeepCopy())); made != nil || problem == nil {
		t.Errorf("built %v", made)
	}
	if kind.MakesMedia(step) || kind.ReadsFiles() {
		t.Error("it neither makes nor reads files")
	}
}

func hasFolders(t *testing.T, kind steps.Kind) {
	t.Helper()
	folders := []string{"."}
	if isJob(kind) {
		folders = append(folders, "../worker")
		if steps.Ask(work(sample(t, kind)).File, sample(t, kind)) != nil {
			t.Errorf("%s has a Job, and asks", kind.Name())
		}
	}
	for _, folder := range folders {
		if info, err := os.Stat(filepath.Join(folder, kind.Name())); err != nil || !info.IsDir() {
			t.Errorf("%s has no folder %s", folder, kind.Name())
		}
	}
	page, err := os.ReadFile("../../docs/pipelines.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "\n| `"+kind.Name()+"`") {
		t.Errorf("docs/pipelines.md does not say what kind %s makes of a damaged recording", kind.Name())
	}
}

func isAlone(t *testing.T, kind steps.Kind) {
	t.Helper()
	step := sample(t, kind)
	for _, other := range steps.Kinds() {
		if other.Is(step) != (other.Name() == kind.Name()) {
			t.Errorf("a step of kind %s is one of kind %s: %t", kind.Name(), other.Name(), other.Is(step))
		}
	}
	if kind.Is(&v1alpha1.Step{Name: "none"}) {
		t.Error("a step of no kind is one of this")
	}
	if err := kind.Validate(step); err != nil {
		t.Errorf("the sample is not valid: %v", err)
	}
	if steps.NameOf(step) != kind.Name() {
		t.Errorf("metrics call it %s", steps.NameOf(step))
	}
}

func buildsOnce(t *testing.T, kind steps.Kind) {
	t.Helper()
	step := sample(t, kind)
	before := step.DeepCopy()
	one, _ := mustBuild(t, work(step))
	two, _ := mustBuild(t, work(step))
	if diff := cmp.Diff(one, two); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(before, step); diff != "" {
		t.Errorf("building has changed the step (-before +after):\n%s", diff)
	}
	next := work(step)
	next.Run++
	if other, _ := mustBuild(t, next); other.Name == one.Name {
		t.Errorf("two runs have the Job %s", one.Name)
	}
	if one.Labels[v1alpha1.LabelStepKind] != kind.Name() || one.Labels[v1alpha1.LabelStep] != step.Name ||
		one.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy || !metav1.IsControlledBy(one, work(step).File) {
		t.Errorf("labels %v, owners %v", one.Labels, one.OwnerReferences)
	}
}

// keepsCredentialsApart: no container has the credentials of both sides, and the one that reads untrusted media has none.
func keepsCredentialsApart(t *testing.T, kind steps.Kind) {
	t.Helper()
	made, _ := mustBuild(t, work(sample(t, kind)))
	pod := made.Spec.Template.Spec
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Error("the pod mounts the token of its account by itself")
	}
	if kind.Name() == trigger.Kind {
		hasATokenAlone(t, &pod)
		return
	}
	mounts := map[string][]string{}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		for _, m := range c.VolumeMounts {
			mounts[m.Name] = append(mounts[m.Name], c.Name)
		}
	}
	all := []string{workerapi.ContainerFetch, workerapi.ContainerProcess, workerapi.ContainerPublish}
	want := map[string][]string{
		"work": all, "tmp": all,
		"source-credentials": {workerapi.ContainerFetch}, "source-ca": {workerapi.ContainerFetch},
		"destination-credentials": {workerapi.ContainerPublish}, "destination-ca": {workerapi.ContainerPublish},
	}
	if kind.Name() == "container" {
		addMain(want)
	}
	if diff := cmp.Diff(want, mounts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if pod.ServiceAccountName != "" {
		t.Error("the pod has a service account")
	}
}

// addMain: an image of the tenant's has no part of the worker's folders, and shares no folder with both other containers.
func addMain(want map[string][]string) {
	want["work"] = []string{workerapi.ContainerFetch, workerapi.ContainerPublish}
	want["tmp"] = want["work"]
	want["recording"] = []string{workerapi.ContainerFetch, workerapi.ContainerMain}
	want["output"] = []string{workerapi.ContainerMain, workerapi.ContainerPublish}
	want["results"] = want["output"]
	want["scratch"] = []string{workerapi.ContainerMain}
	want["claim-models"] = want["scratch"]
}

// hasATokenAlone: a trigger has the token of the tenant's account, and neither a Secret nor a recording.
func hasATokenAlone(t *testing.T, pod *corev1.PodSpec) {
	t.Helper()
	if pod.ServiceAccountName != "recording-trigger" || len(pod.Containers) != 1 || len(pod.InitContainers) != 0 || len(pod.Volumes) != 1 {
		t.Fatalf("account %s, %d volumes", pod.ServiceAccountName, len(pod.Volumes))
	}
	for _, source := range pod.Volumes[0].Projected.Sources {
		if source.Secret != nil || source.ServiceAccountToken != nil && *source.ServiceAccountToken.ExpirationSeconds > 3600 {
			t.Errorf("%+v", source)
		}
	}
}

func isUnderstood(t *testing.T, kind steps.Kind) {
	t.Helper()
	_, spec := mustBuild(t, work(sample(t, kind)))
	if spec.Kind != kind.Name() {
		t.Errorf("the worker gets kind %s", spec.Kind)
	}
	check := worker.CheckStep
	if kind.Name() == trigger.Kind {
		check = func(spec *workerapi.StepSpec) error {
			_, _, err := trigger.Settings(spec)
			return err
		}
	}
	if err := check(spec); err != nil {
		t.Fatal(err)
	}
	spec.Settings = json.RawMessage(`{"noSuchSetting":1}`)
	if err := check(spec); err == nil || failure.Of(err).Reason != workerapi.ReasonInvalidStep || !failure.Of(err).Permanent {
		t.Errorf("a setting that the worker does not know: %v", err)
	}
}

func isObserved(t *testing.T, kind steps.Kind) {
	t.Helper()
	made, _ := mustBuild(t, work(sample(t, kind)))
	made.UID, made.ResourceVersion, made.CreationTimestamp = "uid", "7", metav1.NewTime(time.Unix(1000, 0))
	seen := steps.Observe(made, nil)
	if seen.State != pipeline.ChildActive || seen.Name != made.Name || seen.UID != "uid" || seen.ResourceVersion != "7" || seen.Run != 1 ||
		seen.Input != "0123456789abcdef" || seen.Step != made.Labels[v1alpha1.LabelStep] || seen.Revision != "lecture-0123456789" || seen.Result != nil {
		t.Errorf("just created: %+v", seen)
	}
	var published workerapi.Result
	if bucket, folder, ok := strings.Cut(made.Annotations[v1alpha1.AnnotationDestination], "/"); ok {
		published.Manifest = &v1alpha1.ManifestReference{URI: "s3://" + bucket + "/" + folder + workerapi.ManifestName}
		published.Outputs = []v1alpha1.Artifact{{Name: "x", URI: "s3://" + bucket + "/" + folder + "x", Bucket: bucket, Key: folder + "x"}}
	}
	message, err := published.Encode()
	if err != nil {
		t.Fatal(err)
	}
	containers := made.Spec.Template.Spec.Containers
	pod := corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodSucceeded, ContainerStatuses: []corev1.ContainerStatus{{
		Name: containers[len(containers)-1].Name, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Message: string(message)}},
	}}}}
	ended := metav1.NewTime(time.Unix(2000, 0))
	made.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: ended}}
	seen = steps.Observe(made, []corev1.Pod{pod})
	if seen.State != pipeline.ChildSucceeded || !seen.CompletionTime.Equal(&ended) || !cmp.Equal(seen.Result, &published) {
		t.Errorf("succeeded: %+v", seen)
	}
	made.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: "DeadlineExceeded", LastTransitionTime: ended}}
	if seen = steps.Observe(made, nil); seen.State != pipeline.ChildFailed || seen.Reason != "DeadlineExceeded" {
		t.Errorf("failed: %+v", seen)
	}
}

func conditions(t *testing.T) *expression.Conditions {
	t.Helper()
	made, err := expression.NewConditions()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestValidate_SamplesAreValid(t *testing.T) {
	for _, spec := range samples(t) {
		if err := steps.Validate(&spec, conditions(t)); err != nil {
			t.Error(err)
		}
	}
}

// TestValidate_PagesAreValid: the pipelines that people copy from the pages of docs are Ready.
func TestValidate_PagesAreValid(t *testing.T) {
	found := 0
	for _, page := range []string{"pipelines.md", "containers.md", "triggers.md"} {
		objects, err := pages.Objects(filepath.Join("..", ".."), page, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			if object.GetKind() != "RecordingPipeline" {
				continue
			}
			found++
			made := v1alpha1.RecordingPipeline{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &made); err != nil {
				t.Fatal(err)
			}
			if err := steps.Validate(&made.Spec, conditions(t)); err != nil {
				t.Errorf("docs/%s: %v", page, err)
			}
		}
	}
	if found < 10 {
		t.Errorf("%d pipelines", found)
	}
}

// TestValidate_NamesTheStep that a person has to correct.
func TestValidate_NamesTheStep(t *testing.T) {
	pictures := func(times ...v1alpha1.PictureTime) v1alpha1.Step {
		return v1alpha1.Step{Name: "pictures", Thumbnails: &v1alpha1.Thumbnails{Times: times}}
	}
	onPictures := *remux()
	onPictures.Input = &v1alpha1.StepInput{Step: "pictures"}
	cyclic := *remux()
	cyclic.DependsOn = []string{"mp4"}
	reads := func(when string) v1alpha1.Step {
		step := *remux()
		step.When = when
		return step
	}
	for message, all := range map[string][]v1alpha1.Step{
		"spec.steps[mp4]: \"steps.other.state == 'Failed'\": spec.steps has no other step \"other\"": {reads("steps.other.state == 'Failed'")},
		"spec.steps[mp4]: \"steps.mp4.state == 'Failed'\": spec.steps has no other step \"mp4\"":     {reads("steps.mp4.state == 'Failed'")},
		"spec.steps[mp4].when: the expression is a string, and must be a bool":                       {reads("recording.room")},
		"spec.steps[mp4].when: write steps.<name>":                                                   {reads("steps.size() == 1")},
		"spec.steps[mp4].when: line 1, column 1: undeclared reference to 'outcome'":                  {reads("outcome == 'Failed'")},
		"spec.steps: [mp4] wait for each other":                                                      {cyclic},
		`spec.steps[mp4].input.step: step "pictures" publishes nothing that this kind of step reads`: {pictures("1s"), onPictures},
		"spec.steps[pictures].thumbnails.times: 60s and 1m are the same time":                        {pictures("1s", "60s", "1m")},
		"spec.steps[pictures].thumbnails.times: time: invalid duration":                              {pictures("soon")},
		"spec.steps[none]: this version of the operator does not know the step's kind":               {{Name: "none"}},
	} {
		if err := steps.Validate(&v1alpha1.RecordingPipelineSpec{Steps: all}, conditions(t)); err == nil || !strings.HasPrefix(err.Error(), message) {
			t.Errorf("got %v, want %s", err, message)
		}
	}
}

// TestValidate_FinallyIsChecked like the steps before it, with what it alone may read.
func TestValidate_FinallyIsChecked(t *testing.T) {
	tell := v1alpha1.Step{Name: "tell", Archive: &v1alpha1.Archive{}, When: "outcome == 'Failed' && steps.mp4.state != 'Skipped'"}
	spec := &v1alpha1.RecordingPipelineSpec{Steps: []v1alpha1.Step{*remux()}, Finally: []v1alpha1.Step{tell}}
	if err := steps.Validate(spec, conditions(t)); err != nil {
		t.Error(err)
	}
	for when, message := range map[string]string{
		"steps.tell.state == 'Failed'": "spec.finally[tell]: \"steps.tell.state == 'Failed'\": spec.steps has no other step \"tell\"",
		"outcome == 7":                 "spec.finally[tell].when: line 1, column 9: found no matching overload",
	} {
		spec.Finally[0].When = when
		if err := steps.Validate(spec, conditions(t)); err == nil || !strings.HasPrefix(err.Error(), message) {
			t.Errorf("%s: got %v, want %s", when, err, message)
		}
	}
}
