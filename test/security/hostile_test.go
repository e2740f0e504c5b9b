// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package security

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"unicode"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// hostile are values that the decoder takes and that something on the way could trip over. What holds control characters
// or no valid Unicode does not come this far (TestDecode_HostileNames in internal/sparkrtc).
var hostile = map[string]string{
	"traversal":         "../../../../etc/passwd",
	"backslashes":       `..\..\windows`,
	"dots":              "..",
	"a mark that turns": "a\u202egpj.4pm\u2066",
	"line separators":   "a\u2028b\u2029c",
	"an emoji":          "👩\u200d🏫",
	"long":              strings.Repeat("界", 128),
	"a shell":           "$(reboot)`id`;|&>x'\"*?",
	"the kubelet":       "$(RECORDING_TASK)$$(HOME)",
	"CEL":               "' || true || '",
	"JSON":              `","archive":{},"x":"`,
	"a selector":        "a=b,c!=d in (e)",
	"a placeholder":     "{room}{step}",
	"a flag":            "--config=/etc/passwd",
	"an image":          "<script>alert(1)</script>",
}

// TestOperator_HostileValuesStayData: whatever the holder of a source's key says of a recording, one file and one Job follow, and the
// values stay data: they become no label, no annotation, no name, no other part of the pod, no other folder.
func TestOperator_HostileValuesStayData(t *testing.T) {
	const namespace = "hostile"
	operator := startOperator(t, "--namespaces="+namespace, "--log-level=debug")
	furnish(t, namespace)
	for name, value := range hostile {
		t.Run(name, func(t *testing.T) { deliverHostile(t, operator, namespace, value) })
	}
	secretsAppearNowhere(t, operator, namespace)
	for line := range strings.SplitSeq(strings.TrimSpace(operator.log(t)), "\n") {
		NewWithT(t).Expect(json.Valid([]byte(line))).To(BeTrue(), "a line of the log is no JSON: %s", line)
	}
}

func deliverHostile(t *testing.T, operator *operator, namespace, value string) {
	t.Helper()
	g := NewWithT(t)
	quoted, err := json.Marshal(value)
	g.Expect(err).NotTo(HaveOccurred())
	body := fmt.Sprintf(`{"event_type":"RECORD_FILE_COMPLETE","app_id":%[1]s,"job_id":%[1]s,"room_id":%[1]s,"stream_name":%[1]s,"record_format":"HLS",
		"detail_message":%[1]s,"download_url":"https://example.com/","obs_location":%[1]s,"obs_bucket":"recordings","obs_object":%[1]s}`, quoted)
	g.Expect(operator.deliver(t, namespace, body)).To(Equal(http.StatusOK))
	g.Expect(operator.deliver(t, namespace, body)).To(Equal(http.StatusOK))

	var files v1alpha1.RecordingFileList
	g.Expect(admin.List(t.Context(), &files, client.InNamespace(namespace), client.MatchingFields{"spec.object.key": value})).To(Succeed())
	g.Expect(files.Items).To(HaveLen(1))
	file := files.Items[0]
	g.Expect(file.Spec.Reported.Room).To(Equal(value))
	g.Expect(file.Name).To(MatchRegexp(`^[a-z0-9][-a-z0-9]*$`))
	g.Expect(file.Labels).To(Equal(map[string]string{v1alpha1.LabelSource: "classroom"}))
	g.Expect(file.Annotations).To(BeEmpty())

	var list batchv1.JobList
	g.Eventually(func(g Gomega) {
		g.Expect(admin.List(t.Context(), &list, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelFile: file.Name})).To(Succeed())
		g.Expect(list.Items).To(HaveLen(1))
	}, timeout, poll).Should(Succeed())
	job := list.Items[0]
	for _, container := range append(job.Spec.Template.Spec.InitContainers, job.Spec.Template.Spec.Containers...) {
		g.Expect(container.Env).To(HaveLen(1))
		g.Expect(container.Env[0].Value).NotTo(ContainSubstring("$"), "the kubelet expands it")
		var spec workerapi.StepSpec
		g.Expect(json.Unmarshal([]byte(container.Env[0].Value), &spec)).To(Succeed())
		g.Expect(spec.Inputs[0].Artifact.Key).To(Equal(value))
		g.Expect(spec.Inputs[0].Storage.Spec.S3.Endpoint).To(Equal("http://192.0.2.1:9"))
		parts := strings.Split(spec.Destination.Path, "/")
		g.Expect(parts).To(HaveLen(5), "room, stream, file and step, and nothing after the last slash: %q", spec.Destination.Path)
		for _, r := range spec.Destination.Path {
			g.Expect(unicode.IsGraphic(r)).To(BeTrue(), "%q", spec.Destination.Path)
		}
	}
	// Beside the StepSpec, nothing of the Job says what the callback said.
	for i := range job.Spec.Template.Spec.InitContainers {
		job.Spec.Template.Spec.InitContainers[i].Env = nil
	}
	job.Spec.Template.Spec.Containers[0].Env = nil
	job.ManagedFields = nil
	said, err := json.Marshal(job)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(said)).NotTo(ContainSubstring(strings.Trim(string(quoted), `"`)))
}

// secretsAppearNowhere looks for the keys of a namespace in all that the operator says: its log, events, Jobs, and the
// statuses of its kinds.
func secretsAppearNowhere(t *testing.T, operator *operator, namespace string) {
	t.Helper()
	g := NewWithT(t)
	said := operator.log(t)
	for _, list := range []client.ObjectList{
		&eventsv1.EventList{}, &corev1.EventList{}, &batchv1.JobList{},
		&v1alpha1.RecordingFileList{}, &v1alpha1.RecordingTaskList{}, &v1alpha1.RecordingSourceList{}, &v1alpha1.RecordingPipelineList{}, &v1alpha1.StorageLocationList{},
		&v1alpha1.RejectedCallbackList{}, &appsv1.ControllerRevisionList{},
	} {
		g.Expect(admin.List(t.Context(), list, client.InNamespace(namespace))).To(Succeed())
		encoded, err := json.Marshal(list)
		g.Expect(err).NotTo(HaveOccurred())
		said += string(encoded)
	}
	for _, secret := range []string{callbackKey, secretAccessKey, accessKeyID, "PRIVATE"} {
		g.Expect(strings.Contains(said, secret)).To(BeFalse(), "the secret %q is told", secret)
	}
}

// log is what both processes logged.
func (o *operator) log(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, path := range o.logs {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
	}
	return all.String()
}
