//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// session is a command of a page and what the page shows of its output. A line of three dots stands for lines that are left out.
type session struct {
	command string
	shown   []string
}

// sessions are the code blocks of a page that begin with a prompt.
func sessions(page string) []session {
	var found []session
	for _, block := range regexp.MustCompile("(?ms)^ *```console\n *\\$ (.*?)\n(.*?)^ *```$").FindAllStringSubmatch(page, -1) {
		found = append(found, session{block[1], strings.Split(strings.TrimSpace(block[2]), "\n")})
	}
	return found
}

// same makes lines comparable: their spaces, and what is another in each cluster.
func (r *room) same(line string) string {
	for _, other := range []struct{ pattern, name string }{
		{regexp.QuoteMeta(r.folder), "Record/live"}, {regexp.QuoteMeta(r.namespace), "media"}, {`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\b`, "TIME"},
		{`-[a-z2-7]{16}\b`, "-FILE"}, {`-[0-9a-f]{10}\b`, "-JOB"}, {`-JOB-[a-z0-9]{5}\b`, "-JOB-POD"}, {`classroom-\d\d\b`, "classroom-NN"},
		{`\b(\d+[dhms])+\b( \(x\d+ over \d+\w+\))?`, "AGE"}, {`\s+`, " "},
	} {
		line = regexp.MustCompile(other.pattern).ReplaceAllString(line, other.name)
	}
	return strings.TrimSpace(line)
}

// missing is the first of the lines that does not come; empty: all do.
func (r *room) missing(shown []string, output string) string {
	printed := map[string]bool{"...": true}
	for line := range strings.Lines(output) {
		printed[r.same(line)] = true
	}
	for _, line := range shown {
		if !printed[r.same(line)] {
			return line
		}
	}
	return ""
}

// symptoms makes everything that docs/troubleshooting.md shows.
func (c *clinic) symptoms() {
	t := c.t
	t.Helper()
	pipeline := &v1alpha1.RecordingPipeline{}
	c.must(k8s.Get(t.Context(), client.ObjectKey{Namespace: c.namespace, Name: "lecture"}, pipeline))
	pipeline.Spec.Steps[0].Retries = new(int32(0)) // a segment may be late: otherwise it is tried again for an hour
	c.must(k8s.Update(t.Context(), pipeline))
	object := c.record("camera")
	toolbox(t, `rm "$1"`, "/data/recordings/"+c.folder+"/camera/camera-001.ts")
	c.complete("job-1", "camera", object, seconds).mustSend(t)
	c.complete("job-1", "test", c.folder+"/test.m3u8", 2).mustSend(t) // shorter than the route wants

	for _, refused := range []struct {
		fields map[string]any
		key    string
		code   int
	}{
		{map[string]any{"event_type": "CLOUD_RECORD_SERVER_OVER", "app_id": "app", "job_id": "job-1"}, strings.Repeat("x", 32), http.StatusUnauthorized},
		{map[string]any{"event_type": "CLOUD_RECORD_SERVER_OVER", "app_id": "another", "job_id": "job-1"}, callbackKey, http.StatusForbidden},
		{map[string]any{"event_type": "RECORD_FILE_COMPLETE", "app_id": "app", "job_id": "job-1"}, callbackKey, http.StatusBadRequest},
	} {
		if code, answer := sign(t, c.path(), refused.fields).signedWith(t, refused.key).send(t); code != refused.code {
			t.Errorf("%v was answered %d %s", refused.fields, code, answer)
		}
	}

	wrong := c.storage("abc-archive", "s3-credentials")
	wrong.Name, wrong.Spec.S3.Endpoint = "obs", "http://obs.storage.svc:7070"
	keys := func(secret string) v1alpha1.CallbackSpec {
		return v1alpha1.CallbackSpec{Keys: []v1alpha1.CallbackKey{{SecretRef: v1alpha1.SecretKeyReference{Name: secret, Key: "key"}}}}
	}
	c.create(wrong,
		&v1alpha1.RecordingSource{ObjectMeta: c.meta("seminar"), Spec: v1alpha1.RecordingSourceSpec{Callback: keys("seminar-callback")}},
		&v1alpha1.RecordingSource{ObjectMeta: c.meta("webinar"), Spec: v1alpha1.RecordingSourceSpec{AppID: "webinars", Callback: keys("callback"), Service: &v1alpha1.Service{
			ProjectID: "p", CredentialsSecretRef: v1alpha1.SecretReference{Name: "sparkrtc-api"}, PublicURL: "https://recordings.example.com"}}},
		&corev1.Secret{ObjectMeta: c.meta("sparkrtc-api"), StringData: map[string]string{"accessKeyID": "nobody"}})
}

// TestTroubleshooting_ShowsRealOutput makes the symptoms of docs/troubleshooting.md, and types its commands: each prints what the
// page shows.
func TestTroubleshooting_ShowsRealOutput(t *testing.T) {
	c := newClinic(t)
	page, err := os.ReadFile(absolute("docs/troubleshooting.md"))
	must(err)
	c.symptoms()
	all := sessions(string(page))
	if len(all) < 9 {
		t.Fatalf("the page has %d sessions", len(all))
	}
	// The name of a file follows from its place in the bucket, which is another in each run.
	named := func(command string) string {
		for _, file := range c.files() {
			stream, _, _ := strings.Cut(file.Name, "-")
			command = regexp.MustCompile(stream+`-[a-z2-7]{16}\b`).ReplaceAllString(command, file.Name)
		}
		return strings.ReplaceAll(command, "-n media", "-n "+c.namespace)
	}
	for _, s := range all {
		t.Run(s.command, func(t *testing.T) {
			var output string
			NewWithT(t).Eventually(func(g Gomega) {
				output, _ = c.run(named(s.command))
				g.Expect(c.missing(s.shown, output)).To(BeEmpty(), "%s", fmt.Sprintf("$ %s\n%s", named(s.command), output))
			}, settled, poll).Should(Succeed())
			t.Logf("$ %s\n%s", s.command, strings.NewReplacer(c.folder, "Record/live", c.namespace, "media").Replace(output))
		})
	}
}
