//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/base64"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// captionsImage speaks, and recognizes what was spoken: hack/images/Dockerfile.captions.
var captionsImage = os.Getenv("CAPTIONS_IMAGE")

// spoken are ten words, one every wordSeconds, after wordSilence each; the words that are known are others too.
var spoken = strings.Fields("window north three apple green zero five river two south")

const (
	wordSeconds = 1.5
	wordSilence = 0.5
	knownWords  = "zero one two three four five six seven eight nine north south apple pear green blue window forest river lake"
)

// speech is the sound of the words, as WAV. A pod of the captions image speaks.
func (r *room) speech(words []string) []byte {
	r.t.Helper()
	pod := &corev1.Pod{ObjectMeta: r.meta("speak"), Spec: corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever, AutomountServiceAccountToken: new(false),
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), RunAsUser: new(int64(65532)),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers: []corev1.Container{{Name: "speak", Image: captionsImage, ImagePullPolicy: corev1.PullIfNotPresent, Command: append([]string{"speak"}, words...),
			SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}}},
	}}
	r.create(pod)
	NewWithT(r.t).Eventually(func(g Gomega) {
		g.Expect(k8s.Get(r.t.Context(), client.ObjectKeyFromObject(pod), pod)).To(Succeed())
		g.Expect(pod.Status.Phase).To(Equal(corev1.PodSucceeded))
	}, settled, poll).Should(Succeed())
	printed, err := exec.CommandContext(r.t.Context(), "kubectl", "-n", r.namespace, "logs", pod.Name).Output()
	r.must(err)
	sound, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(string(printed), "\n", ""))
	r.must(err)
	return sound
}

// recordSpeech records the words as HLS, with a picture.
func (r *room) recordSpeech(words []string) string {
	r.t.Helper()
	command := exec.CommandContext(r.t.Context(), "kubectl", "-n", s3Namespace, "exec", "-i", "deployment/s3", "-c", "toolbox", "--", "sh", "-euc", `
		mkdir -p "/data/recordings/$1/speech" && cd "/data/recordings/$1/speech"
		cat >"/tmp/speech-$2.wav"
		ffmpeg -nostdin -hide_banner -loglevel error -f lavfi -i testsrc2=size=320x180:rate=10 -i "/tmp/speech-$2.wav" -shortest \
			-c:v libx264 -preset ultrafast -g 40 -keyint_min 40 -sc_threshold 0 -pix_fmt yuv420p -c:a aac -ar 48000 \
			-f hls -hls_time 4 -hls_playlist_type vod -hls_segment_filename 'speech-%d.ts' speech.m3u8
		rm "/tmp/speech-$2.wav"`, "sh", r.folder, r.namespace)
	command.Stdin = strings.NewReader(string(r.speech(words)))
	if output, err := command.CombinedOutput(); err != nil {
		r.t.Fatalf("record speech: %v\n%s", err, output)
	}
	return r.folder + "/speech/speech.m3u8"
}

// captionsStep is a step of kind container that makes captions of the MP4.
func (r *room) captionsStep() v1alpha1.Step {
	return v1alpha1.Step{Name: "captions", Input: &v1alpha1.StepInput{Step: "mp4"}, Output: r.output(), Container: &v1alpha1.Container{
		Image:   captionsImage,
		Env:     []v1alpha1.ContainerVariable{{Name: "WORDS", Value: knownWords}},
		Params:  []v1alpha1.ContainerParam{{Name: "room", Value: "recording.room"}},
		Outputs: []v1alpha1.ContainerOutput{{Path: "captions.vtt", Kind: v1alpha1.ArtifactSubtitles, Language: "en"}},
		Results: []v1alpha1.ContainerResult{{Name: "words"}},
	}}
}

// cue is one of WebVTT.
var cue = regexp.MustCompile(`(?m)^00:00:([0-9.]+) --> 00:00:([0-9.]+)\n(\S+)$`)

// TestContainer_CaptionsSpeech: an image of a tenant's own hears every word at its time, and what it writes is published
// as captions; another image takes them on, and the recording beside them.
func TestContainer_CaptionsSpeech(t *testing.T) {
	g := NewWithT(t)
	r := withSteps(t, func(r *room) []v1alpha1.Step {
		both := []v1alpha1.StepInput{{Step: "captions"}, {Step: v1alpha1.InputRecording}}
		check := v1alpha1.Step{Name: "check", Inputs: both, Output: r.output(), Container: &v1alpha1.Container{
			Image: captionsImage, RunAsUser: new(int64(1000)),
			Command: []v1alpha1.Argument{"sh", "-euc", `
				umask 027
				cp /recording/inputs.json /recording/recording.json /recording/output/
				grep -c . /recording/input/0-captions/captions.vtt >/recording/results/lines
				id -u >/recording/results/user
				ls /recording/input/1-recording | sed -n '$p' >/recording/results/last
				! ls /var/run/secrets/kubernetes.io /credentials /work 2>/dev/null
				! touch /recording/input/x 2>/dev/null`},
			Outputs: []v1alpha1.ContainerOutput{{Path: "*.json", Kind: v1alpha1.ArtifactData}},
			Results: []v1alpha1.ContainerResult{{Name: "lines"}, {Name: "user"}, {Name: "last"}},
		}}
		return []v1alpha1.Step{r.remux(), r.captionsStep(), check}
	})
	r.complete("job", "speech", r.recordSpeech(spoken), int(wordSeconds*float64(len(spoken)))).mustSend(t)
	file := r.eventually(v1alpha1.ReasonSucceeded)

	captions, check := file.Status.Steps[1], file.Status.Steps[2]
	g.Expect(captions.Outputs).To(HaveLen(1))
	output := captions.Outputs[0]
	g.Expect(output.Kind).To(Equal(v1alpha1.ArtifactSubtitles))
	g.Expect(output.Language).To(Equal("en"))
	g.Expect(output.MediaType).To(Equal("text/vtt"))
	g.Expect(captions.Integrity.State).To(Equal(v1alpha1.IntegrityIntact))
	g.Expect(captions.Results).To(Equal([]v1alpha1.StepResult{{Name: "words", Value: strconv.Itoa(len(spoken))}}))

	text := toolbox(t, `cat "$1"`, "/data/archive/"+output.Key)
	t.Log(text)
	g.Expect(text).To(HavePrefix("WEBVTT\n"))
	cues := cue.FindAllStringSubmatch(text, -1)
	g.Expect(cues).To(HaveLen(len(spoken)))
	for i, found := range cues {
		from, err := strconv.ParseFloat(found[1], 64)
		g.Expect(err).NotTo(HaveOccurred())
		to, err := strconv.ParseFloat(found[2], 64)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(found[3]).To(Equal(spoken[i]))
		// Each word begins within 0.2 s of its time, and ends before the next one.
		g.Expect(from).To(BeNumerically("~", wordSeconds*float64(i)+wordSilence, 0.2), found[3])
		g.Expect(to).To(And(BeNumerically(">", from), BeNumerically("<", wordSeconds*float64(i+1)+0.1)), found[3])
	}

	g.Expect(check.Results[1].Value).To(Equal("1000"))
	g.Expect(check.Results[2].Value).To(Equal("speech.m3u8"), "the recording's own names")
	g.Expect(check.Outputs).To(HaveLen(2))
	g.Expect(toolbox(t, `cat "$1"`, "/data/archive/"+check.Outputs[0].Key)).To(ContainSubstring(`"language": "en"`))
}

// TestContainer_SaysWhyItFailed in its own words, and tries again only what may succeed.
func TestContainer_SaysWhyItFailed(t *testing.T) {
	g := NewWithT(t)
	failing := func(name, script string) v1alpha1.Step {
		return v1alpha1.Step{Name: name, Output: nil, Optional: true, Container: &v1alpha1.Container{
			Image: captionsImage, Command: []v1alpha1.Argument{"sh", "-c", v1alpha1.Argument(script)},
			Outputs: []v1alpha1.ContainerOutput{{Path: "a.txt", Kind: v1alpha1.ArtifactData}},
		}}
	}
	want := []struct {
		name, script, reason, message string
		state                         v1alpha1.StepState
	}{
		{"broken", `printf 'loading\n\033[31mno such model\033[0m\n' >&2; exit 65`, "ContainerFailed", "exit code 65: loading | [31mno such model", v1alpha1.StepFailed},
		{"idle", "echo nobody speaks; exit 77", "ContainerSkipped", "nobody speaks", v1alpha1.StepSkipped},
		{"link", "ln -s /etc/passwd /recording/output/a.txt", "OutputUndeclared", "output/a.txt is a link", v1alpha1.StepFailed},
		{"empty", "true", "OutputMissing", "output/a.txt", v1alpha1.StepFailed},
	}
	r := withSteps(t, func(r *room) []v1alpha1.Step {
		steps := []v1alpha1.Step{r.remux()}
		for _, each := range want {
			step := failing(each.name, each.script)
			step.Output = r.output()
			steps = append(steps, step)
		}
		return steps
	})
	r.complete("job", "camera", r.record("camera"), seconds).mustSend(t)
	file := r.eventually(v1alpha1.ReasonPartlySucceeded)
	for i, each := range want {
		step := file.Status.Steps[i+1]
		g.Expect(step.State).To(Equal(each.state), each.name)
		g.Expect(step.Reason).To(Equal(each.reason), each.name)
		g.Expect(step.Message).To(ContainSubstring(each.message), each.name)
		g.Expect(step.Attempts).To(BeNumerically("<=", 1), each.name)
	}
}
