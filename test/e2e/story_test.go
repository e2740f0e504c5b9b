//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const seconds = 12

// record puts a recording of 12 s in segments of 4 s into the test's folder and returns the playlist's key.
func (r *room) record(stream string) string {
	r.t.Helper()
	toolbox(r.t, `
		rm -rf "/tmp/$1" && mkdir -p "/tmp/$1" && cd "/tmp/$1"
		ffmpeg -hide_banner -loglevel error -f lavfi -i testsrc2=size=640x360:rate=25 -f lavfi -i sine=frequency=440:sample_rate=48000 -t 12 \
			-c:v libx264 -preset ultrafast -g 100 -keyint_min 100 -sc_threshold 0 -pix_fmt yuv420p -c:a aac \
			-f hls -hls_time 4 -hls_playlist_type vod -hls_segment_filename "$1-%03d.ts" "$1.m3u8"
		mkdir -p "/data/recordings/$2/$1" && cp ./* "/data/recordings/$2/$1/"
		cd / && rm -rf "/tmp/$1"`, stream, r.folder)
	return r.folder + "/" + stream + "/" + stream + ".m3u8"
}

func (r *room) remux() v1alpha1.Step {
	return v1alpha1.Step{Name: "mp4", Transcode: &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux}, Output: r.output()}
}

// withSteps is a room whose pipeline publishes to its own folder.
func withSteps(t *testing.T, steps func(*room) []v1alpha1.Step) *room {
	t.Helper()
	r := newRoom(t)
	r.create(&v1alpha1.RecordingPipeline{ObjectMeta: r.meta("lecture"), Spec: v1alpha1.RecordingPipelineSpec{Steps: steps(r)}})
	return r
}

func TestTheStory(t *testing.T) {
	g := NewWithT(t)
	r := withSteps(t, func(r *room) []v1alpha1.Step {
		return []v1alpha1.Step{
			r.remux(),
			{Name: "small", Input: &v1alpha1.StepInput{Step: "mp4"}, Output: r.output(), Transcode: &v1alpha1.Transcode{
				Preset: v1alpha1.PresetH264, Video: &v1alpha1.VideoSettings{MaxHeight: new(int32(180))}}},
			{Name: "keep", Archive: &v1alpha1.Archive{}, DependsOn: []string{"mp4"}, Output: r.output()},
		}
	})
	r.start("job", "camera").mustSend(t)
	g.Eventually(r.task, settled, poll).Should(HaveField("Status.State", v1alpha1.TaskRecording))
	object := r.record("camera")
	r.complete("job", "camera", object, seconds).mustSend(t)
	r.over("job").mustSend(t)
	file := r.eventually(v1alpha1.ReasonSucceeded)

	g.Eventually(r.task, settled, poll).Should(And(HaveField("Status.State", v1alpha1.TaskEnded), HaveField("Status.Summary.Files", "1")))
	g.Expect(file.Status.Summary.Progress).To(Equal("3/3"))
	root := r.folder + "/camera/"
	mp4, small, keep := file.Status.Steps[0].Outputs[0], file.Status.Steps[1].Outputs[0], file.Status.Steps[2].Outputs[0]
	g.Expect(mp4.URI).To(Equal("s3://archive/" + root + "mp4/camera.mp4"))
	g.Expect(mp4.Media.VideoCodec).To(Equal("h264"))
	g.Expect(mp4.Media.DurationMilliseconds).To(BeNumerically("~", seconds*1000, 200))
	g.Expect(small.Media.Height).To(BeEquivalentTo(180))
	g.Expect(keep.URI).To(Equal("s3://archive/" + root + "keep/camera.m3u8"))
	g.Expect(keep.Files).To(BeEquivalentTo(4))
	// Every step says that the recording is whole, the archive too.
	for _, step := range file.Status.Steps {
		g.Expect(step.Integrity).NotTo(BeNil(), step.Name)
		g.Expect(step.Integrity.State).To(Equal(v1alpha1.IntegrityIntact), step.Name)
		g.Expect(step.Integrity.Packets.Video).To(BeEquivalentTo(seconds*25), step.Name)
	}
	g.Expect(intact(file).Status).To(Equal(metav1.ConditionTrue))

	// Not a frame is missing, and what the status says of the file is true.
	g.Expect(frames(t, "/data/recordings/"+r.folder+"/camera/camera.m3u8")).To(Equal(seconds * 25))
	g.Expect(frames(t, "/data/archive/"+root+"mp4/camera.mp4")).To(Equal(seconds * 25))
	g.Expect(toolbox(t, `sha256sum "$1" | cut -d' ' -f1`, "/data/archive/"+root+"mp4/camera.mp4")).To(Equal(mp4.SHA256))
	// The archive is the recording, byte for byte, and its manifest beside it.
	toolbox(t, `for file in "$1"/*; do cmp "$file" "$2/${file##*/}" 2>&1; done`, "/data/recordings/"+r.folder+"/camera", "/data/archive/"+root+"keep")
	var manifest struct {
		Files []struct {
			Name, SHA256 string
			SizeBytes    int64
		}
	}
	g.Expect(json.Unmarshal([]byte(toolbox(t, `cat "$1"`, "/data/archive/"+root+"keep/manifest.json")), &manifest)).To(Succeed())
	g.Expect(manifest.Files).To(HaveLen(4))
	g.Expect(toolbox(t, `find "$1" -type f | wc -l`, "/data/archive/"+root)).To(Equal("9"))
}

// frames counts the video frames of a recording in a bucket.
func frames(t *testing.T, path string) int {
	t.Helper()
	var n int
	_, err := fmt.Sscan(toolbox(t, `
		ffprobe -v error -count_packets -select_streams v:0 -show_entries stream=nb_read_packets -of csv=p=0 "$1" | tr -d ',' | head -1`, path), &n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWrongSignatureLeavesNoTrace(t *testing.T) {
	g := NewWithT(t)
	r := newRoom(t)
	forged := r.start("job", "camera")
	forged.body = []byte(strings.Replace(string(forged.body), "room01", "room02", 1))
	code, answer := forged.send(t)
	g.Expect(code).To(Equal(http.StatusUnauthorized))
	g.Expect(answer).To(ContainSubstring(`"status":0`))
	unsigned := r.start("job", "camera")
	unsigned.proof.Signature = ""
	code, _ = unsigned.send(t)
	g.Expect(code).To(Equal(http.StatusUnauthorized))
	g.Expect(r.files()).To(BeEmpty())
	g.Expect(r.task()).To(BeNil())
}

func TestFile_MissingSegmentFailsAndPublishesNothing(t *testing.T) {
	g := NewWithT(t)
	r := withSteps(t, func(r *room) []v1alpha1.Step {
		mp4 := r.remux()
		mp4.Retries = new(int32(0)) // a segment may be late: otherwise it is tried again for an hour
		return []v1alpha1.Step{mp4}
	})
	object := r.record("camera")
	toolbox(t, `rm "$1"`, "/data/recordings/"+r.folder+"/camera/camera-001.ts")
	r.complete("job", "camera", object, seconds).mustSend(t)
	file := r.eventually(v1alpha1.ReasonFailed)
	g.Expect(file.Status.Steps[0].Reason).To(Equal("SegmentMissing"))
	g.Expect(file.Status.Steps[0].Message).To(ContainSubstring("camera-001.ts"))
	expectLostSegment(g, &file.Status.Steps[0])
	g.Expect(intact(file).Status).To(Equal(metav1.ConditionFalse))
	g.Expect(file.Status.Steps[0].Attempts).To(BeEquivalentTo(1), "what cannot succeed is not repeated")
	g.Expect(toolbox(t, `find "$1" -type f 2>/dev/null || true`, "/data/archive/"+r.folder)).To(BeEmpty())
}

func TestFile_ForbiddenBucketIsSaid(t *testing.T) {
	g := NewWithT(t)
	r := withSteps(t, func(r *room) []v1alpha1.Step { return []v1alpha1.Step{r.remux()} })
	object := r.record("camera")
	credentials := &corev1.Secret{}
	r.must(k8s.Get(t.Context(), client.ObjectKey{Namespace: r.namespace, Name: "s3-credentials"}, credentials))
	r.create(&corev1.Secret{ObjectMeta: r.meta("wrong"), Data: map[string][]byte{
		"accessKeyID": credentials.Data["accessKeyID"], "secretAccessKey": []byte("wrong-secret-access-key")}})
	location := &v1alpha1.StorageLocation{}
	r.must(k8s.Get(t.Context(), client.ObjectKey{Namespace: r.namespace, Name: "recordings"}, location))
	location.Spec.S3.CredentialsSecretRef.Name = "wrong"
	r.must(k8s.Update(t.Context(), location))
	r.complete("job", "camera", object, seconds).mustSend(t)
	file := r.eventually(v1alpha1.ReasonQueued)
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
		g.Expect(file.Status.Steps).NotTo(BeEmpty())
		g.Expect(file.Status.Steps[0].Reason).To(Equal("Forbidden"))
	}, "2m", "1s").Should(Succeed())
	g.Expect(file.Status.Steps[0].Attempts).To(BeEquivalentTo(1))
	g.Expect(file.Status.Steps[0].Retry.NextTime).NotTo(BeNil(), "credentials may be right in a minute")
	g.Expect(fmt.Sprint(file.Status)).NotTo(ContainSubstring("wrong-secret-access-key"))
}

func TestFile_WaitsForItsPipeline(t *testing.T) {
	r := newRoom(t)
	object := r.record("camera")
	r.complete("job", "camera", object, seconds).mustSend(t)
	file := r.eventually(v1alpha1.ReasonFailed)
	NewWithT(t).Expect(fmt.Sprint(file.Status.Conditions)).To(ContainSubstring("PipelineNotFound"))
	r.create(&v1alpha1.RecordingPipeline{ObjectMeta: r.meta("lecture"), Spec: v1alpha1.RecordingPipelineSpec{Steps: []v1alpha1.Step{r.remux()}}})
	r.eventually(v1alpha1.ReasonSucceeded)
}

// stepPod waits for the pod of a step to run.
func (r *room) stepPod(step string) *corev1.Pod {
	r.t.Helper()
	var pods corev1.PodList
	NewWithT(r.t).Eventually(func(g Gomega) {
		r.must(k8s.List(r.t.Context(), &pods, client.InNamespace(r.namespace), client.MatchingLabels{v1alpha1.LabelStep: step}))
		g.Expect(pods.Items).To(HaveLen(1))
		started := pods.Items[0].Status.InitContainerStatuses
		g.Expect(started).NotTo(BeEmpty())
		g.Expect(started[0].State.Running != nil || started[0].State.Terminated != nil).To(BeTrue())
	}, settled, poll).Should(Succeed())
	return &pods.Items[0]
}

func TestManager_KilledInMidStepDoesNothingTwice(t *testing.T) {
	g := NewWithT(t)
	r := withSteps(t, func(r *room) []v1alpha1.Step {
		return []v1alpha1.Step{r.remux(), {Name: "keep", Archive: &v1alpha1.Archive{}, DependsOn: []string{"mp4"}, Output: r.output()}}
	})
	object := r.record("camera")
	r.complete("job", "camera", object, seconds).mustSend(t)
	r.stepPod("mp4")
	r.must(k8s.DeleteAllOf(t.Context(), &corev1.Pod{}, client.InNamespace("recording-system"),
		client.MatchingLabels{"app.kubernetes.io/name": "recording-operator"}, client.GracePeriodSeconds(0)))
	file := r.eventually(v1alpha1.ReasonSucceeded)
	for _, step := range file.Status.Steps {
		g.Expect(step.Attempts).To(BeEquivalentTo(1))
	}
	var jobs batchv1.JobList
	r.must(k8s.List(t.Context(), &jobs, client.InNamespace(r.namespace)))
	g.Expect(jobs.Items).To(HaveLen(2), "one Job a step")
	// The next test needs the receiver again.
	g.Eventually(func() int { code, _ := r.over("job").send(t); return code }, time.Minute, poll).Should(Equal(http.StatusOK))
}

func TestWorkerPodKilled(t *testing.T) {
	g := NewWithT(t)
	r := withSteps(t, func(r *room) []v1alpha1.Step { return []v1alpha1.Step{r.remux()} })
	object := r.record("camera")
	r.complete("job", "camera", object, seconds).mustSend(t)
	r.must(k8s.Delete(t.Context(), r.stepPod("mp4")))
	file := r.eventually(v1alpha1.ReasonSucceeded)
	g.Expect(frames(t, "/data/archive/"+r.folder+"/camera/mp4/camera.mp4")).To(Equal(seconds * 25))
	g.Expect(file.Status.Steps[0].JobName).NotTo(BeEmpty())
}

func TestFile_DeletedStopsItsJobs(t *testing.T) {
	g := NewWithT(t)
	r := withSteps(t, func(r *room) []v1alpha1.Step { return []v1alpha1.Step{r.remux()} })
	object := r.record("camera")
	r.complete("job", "camera", object, seconds).mustSend(t)
	r.stepPod("mp4")
	r.must(k8s.Delete(t.Context(), &r.files()[0]))
	g.Eventually(func(g Gomega) {
		var jobs batchv1.JobList
		var pods corev1.PodList
		g.Expect(k8s.List(t.Context(), &jobs, client.InNamespace(r.namespace))).To(Succeed())
		g.Expect(k8s.List(t.Context(), &pods, client.InNamespace(r.namespace))).To(Succeed())
		g.Expect(len(jobs.Items) + len(pods.Items)).To(BeZero())
	}, 2*time.Minute, poll).Should(Succeed())
}

// TestReceiver_ShuffledAndDoubledThroughTwoReplicas holds guarantee 2: any events, in any order, any number of times, through any number of
// replicas end in the same tasks and files.
func TestReceiver_ShuffledAndDoubledThroughTwoReplicas(t *testing.T) {
	g := NewWithT(t)
	r := newRoom(t)
	const jobs, filesPerJob = 10, 3
	var deliveries []delivery
	objects := map[string]bool{}
	for j := range jobs {
		job := fmt.Sprintf("job-%d", j)
		for f := range filesPerJob {
			object := fmt.Sprintf("%s/%s/%d.m3u8", r.folder, job, f)
			objects[object] = true
			// Shorter than the route wants: recorded, not processed.
			deliveries = append(deliveries, r.start(job, "camera"), r.complete(job, "camera", object, 2))
		}
		deliveries = append(deliveries, r.over(job))
	}
	deliveries = append(deliveries, deliveries...)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(deliveries), func(i, j int) { deliveries[i], deliveries[j] = deliveries[j], deliveries[i] })

	bases := replicas(t)
	t.Logf("through %v", bases)
	work := make(chan delivery)
	failures := make(chan string, len(deliveries))
	done := make(chan struct{})
	const senders = 8
	for range senders {
		go func() {
			defer func() { done <- struct{}{} }()
			for d := range work {
				if code, answer := d.send(t); code != http.StatusOK {
					failures <- fmt.Sprintf("%d %s", code, answer)
				}
			}
		}()
	}
	for i, d := range deliveries {
		d.base = bases[i%len(bases)]
		work <- d
	}
	close(work)
	for range senders {
		<-done
	}
	close(failures)
	for failure := range failures {
		t.Errorf("a callback was answered %s", failure)
	}
	found := map[string]int{}
	for _, file := range r.files() {
		found[file.Spec.Object.Key]++
		g.Expect(file.Spec.TaskIDs).To(HaveLen(1))
	}
	g.Expect(found).To(HaveLen(len(objects)))
	for object, n := range found {
		g.Expect(n).To(Equal(1), object)
	}
	g.Eventually(func(g Gomega) {
		var tasks v1alpha1.RecordingTaskList
		g.Expect(k8s.List(t.Context(), &tasks, client.InNamespace(r.namespace))).To(Succeed())
		g.Expect(tasks.Items).To(HaveLen(jobs))
		for _, task := range tasks.Items {
			g.Expect(task.Spec.Starts).To(HaveLen(filesPerJob), "each START once")
			g.Expect(task.Spec.Ended).To(BeTrue())
			g.Expect(task.Status.State).To(Equal(v1alpha1.TaskEnded))
			g.Expect(task.Status.Files).To(BeEquivalentTo(filesPerJob))
		}
	}, settled, poll).Should(Succeed())
}

// replicas are the receiver's pods where this machine is the node, so that each of them is used; else the Service.
func replicas(t *testing.T) []string {
	t.Helper()
	var pods corev1.PodList
	if err := k8s.List(t.Context(), &pods, client.InNamespace(operatorNamespace), client.MatchingLabels{"app.kubernetes.io/component": receiver}); err != nil {
		t.Fatal(err)
	}
	var bases []string
	for _, pod := range pods.Items {
		base := "http://" + pod.Status.PodIP + ":8090"
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base, nil)
		if err != nil {
			t.Fatal(err)
		}
		probe := http.Client{Timeout: time.Second}
		if response, err := probe.Do(request); err == nil && pod.DeletionTimestamp.IsZero() {
			_ = response.Body.Close()
			bases = append(bases, base)
		}
	}
	if len(bases) == 0 {
		return []string{callbackBase}
	}
	return bases
}

func TestSuspend(t *testing.T) {
	g := NewWithT(t)
	r := withSteps(t, func(r *room) []v1alpha1.Step { return []v1alpha1.Step{r.remux()} })
	object := r.record("camera")
	// A person may write a file by hand to process an old recording; this one is suspended from the first.
	r.create(&v1alpha1.RecordingFile{ObjectMeta: r.meta("by-hand"), Spec: v1alpha1.RecordingFileSpec{
		SourceRef: v1alpha1.LocalReference{Name: "classroom"}, Object: v1alpha1.ObjectIdentity{Bucket: "recordings", Key: object},
		Stream: "camera", ProcessingSpec: v1alpha1.ProcessingSpec{Suspend: true},
	}})
	file := r.eventually(v1alpha1.ReasonSuspended)
	var jobs batchv1.JobList
	r.must(k8s.List(t.Context(), &jobs, client.InNamespace(r.namespace)))
	g.Expect(jobs.Items).To(BeEmpty())
	file.Spec.Suspend = false
	r.must(k8s.Update(t.Context(), file))
	r.eventually(v1alpha1.ReasonSucceeded)
}
