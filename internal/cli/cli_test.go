// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

func TestVersion(t *testing.T) {
	if got := run(t, "", "version"); got.code != ExitDone || !strings.HasPrefix(got.out, "kubectl recordings v1.2.3 (go") {
		t.Error(got)
	}
}

// Every command has a help with examples, which are about itself.
func TestHelp(t *testing.T) {
	for _, name := range []string{"send", "verify", "discover", "replay"} {
		got := run(t, "", name, "--help")
		if got.code != ExitDone || !strings.Contains(got.out, "\nExamples:\n") || !strings.Contains(got.out, "  kubectl recordings "+name+" ") {
			t.Error(got)
		}
	}
	golden(t, "help", run(t, "", "--help").String())
	golden(t, "help-send", run(t, "", "send", "--help").String())
}

// The reference knows every command and every flag.
func TestReference(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "kubectl-recordings.md"))
	if err != nil {
		t.Fatal(err)
	}
	var check func(command *cobra.Command)
	check = func(command *cobra.Command) {
		if !strings.Contains(string(text), command.CommandPath()) {
			t.Errorf("%q is missing", command.CommandPath())
		}
		command.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
			printing := flag.Name == "output" || flag.Name == "template"
			if !flag.Hidden && !printing && !strings.Contains(string(text), "--"+flag.Name) {
				t.Errorf("%q: --%s is missing", command.CommandPath(), flag.Name)
			}
		})
		for _, sub := range command.Commands() {
			check(sub)
		}
	}
	check(newRoot(Environment{}))
}

func TestUnknownCommand(t *testing.T) {
	golden(t, "unknown", run(t, "", "sned").String())
}

func TestCompletion(t *testing.T) {
	f := newFakeAPI(t)
	rejected := &v1alpha1.RejectedCallbackList{Items: make([]v1alpha1.RejectedCallback, 2)}
	rejected.Items[0].Name, rejected.Items[1].Name = "classroom-03", "classroom-07"
	f.objects[recordings+"rejectedcallbacks"] = rejected
	sources := &v1alpha1.RecordingSourceList{}
	for _, name := range []string{"classroom", "lobby"} {
		source := v1alpha1.RecordingSource{}
		source.Name = name
		sources.Items = append(sources.Items, source)
	}
	f.objects[recordings+"recordingsources"] = sources
	pipelines := &v1alpha1.RecordingPipelineList{Items: make([]v1alpha1.RecordingPipeline, 1)}
	pipelines.Items[0].Name = "lecture"
	f.objects[recordings+"recordingpipelines"] = pipelines
	for typed, want := range map[string]string{
		"send ":                         "start complete over",
		"send over ":                    "classroom lobby",
		"send over classroom ":          "",
		"send -f x ":                    "classroom lobby",
		"verify ":                       "classroom lobby",
		"verify classroom ":             "",
		"discover ":                     "classroom lobby",
		"discover classroom --dry-run=": "none client",
		"replay ":                       "classroom-03 classroom-07",
		"replay classroom-07 ":          "classroom-03",
		"replay --source ":              "classroom lobby",
		"queue --source ":               "classroom lobby",
		"queue --pipeline ":             "lecture",
		"process --pipeline ":           "lecture",
		"process --format ":             "HLS MP4",
		"send over classroom --format ": "HLS MP4",
	} {
		words := strings.Split("__complete --server "+f.URL+" --kubeconfig /dev/null --namespace media "+typed, " ")
		got := run(t, "", words...)
		var values []string
		for line := range strings.SplitSeq(got.out, "\n") {
			if value, _, _ := strings.Cut(line, "\t"); value != "" && !strings.HasPrefix(value, ":") {
				values = append(values, value)
			}
		}
		if got.code != ExitDone || strings.Join(values, " ") != want {
			t.Errorf("%q: completed with %q, want %q; %v", typed, values, want, got)
		}
	}
	complete := func(typed string) ran {
		return run(t, "", strings.Split("__complete --server "+f.URL+" --kubeconfig /dev/null "+typed, " ")...)
	}
	namespaces := &corev1.NamespaceList{Items: make([]corev1.Namespace, 2)}
	namespaces.Items[0].Name, namespaces.Items[1].Name = "lectures", "media"
	f.objects["/api/v1/namespaces"] = namespaces
	if got := complete("send over -n "); !strings.HasPrefix(got.out, "lectures\nmedia\n") {
		t.Errorf("-n is completed with %v", got)
	}
	// Flags that follow the command count too.
	f.objects[strings.Replace(recordings, "media", "lectures", 1)+"recordingsources"] = &v1alpha1.RecordingSourceList{
		Items: []v1alpha1.RecordingSource{{ObjectMeta: metav1.ObjectMeta{Name: "algebra"}}},
	}
	for _, typed := range []string{"-n lectures send over ", "send over -n lectures ", "send -n lectures over ", "send over --namespace=lectures "} {
		if got := complete(typed); !strings.HasPrefix(got.out, "algebra\n") {
			t.Errorf("%q: completed with %v", typed, got)
		}
	}
	// What cannot be completed is not an error on somebody's screen.
	f.objects[recordings+"recordingsources"] = nil
	if got := complete("--namespace media verify "); got.code != ExitDone || !strings.HasPrefix(got.out, ":") {
		t.Error(got)
	}
}

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"Ü \"ok\"":        "Ü \"ok\"",
		"a\nb\x1b[2J\xff": `a\nb\x1b[2J\xff`,
		"\u202egnp.exe":   `\u202egnp.exe`,
		"":                "",
	} {
		if got := plain(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A cluster without the operator is not one without the source.
func TestNoDefinitions(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	got := run(t, "", "send", "over", "classroom", "--task", "j", "--server", server.URL, "--kubeconfig", os.DevNull)
	if got.code != ExitFailed || !strings.Contains(got.err, "the cluster knows no RecordingSources") {
		t.Error(got)
	}
}

func TestNoSuchKubeconfig(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	got := run(t, "", "send", "over", "classroom", "--task", "j", "--kubeconfig", missing)
	if got.code != ExitFailed || !strings.Contains(got.err, "read the kubeconfig") {
		t.Error(got)
	}
}

// A login to kubectl by OpenID Connect is a login to the plugin too.
func TestAuthProvider(t *testing.T) {
	// {"exp":9999999999}; nobody but the API server looks at the rest.
	const token = "e30.eyJleHAiOjk5OTk5OTk5OTl9.e30"
	var got string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		http.NotFound(w, r)
	}))
	defer server.Close()
	kubeconfig := write(t, `{"apiVersion": "v1", "kind": "Config", "current-context": "x",
		"clusters": [{"name": "x", "cluster": {"server": "`+server.URL+`", "insecure-skip-tls-verify": true}}],
		"users": [{"name": "x", "user": {"auth-provider": {"name": "oidc", "config": {"client-id": "x", "id-token": "`+token+`", "idp-issuer-url": "https://x"}}}}],
		"contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}]}`)
	if answer := run(t, "", "send", "over", "classroom", "--task", "j", "--kubeconfig", kubeconfig); got != "Bearer "+token {
		t.Errorf("authorized by %q: %v", got, answer)
	}
}

// TestCompletionScripts holds that there is one for each shell, and that kubectl's is the one that is installed from a checkout.
func TestCompletionScripts(t *testing.T) {
	installed, err := os.ReadFile(filepath.Join("..", "..", "cmd", "kubectl-recordings", "kubectl_complete-recordings"))
	if err != nil {
		t.Fatal(err)
	}
	if got := run(t, "", "completion", "kubectl"); got.code != ExitDone || got.out != string(installed) {
		t.Error(got)
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := run(t, "", "completion", shell); got.code != ExitDone || !strings.Contains(got.out, "kubectl-recordings") {
			t.Errorf("%s: %v", shell, got)
		}
	}
	if got := run(t, "", "completion", "ksh"); got.code != ExitUsage || !strings.Contains(got.err, `not "ksh"`) {
		t.Error(got)
	}
}

func TestArguments_AreNamed(t *testing.T) {
	for command, want := range map[string]string{
		"verify":       "error: give SOURCE\n",
		"discover":     "error: give SOURCE\n",
		"discover a b": `error: unexpected argument "b"`,
		"version now":  `error: unexpected argument "now"`,
		"completion":   "error: give kubectl or the shell\n",
	} {
		if got := run(t, "", strings.Fields(command)...); got.code != ExitUsage || !strings.HasPrefix(got.err, want) {
			t.Errorf("%s: %v", command, got)
		}
	}
}
