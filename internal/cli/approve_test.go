// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// awaiting is a file in its second run, with two steps that wait for a person.
func awaiting(approvals ...v1alpha1.Approval) *v1alpha1.RecordingFile {
	since := metav1.NewTime(testNow.Add(-time.Hour))
	waits := func(name string) v1alpha1.StepStatus {
		return v1alpha1.StepStatus{Name: name, State: v1alpha1.StepPending, Reason: v1alpha1.ReasonWaitingForApproval, StartTime: &since,
			Message: `waiting for approval since 2021-04-28T07:58:12Z: "Fit for the students?"; decide with: kubectl recordings approve -n media camera-1 ` + name}
	}
	file := processed()
	file.ResourceVersion, file.Spec.Approvals = "7", approvals
	file.Status.Steps = []v1alpha1.StepStatus{{Name: "mp4", State: v1alpha1.StepSucceeded}, waits("release"), waits("publish")}
	file.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonWaitingForApproval, LastTransitionTime: since,
		Message: "step \"release\": " + file.Status.Steps[1].Message}}
	return file
}

func withApprovals(t *testing.T, approvals ...v1alpha1.Approval) *fakeAPI {
	t.Helper()
	f := newFakeAPI(t)
	file := awaiting(approvals...)
	f.objects[recordings+"recordingfiles/camera-1"] = file
	f.objects[strings.TrimSuffix(recordings, "/")+"/recordingfiles"] = &v1alpha1.RecordingFileList{Items: []v1alpha1.RecordingFile{
		queuedFile("first", "classroom", nil, 3), *file, queuedFile("second", "classroom", nil, 2)}}
	f.objects[jobs], f.objects[pods] = nil, nil
	return f
}

func TestApprove_WritesOnesOwnName(t *testing.T) {
	by := func(step, person string, run int32, decision v1alpha1.ApprovalDecision) v1alpha1.Approval {
		return v1alpha1.Approval{Step: step, By: person, Run: run, Decision: decision}
	}
	const approve, reject = v1alpha1.DecisionApprove, v1alpha1.DecisionReject
	for name, test := range map[string]struct {
		before []v1alpha1.Approval
		args   []string
		code   int
		said   string
		// want is the list that is written; empty: none is.
		want string
	}{
		"the first decision": {nil, []string{"release"}, ExitDone, "step release approved\n", `{"step":"release","run":2,"by":"alice","decision":"Approve"}`},
		"a rejection":        {nil, []string{"release", "--reject"}, ExitDone, "step release rejected\n", `{"step":"release","run":2,"by":"alice","decision":"Reject"}`},
		"a dry run":          {nil, []string{"release", "--dry-run"}, ExitDone, "step release approved (dry run)\n", ""},
		"another step": {[]v1alpha1.Approval{by("publish", "bob", 2, reject)}, []string{"release"}, ExitDone, "step release approved\n",
			`{"step":"publish","run":2,"by":"bob","decision":"Reject"},{"step":"release","run":2,"by":"alice","decision":"Approve"}`},
		"after an earlier run": {[]v1alpha1.Approval{by("release", "bob", 1, approve)}, []string{"release"}, ExitDone, "step release approved\n",
			`{"step":"release","run":2,"by":"alice","decision":"Approve"}`},
		"the same again":     {[]v1alpha1.Approval{by("release", "alice", 2, approve)}, []string{"release"}, ExitDone, "approved already\n", ""},
		"turned":             {[]v1alpha1.Approval{by("release", "alice", 2, approve)}, []string{"release", "--reject"}, ExitDone, "step release rejected\n", `{"step":"release","run":2,"by":"alice","decision":"Reject"}`},
		"decided by another": {[]v1alpha1.Approval{by("release", "bob", 2, approve)}, []string{"release", "--reject"}, ExitRefused, `step "release" was decided by bob (Approve)`, ""},
		"no such step":       {nil, []string{"mp5"}, ExitRefused, `RecordingFile "camera-1" has no step "mp5"; these wait for a decision: [release publish]`, ""},
		"a step that ended":  {nil, []string{"mp4"}, ExitRefused, `step "mp4" does not wait for a decision: it is Succeeded`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := withApprovals(t, test.before...)
			got := f.run(t, "", append([]string{"approve", "rec/camera-1"}, test.args...)...)
			if got.code != test.code || !strings.Contains(got.out+got.err, test.said) {
				t.Errorf("%s", got)
			}
			if want := recordings + `recordingfiles/camera-1 {"metadata":{"resourceVersion":"7"},"spec":{"approvals":[` + test.want + `]}}`; test.want == "" {
				if len(f.patched) > 0 {
					t.Errorf("patched %v", f.patched)
				}
			} else if len(f.patched) != 1 || f.patched[0] != want {
				t.Errorf("patched %v, want %s", f.patched, want)
			}
		})
	}
	golden(t, "help-approve", newFakeAPI(t).run(t, "", "approve", "--help").String())
}

// TestApproval_IsSaidWhereverPeopleLook: in one sentence, with the command.
func TestApproval_IsSaidWhereverPeopleLook(t *testing.T) {
	f := withApprovals(t)
	golden(t, "queue-approval", f.run(t, "", "queue").String())
	golden(t, "queue-approval-name", f.run(t, "", "queue", "-o", "name").String())
	golden(t, "tree-approval", f.run(t, "", "tree", "camera-1").String())
	if got, want := lineOf(awaiting()), "media/camera-1 WaitingForApproval"; !strings.HasPrefix(got, want) || !strings.Contains(got, "release waiting for approval since") {
		t.Errorf("watch says %s", got)
	}
	if got := f.run(t, "", "retry", "camera-1"); !strings.Contains(got.out, `unchanged: step "release" waits for a person`) || len(f.patched) > 0 {
		t.Errorf("%s", got)
	}
	flags := []string{"__complete", "--server", f.URL, "--kubeconfig", os.DevNull, "--namespace", "media", "approve"}
	if got := run(t, "", append(flags, "camera-1", "")...); !strings.HasPrefix(got.out, "release\npublish\n:4") {
		t.Errorf("completes %s", got.out)
	}
}
