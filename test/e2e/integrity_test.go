//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	// callSeconds is how long the recording of recordCall lasts, and callFrames how many pictures it has.
	callSeconds = 28
	callFrames  = 22 * 25
)

// recordCall puts the recording of a call into the test's folder and returns the playlist's key: the camera is switched on
// after 6 s, and the microphone is off from 11.5 s to 23 s.
func (r *room) recordCall() string {
	r.t.Helper()
	toolbox(r.t, `
		rm -rf /tmp/call && mkdir -p /tmp/call && cd /tmp/call
		ffmpeg -hide_banner -loglevel error -f lavfi -i sine=frequency=440:sample_rate=48000:duration=6 -c:a aac \
			-f hls -hls_time 3 -hls_playlist_type vod -hls_segment_filename call-a%d.ts a.m3u8
		ffmpeg -hide_banner -loglevel error -f lavfi -i testsrc2=size=320x180:rate=25:duration=22 \
			-f lavfi -i "sine=frequency=440:sample_rate=48000:duration=22,aselect='not(between(t,5.5,17))'" \
			-c:v libx264 -preset ultrafast -g 100 -keyint_min 100 -sc_threshold 0 -pix_fmt yuv420p -c:a aac -fps_mode passthrough \
			-f hls -hls_time 4 -hls_playlist_type vod -hls_segment_filename call-b%d.ts b.m3u8
		{ sed '/ENDLIST/d; s/TARGETDURATION:.*/TARGETDURATION:4/' a.m3u8; echo '#EXT-X-DISCONTINUITY'; sed -n '/EXTINF/,$p' b.m3u8; } >call.m3u8
		rm a.m3u8 b.m3u8
		mkdir -p "/data/recordings/$1/call" && cp ./* "/data/recordings/$1/call/"
		cd / && rm -rf /tmp/call`, r.folder)
	return r.folder + "/call/call.m3u8"
}

// intact is the condition Intact; nil: there is none.
func intact(file *v1alpha1.RecordingFile) *metav1.Condition {
	return meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionIntact)
}

// TestIntegrity_CallWithMuteAndLateCameraIsIntact: a muted microphone and a camera that is switched on later are usual in
// a call. Nothing is lost, the result says what was found, and picture and sound stay together.
func TestIntegrity_CallWithMuteAndLateCameraIsIntact(t *testing.T) {
	g := NewWithT(t)
	r := withSteps(t, func(r *room) []v1alpha1.Step {
		return []v1alpha1.Step{r.remux(), {Name: "small", Output: r.output(), Transcode: &v1alpha1.Transcode{
			Preset: v1alpha1.PresetH264, Video: &v1alpha1.VideoSettings{MaxHeight: new(int32(144))}, Strict: true}}}
	})
	r.complete("job", "camera", r.recordCall(), callSeconds).mustSend(t)
	file := r.eventually(v1alpha1.ReasonSucceeded)
	g.Expect(intact(file).Status).To(Equal(metav1.ConditionTrue))
	for i, checked := range []v1alpha1.IntegrityCheck{v1alpha1.CheckedStructure, v1alpha1.CheckedDecoded} {
		step := file.Status.Steps[i]
		g.Expect(step.Integrity.State).To(Equal(v1alpha1.IntegrityIntact), step.Name)
		g.Expect(step.Integrity.Checked).To(Equal(checked), step.Name)
		g.Expect(step.Integrity.Packets.Video).To(BeEquivalentTo(callFrames), step.Name)
		// 16.5 s of sound in frames of 1024 samples, and what the encoder puts before and after each of the two parts.
		g.Expect(step.Integrity.Packets.Audio).To(BeNumerically("~", 16.5*48000/1024, 6), step.Name)
		g.Expect(step.Outputs[0].Media.DurationMilliseconds).To(BeNumerically("~", callSeconds*1000, 200), step.Name)
		g.Expect(frames(t, "/data/archive/"+r.folder+"/camera/"+step.Name+"/call.mp4")).To(BeNumerically(">=", callFrames), step.Name)
	}
	found := map[v1alpha1.FindingType]v1alpha1.Finding{}
	for _, finding := range file.Status.Steps[0].Integrity.Findings {
		found[finding.Type] = finding
	}
	mute, camera := found[v1alpha1.FindingMute], found[v1alpha1.FindingLayoutChange]
	g.Expect(mute.AtMilliseconds).To(BeNumerically("~", 11_500, 200))
	g.Expect(mute.LengthMilliseconds).To(BeNumerically("~", 11_500, 200))
	g.Expect(mute.Message).To(ContainSubstring("no sound"))
	g.Expect(camera.AtMilliseconds).To(BeNumerically("~", 6_000, 200))
	g.Expect(camera.Message).To(ContainSubstring("video begins"))
}

// TestIntegrity_DamagedRecordingIsPublishedWhenAllowed: with onDamage Publish what is there is published, and status,
// condition and event say what is lost.
func TestIntegrity_DamagedRecordingIsPublishedWhenAllowed(t *testing.T) {
	g := NewWithT(t)
	r := withSteps(t, func(r *room) []v1alpha1.Step {
		step := r.remux()
		step.Transcode.OnDamage = v1alpha1.DamagePublish
		return []v1alpha1.Step{step, {Name: "keep", Archive: &v1alpha1.Archive{}, Output: r.output()}}
	})
	object := r.record("camera")
	toolbox(t, `rm "$1"`, "/data/recordings/"+r.folder+"/camera/camera-001.ts")
	r.complete("job", "camera", object, seconds).mustSend(t)
	file := r.eventually(v1alpha1.ReasonSucceeded)
	for _, step := range file.Status.Steps {
		expectLostSegment(g, &step)
	}
	g.Expect(intact(file).Status).To(Equal(metav1.ConditionFalse))
	g.Expect(intact(file).Reason).To(Equal(v1alpha1.ReasonDamaged))
	g.Expect(intact(file).Message).To(ContainSubstring("camera-001.ts"))
	// The 4 s of the segment stay a gap: what comes after it keeps its time.
	g.Expect(frames(t, "/data/archive/"+r.folder+"/camera/mp4/camera.mp4")).To(Equal((seconds - 4) * 25))
	g.Expect(file.Status.Steps[0].Outputs[0].Media.DurationMilliseconds).To(BeNumerically("~", seconds*1000, 200))
	g.Expect(file.Status.Steps[1].Outputs[0].Files).To(BeEquivalentTo(3), "two segments and the playlist")
	g.Eventually(func(g Gomega) {
		var events eventsv1.EventList
		g.Expect(k8s.List(t.Context(), &events, client.InNamespace(r.namespace))).To(Succeed())
		g.Expect(events.Items).To(ContainElement(HaveField("Reason", v1alpha1.ReasonDamaged)))
	}, settled, poll).Should(Succeed())
}

// expectLostSegment holds that a step's integrity names the segment that record made second, with its time.
func expectLostSegment(g *WithT, step *v1alpha1.StepStatus) {
	g.Expect(step.Integrity).NotTo(BeNil(), step.Name)
	g.Expect(step.Integrity.State).To(Equal(v1alpha1.IntegrityDamaged), step.Name)
	g.Expect(step.Integrity.Findings).NotTo(BeEmpty(), step.Name)
	lost := step.Integrity.Findings[0]
	g.Expect(lost.Type).To(Equal(v1alpha1.FindingSegmentMissing), step.Name)
	g.Expect(lost.Segment).To(HaveValue(BeEquivalentTo(1)), step.Name)
	g.Expect(lost.AtMilliseconds).To(BeNumerically("~", 4000, 200), step.Name)
	g.Expect(lost.Message).To(ContainSubstring("camera-001.ts"), step.Name)
}

// TestKeys_AreKeptByteForByte: control pictures are characters that some clients use in place of control characters. Here
// they are part of the name, as are quotes, a space and what shells and the kubelet expand.
func TestKeys_AreKeptByteForByte(t *testing.T) {
	g := NewWithT(t)
	const name = `‛lesson␊␍ $(HOME) $$ 'a+b'`
	r := withSteps(t, func(r *room) []v1alpha1.Step {
		return []v1alpha1.Step{r.remux(), {Name: "keep", Archive: &v1alpha1.Archive{}, Output: r.output()}}
	})
	r.complete("job", "camera", r.record(name), seconds).mustSend(t)
	file := r.eventually(v1alpha1.ReasonSucceeded)
	root := r.folder + "/camera/"
	mp4, keep := file.Status.Steps[0].Outputs[0], file.Status.Steps[1].Outputs[0]
	g.Expect(mp4.URI).To(Equal("s3://archive/" + root + "mp4/" + name + ".mp4"))
	g.Expect(keep.URI).To(Equal("s3://archive/" + root + "keep/" + name + ".m3u8"))
	g.Expect(toolbox(t, `sha256sum <"$1" | cut -d' ' -f1`, "/data/archive/"+root+"mp4/"+name+".mp4")).To(Equal(mp4.SHA256))
	toolbox(t, `for file in "$1"/*; do cmp "$file" "$2/${file##*/}" 2>&1; done`, "/data/recordings/"+r.folder+"/"+name, "/data/archive/"+root+"keep")
}
