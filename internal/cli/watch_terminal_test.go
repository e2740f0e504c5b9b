// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// terminal is a tmux of the test's own, of 15 rows.
type terminal struct{ socket string }

// startTerminal starts a shell command in a terminal. Without tmux the test is skipped, unless REQUIRE_TMUX is set.
func startTerminal(t *testing.T, command string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("REQUIRE_TMUX") != "" {
			t.Fatal(err)
		}
		t.Skip("tmux is needed to read the screen: install it; REQUIRE_TMUX=1 makes this a failure")
	}
	// A socket's path is short, which those of t.TempDir are not.
	folder, err := os.MkdirTemp("", "tmux")
	if err != nil {
		t.Fatal(err)
	}
	terminal := &terminal{socket: filepath.Join(folder, "s")}
	t.Cleanup(func() {
		_ = terminal.command("kill-server").Run() // it may have ended
		_ = os.RemoveAll(folder)
	})
	terminal.tmux(t, "-f", os.DevNull, "new-session", "-d", "-x", "100", "-y", "15", "sh")
	terminal.tmux(t, "send-keys", "-l", command)
	terminal.tmux(t, "send-keys", "Enter")
	return terminal
}

func (s *terminal) command(args ...string) *exec.Cmd {
	return exec.Command("tmux", append([]string{"-S", s.socket}, args...)...)
}

func (s *terminal) tmux(t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.command(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

// eventually waits until the screen matches.
func (s *terminal) eventually(t *testing.T, matches ...gomega.OmegaMatcher) {
	t.Helper()
	gomega.NewWithT(t).Eventually(func() string { return s.tmux(t, "capture-pane", "-p") }).
		WithTimeout(time.Minute).WithPolling(50 * time.Millisecond).Should(gomega.And(matches...))
}

// testWatch types keys into the plugin as people have it, and reads the screen.
func testWatch(t *testing.T, r *realCluster) {
	t.Helper()
	plugin := filepath.Join(t.TempDir(), "kubectl-recordings")
	if out, err := exec.Command("go", "build", "-o", plugin, "../../cmd/kubectl-recordings").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	labels := map[string]string{"take": "watch"}
	var files []*v1alpha1.RecordingFile
	for i := range 20 {
		file := &v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{Namespace: builders.Namespace, Name: fmt.Sprintf("watched-%02d", i+1), Labels: labels}}
		file.Spec.SourceRef.Name = "classroom"
		file.Spec.Object = v1alpha1.ObjectIdentity{Bucket: "abc-rtc-bucket2", Key: fmt.Sprintf("watched/%d.mp4", i+1)}
		r.create(t, file)
		files = append(files, file)
	}
	set := func(file *v1alpha1.RecordingFile, reason string, done bool, percents ...int32) {
		t.Helper()
		seen := watchedFile(file.Name, reason, done, percents...)
		file.Status = seen.Status
		file.Status.ObservedGeneration = file.Generation
		file.Status.Conditions[0].Status, file.Status.Conditions[0].LastTransitionTime = metav1.ConditionUnknown, metav1.NewTime(testNow)
		for i := range file.Status.Steps {
			file.Status.Steps[i].Progress.UpdateTime = metav1.NewTime(testNow)
		}
		if err := r.Client.Status().Update(t.Context(), file); err != nil {
			t.Fatal(err)
		}
	}
	set(files[0], v1alpha1.ReasonProcessing, false, 20)
	flags := r.user(t, "watcher", may("recordingfiles", "list", "watch"))
	command := strings.Join(append([]string{plugin, "watch", "-l", "take=watch", "--until-done"}, flags...), " ")
	screen := startTerminal(t, command+"; echo exit code $?")
	contains := gomega.ContainSubstring

	screen.eventually(t, contains("NAME"), gomega.MatchRegexp(`watched-01 +Processing +1/3 +step-1 +20% +Process 3.4x`), contains("1-13 of 20"))
	set(files[0], v1alpha1.ReasonProcessing, false, 57)
	screen.eventually(t, contains("57%"))
	screen.tmux(t, "send-keys", "Down", "j")
	screen.eventually(t, contains("3-15 of 20"), gomega.Not(contains("watched-02")), contains("watched-15"))
	screen.tmux(t, "send-keys", "Up", "k", "k")
	screen.eventually(t, contains("1-13 of 20"), contains("watched-01"))
	screen.tmux(t, "send-keys", "End")
	screen.eventually(t, contains("8-20 of 20"), contains("watched-20"))
	screen.tmux(t, "send-keys", "q")
	screen.eventually(t, contains("error: ended before every recording was done"), contains("exit code 4"))

	screen.tmux(t, "send-keys", "-l", "clear; "+command+"; echo ended with $?")
	screen.tmux(t, "send-keys", "Enter")
	screen.eventually(t, contains("1-13 of 20"))
	for i, file := range files {
		if i == 7 {
			set(file, v1alpha1.ReasonFailed, true)
		} else {
			set(file, v1alpha1.ReasonSucceeded, true)
		}
	}
	screen.eventually(t, gomega.MatchRegexp(`watched-20 +Succeeded`), contains("error: 1 of 20 recordings failed"), contains("ended with 1"))

	screen.tmux(t, "send-keys", "-l", "clear; "+strings.Replace(command, "--until-done", "", 1)+"; echo finally $?")
	screen.tmux(t, "send-keys", "Enter")
	screen.eventually(t, contains("1-13 of 20"))
	screen.tmux(t, "send-keys", "C-c")
	screen.eventually(t, contains("finally 0"))
}
