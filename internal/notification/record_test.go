// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

var (
	created = time.Date(2026, 4, 28, 8, 58, 0, 0, time.UTC)
	noon    = time.Date(2026, 4, 28, 12, 0, 0, 0, time.UTC)
)

func every(string) bool { return true }

// to is a notification of some events.
func to(name string, events ...v1alpha1.NotificationEvent) v1alpha1.Notification {
	return v1alpha1.Notification{Name: name, Events: events, Sink: v1alpha1.NotificationSink{URI: "https://" + name + ".example.com/events", Mode: v1alpha1.SinkStructured}}
}

var allOfFile = []v1alpha1.NotificationEvent{
	v1alpha1.EventFileRecorded, v1alpha1.EventFileReady, v1alpha1.EventFileFailed, v1alpha1.EventStepFinished,
}

// status is one of a file whose Ready has a reason.
func status(run int32, reason string, steps ...v1alpha1.StepStatus) v1alpha1.RecordingFileStatus {
	made := v1alpha1.RecordingFileStatus{ObservedGeneration: 1, Summary: &v1alpha1.FileSummary{}}
	made.Run, made.Steps = run, steps
	made.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Reason: reason}}
	return made
}

func ended(name string, state v1alpha1.StepState, second int) v1alpha1.StepStatus {
	return v1alpha1.StepStatus{Name: name, State: state, CompletionTime: &metav1.Time{Time: noon.Add(time.Duration(second) * time.Second)}}
}

func running(name string) v1alpha1.StepStatus {
	return v1alpha1.StepStatus{Name: name, State: v1alpha1.StepRunning}
}

func withReason(step v1alpha1.StepStatus, reason string) v1alpha1.StepStatus {
	step.Reason = reason
	return step
}

func withoutSource() v1alpha1.RecordingFileStatus {
	made := status(0, v1alpha1.ReasonFailed)
	made.Conditions = append(made.Conditions, metav1.Condition{Type: v1alpha1.ConditionStalled, Reason: v1alpha1.ReasonSourceNotFound})
	return made
}

// TestAfterFile_TellsWhatBecameTrue: each event once, in the order in which it became true.
func TestAfterFile_TellsWhatBecameTrue(t *testing.T) {
	var unknown v1alpha1.RecordingFileStatus
	for name, c := range map[string]struct {
		before, after v1alpha1.RecordingFileStatus
		want          []string
	}{
		"a file is new":              {unknown, status(1, v1alpha1.ReasonProcessing, running("a")), []string{"FileRecorded 0 08:58:00"}},
		"no route matches":           {unknown, status(0, v1alpha1.ReasonSkipped), []string{"FileRecorded 0 08:58:00"}},
		"its source comes late":      {withoutSource(), status(1, v1alpha1.ReasonProcessing, running("a")), []string{"FileRecorded 0 08:58:00"}},
		"nothing is new":             {status(1, v1alpha1.ReasonProcessing, running("a")), status(1, v1alpha1.ReasonProcessing, running("a")), nil},
		"a step succeeds":            {status(1, v1alpha1.ReasonProcessing, running("a")), status(1, v1alpha1.ReasonProcessing, ended("a", v1alpha1.StepSucceeded, 5)), []string{"StepFinished 1 a Succeeded 12:00:05"}},
		"the last step succeeds":     {status(1, v1alpha1.ReasonProcessing, running("a")), status(1, v1alpha1.ReasonSucceeded, ended("a", v1alpha1.StepSucceeded, 5)), []string{"StepFinished 1 a Succeeded 12:00:05", "FileReady 1 Succeeded 12:00:05"}},
		"two steps end at once":      {status(1, v1alpha1.ReasonProcessing, running("a"), running("b")), status(1, v1alpha1.ReasonPartlySucceeded, ended("a", v1alpha1.StepFailed, 9), ended("b", v1alpha1.StepSucceeded, 5)), []string{"StepFinished 1 b Succeeded 12:00:05", "StepFinished 1 a Failed 12:00:09", "FileReady 1 PartlySucceeded 12:00:09"}},
		"a step is skipped":          {status(1, v1alpha1.ReasonProcessing, running("a")), status(1, v1alpha1.ReasonProcessing, withReason(v1alpha1.StepStatus{Name: "a", State: v1alpha1.StepSkipped}, "NoVideo")), []string{"StepFinished 1 a Skipped NoVideo 12:30:00"}},
		"it cannot begin":            {status(0, v1alpha1.ReasonQueued), status(0, v1alpha1.ReasonFailed), []string{"FileFailed 0 12:30:00"}},
		"it is ready already":        {status(1, v1alpha1.ReasonSucceeded), status(1, v1alpha1.ReasonPartlySucceeded), nil},
		"a background step ends":     {status(1, v1alpha1.ReasonSucceeded, running("a")), status(1, v1alpha1.ReasonSucceeded, ended("a", v1alpha1.StepSucceeded, 5)), []string{"StepFinished 1 a Succeeded 12:00:05"}},
		"a run follows":              {status(1, v1alpha1.ReasonSucceeded, ended("a", v1alpha1.StepSucceeded, 5)), status(2, v1alpha1.ReasonProcessing, running("a")), nil},
		"a run keeps everything":     {status(1, v1alpha1.ReasonSucceeded, ended("a", v1alpha1.StepSucceeded, 5)), status(2, v1alpha1.ReasonSucceeded, withReason(ended("a", v1alpha1.StepSucceeded, 5), v1alpha1.ReasonReused)), []string{"FileReady 2 Succeeded 12:30:00"}},
		"it fails again in a run":    {status(1, v1alpha1.ReasonFailed, ended("a", v1alpha1.StepFailed, 5)), status(2, v1alpha1.ReasonFailed, ended("a", v1alpha1.StepFailed, 7)), []string{"StepFinished 2 a Failed 12:00:07", "FileFailed 2 12:00:07"}},
		"it goes on after a failure": {status(0, v1alpha1.ReasonFailed), status(1, v1alpha1.ReasonProcessing, running("a")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			file := builders.MakeRecordingFile("a.m3u8", "classroom").Obj()
			file.CreationTimestamp, file.Status = metav1.NewTime(created), c.before
			waiting := AfterFile(file, &c.after, []v1alpha1.Notification{to("a", allOfFile...)}, every, noon.Add(30*time.Minute))
			var got []string
			for _, event := range waiting {
				text := fmt.Sprint(event.Event, " ", event.Run)
				for _, more := range []string{event.Step, string(event.State), event.Reason, event.Time.UTC().Format(time.TimeOnly)} {
					if more != "" {
						text += " " + more
					}
				}
				got = append(got, text)
			}
			g.Expect(got).To(Equal(c.want))
			file.Status = c.after
			file.Status.Notifications = waiting
			again := AfterFile(file, &c.after, []v1alpha1.Notification{to("a", allOfFile...)}, every, noon.Add(time.Hour))
			g.Expect(again).To(Equal(waiting), "the same status makes nothing true")
		})
	}
}

// TestAfterFile_EveryHappeningHasAnIDOfItsOwn: a file that cannot begin fails, is corrected and fails again in the same run,
// and so does one that was ready. What waits keeps its ID, also through the API server.
func TestAfterFile_EveryHappeningHasAnIDOfItsOwn(t *testing.T) {
	g := NewWithT(t)
	file := builders.MakeRecordingFile("a.m3u8", "classroom").Obj()
	file.UID, file.CreationTimestamp = "uid", metav1.NewTime(created)
	at, ids := noon, map[string]bool{}
	for _, after := range []v1alpha1.RecordingFileStatus{
		status(0, v1alpha1.ReasonFailed), status(0, v1alpha1.ReasonQueued), status(0, v1alpha1.ReasonFailed), status(1, v1alpha1.ReasonProcessing, running("a")),
		status(1, v1alpha1.ReasonFailed, running("a")), status(1, v1alpha1.ReasonProcessing, running("a")), status(1, v1alpha1.ReasonSucceeded, ended("a", v1alpha1.StepSucceeded, 5)),
		status(1, v1alpha1.ReasonFailed, ended("a", v1alpha1.StepSucceeded, 5)), status(1, v1alpha1.ReasonSucceeded, ended("a", v1alpha1.StepSucceeded, 5)),
	} {
		at = at.Add(1500 * time.Microsecond)
		after.Notifications = AfterFile(file, &after, []v1alpha1.Notification{to("a", allOfFile...)}, every, at)
		encoded, err := json.Marshal(after)
		g.Expect(err).NotTo(HaveOccurred())
		kept := v1alpha1.RecordingFileStatus{}
		g.Expect(json.Unmarshal(encoded, &kept)).To(Succeed())
		for i := range after.Notifications {
			id := eventID(file, &after.Notifications[i])
			g.Expect(eventID(file, &kept.Notifications[i])).To(Equal(id))
			g.Expect(same(&kept.Notifications[i], &after.Notifications[i])).To(BeTrue())
			ids[id] = true
		}
		g.Expect(ids).To(HaveLen(len(after.Notifications)))
		file.Status = kept
	}
	var kinds []string
	for i := range file.Status.Notifications {
		kinds = append(kinds, string(file.Status.Notifications[i].Event))
	}
	g.Expect(kinds).To(Equal([]string{"FileRecorded", "FileFailed", "FileFailed", "FileFailed", "StepFinished", "FileReady", "FileFailed", "FileReady"}))
}

// TestAfterFile_TellsNoEndTwice: a run may come to stand for facts that were reported while it went on.
func TestAfterFile_TellsNoEndTwice(t *testing.T) {
	g := NewWithT(t)
	file := builders.MakeRecordingFile("a.m3u8", "classroom").Obj()
	file.Status = status(1, v1alpha1.ReasonProcessing, ended("a", v1alpha1.StepSucceeded, 5), running("b"))
	after := status(1, v1alpha1.ReasonSucceeded, ended("a", v1alpha1.StepSucceeded, 5), ended("b", v1alpha1.StepSucceeded, 9))
	file.Status.Input, after.Input = "unknown", "reported"
	waiting := AfterFile(file, &after, []v1alpha1.Notification{to("a", v1alpha1.EventStepFinished)}, every, noon)
	g.Expect(waiting).To(HaveLen(1))
	g.Expect(waiting[0].Step).To(Equal("b"))
}

// TestAfterFile_TellsThoseWhoAsk by their events and their when, which is evaluated only when there is something to tell.
func TestAfterFile_TellsThoseWhoAsk(t *testing.T) {
	g := NewWithT(t)
	file := builders.MakeRecordingFile("a.m3u8", "classroom").Obj()
	after := status(1, v1alpha1.ReasonSucceeded, ended("a", v1alpha1.StepSucceeded, 5))
	picky := to("picky", v1alpha1.EventFileReady)
	picky.When = "recording.room == 'other'"
	recipients := []v1alpha1.Notification{to("all", allOfFile...), to("ready", v1alpha1.EventFileReady), picky, to("tasks", v1alpha1.EventTaskEnded)}
	asked := 0
	holds := func(when string) bool { asked++; return when == "" }
	waiting := AfterFile(file, &after, recipients, holds, noon)
	g.Expect(asked).To(Equal(3), "no expression of one that asks for nothing of this")
	g.Expect(waiting).To(HaveLen(3))
	g.Expect(waiting[1].To).To(Equal([]string{"all"}))
	g.Expect(waiting[2].To).To(Equal([]string{"all", "ready"}))

	file.Status = after
	AfterFile(file, &after, recipients, func(string) bool { t.Error("nothing is new, and an expression is evaluated"); return true }, noon)
	g.Expect(AfterFile(file, &after, nil, holds, noon)).To(BeEmpty(), "nobody asks")
}

func TestAfterFile_KeepsTheNewestOfTooMany(t *testing.T) {
	g := NewWithT(t)
	file := builders.MakeRecordingFile("a.m3u8", "classroom").Obj()
	file.Status = status(1, v1alpha1.ReasonProcessing)
	left := 0
	for run := int32(1); run <= 30; run++ {
		after := status(run, v1alpha1.ReasonSucceeded)
		before := file.Status.Notifications
		after.Notifications = AfterFile(file, &after, []v1alpha1.Notification{to("a", allOfFile...)}, every, noon)
		left += LeftOut(before, after.Notifications)
		file.Status = after
	}
	g.Expect(file.Status.Notifications).To(HaveLen(v1alpha1.MaxWaitingNotifications))
	g.Expect(file.Status.Notifications[0].Run).To(Equal(int32(7)))
	g.Expect(left).To(Equal(6))
}

func TestAfterTask_TellsTheEndOnce(t *testing.T) {
	g := NewWithT(t)
	end := metav1.NewTime(noon)
	recipients := []v1alpha1.Notification{to("a", v1alpha1.EventTaskEnded)}
	for state, want := range map[v1alpha1.TaskState]int{v1alpha1.TaskRecording: 0, v1alpha1.TaskSilent: 0, v1alpha1.TaskEnded: 1} {
		task := &v1alpha1.RecordingTask{Status: v1alpha1.RecordingTaskStatus{State: v1alpha1.TaskRecording}}
		after := v1alpha1.RecordingTaskStatus{State: state, LastEventTime: &end}
		after.Notifications = AfterTask(task, &after, recipients, every)
		g.Expect(after.Notifications).To(HaveLen(want), string(state))
		task.Status = after
		g.Expect(AfterTask(task, &after, recipients, every)).To(HaveLen(want), string(state))
	}
}
