// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
func hexOf(text string) string    { return hex.EncodeToString([]byte(text)) }

var fixed = []string{"--rand", "5577006791947779410", "--timestamp", "1619600282"}

func TestSendDryRun(t *testing.T) {
	f := newFakeAPI(t)
	body := write(t, "{\"event_type\": \"it's\",\r\n \"x\": \"\x00%\\\"}\n")
	for name, args := range map[string][]string{
		"start":    {"send", "start", "classroom", "--task", "608196a2fa1xxxxxx515147f32ef463b", "--room", "room01", "--stream", "mystream"},
		"complete": {"send", "complete", "classroom", "--task", "j", "--room", "it's", "--stream", "s", "--bucket", "abc-rtc-bucket2", "--object", "Record/s.mp4", "--size", "1048576", "--duration", "65", "--width", "1280", "--height", "720", "--url", "https://recordings.example.com"},
		"over":     {"send", "over", "classroom", "--task", "j", "--detail", "<done>", "--url", "https://recordings.example.com/elsewhere?x=1&y"},
		"raw":      {"send", "classroom", "-f", body},
		"json":     {"send", "over", "classroom", "--task", "j", "-o", "json"},
		"yaml":     {"send", "over", "classroom", "--task", "j", "-o", "yaml"},
		"path":     {"send", "over", "classroom", "--task", "j", "-o", "jsonpath={.request.url}"},
	} {
		t.Run(name, func(t *testing.T) {
			got := f.run(t, "", slices.Concat(args, fixed, []string{"--dry-run=client"})...)
			golden(t, "send-"+name, got.String())
		})
	}
}

// A format is sent when it is given, and never guessed: the operator goes by the ending of the object.
func TestSend_GuessesNoFormat(t *testing.T) {
	f := newFakeAPI(t)
	for args, want := range map[string]string{
		"complete classroom --bucket=b --object=Record/s.mp4":              "",
		"complete classroom --bucket=b --object=Record/s.mp4 --format=HLS": `"record_format":"HLS"`,
		"start classroom --task t":                                         "",
		"start classroom --task t --format MP4":                            `"record_format":"MP4"`,
	} {
		got := f.run(t, "", append([]string{"send", "--dry-run"}, strings.Fields(args)...)...)
		if got.code != ExitDone || !strings.Contains(got.out, want) || want == "" && strings.Contains(got.out, "record_format") {
			t.Errorf("%s: want %q: %v", args, want, got)
		}
	}
}

// What the guide of the service shows is what send makes: the signature is another implementation's.
func TestSendSignsAsTheServiceDoes(t *testing.T) {
	f := newFakeAPI(t)
	got := f.run(t, "", append([]string{"send", "classroom", "-f", filepath.Join("..", "sparkrtc", "testdata", "complete-hls.json"), "--dry-run=client"}, fixed...)...)
	if !strings.Contains(got.out, "X-Rtc-Signature: 59667f8e399fe0b4cde334567ccae539a5977a82924f0020a89ce100d4cb5f72\n") {
		t.Error(got)
	}
}

func TestSend_PostsWhatItSigned(t *testing.T) {
	f := newFakeAPI(t)
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		proof, err := sparkrtc.ProofFromHeader(r.Header)
		key, _ := sparkrtc.ParseKey([]byte(testKey))
		if err != nil || sparkrtc.Verify([]sparkrtc.Key{key}, proof, body) != nil || r.URL.Path != "/callbacks/media/classroom" {
			t.Errorf("%s %v %v", r.URL, r.Header, err)
		}
		_, _ = io.WriteString(w, `{"status":1,"result":"success"}`)
	}))
	got := f.run(t, "", "send", "over", "classroom", "--task", "j", "--url", server.URL)
	if got.code != ExitDone || !strings.HasPrefix(got.out, "200 success: ") || !bytes.Contains(body, []byte(`"CLOUD_RECORD_SERVER_OVER"`)) {
		t.Errorf("%v\n%s", got, body)
	}
	server.Close()
	if got := f.run(t, "", "send", "over", "classroom", "--task", "j", "--url", server.URL); got.code != ExitFailed || !strings.Contains(got.err, "connection refused") {
		t.Error(got)
	}
}

// TestSend_SaysWhatIsStored: the operator's 200 says nothing of the cluster, so the command looks.
func TestSend_SaysWhatIsStored(t *testing.T) {
	f := newFakeAPI(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":1,"result":"success"}`)
	}))
	defer server.Close()
	object := v1alpha1.ObjectIdentity{Bucket: "b", Key: "Record/camera.m3u8"}
	names := ingest.FileNames("classroom", object)
	task := ingest.TaskNames("classroom", "j")[0]
	complete := []string{"complete", "classroom", "--bucket", "b", "--object", object.Key}
	over := []string{"over", "classroom", "--task", "j"}
	put := func(name, source string) {
		f.objects[recordings+"recordingfiles/"+name] = builders.MakeRecordingFile(name, source).Object(object.Bucket, object.Key).Obj()
	}
	send := func(want string, args ...string) {
		t.Helper()
		got := f.run(t, "", append([]string{"send", "--url", server.URL}, args...)...)
		if got.code != ExitDone || got.out != "200 success: "+want+"\n" {
			t.Errorf("%v: %v", args, got)
		}
	}
	put(names[0], "classroom")
	send("recordingfile/"+names[0], complete...)
	put(names[0], "another")
	put(names[1], "classroom")
	send("recordingfile/"+names[1], complete...)
	send("recordingtask/"+task+" is not there yet: an operator that cannot reach the API server keeps callbacks on its disk", over...)
	f.objects[recordings+"recordingtasks/"+task] = builders.MakeRecordingTask(task, "classroom", "j").Obj()
	send("recordingtask/"+task, over...)
	f.objects[recordings+"recordingtasks/"+task] = nil
	send("recordingtask/"+task+", which you may not read", over...)
	send("nothing is stored: event_type is unknown", "classroom", "-f", write(t, `{"event_type":"RECORD_SOMETHING","app_id":"a"}`))
	send("no file is stored: event_type is unknown; see `kubectl get rejectedcallbacks -o wide -n media`",
		"classroom", "-f", write(t, `{"event_type":"RECORD_SOMETHING","obs_bucket":"b","obs_object":"o"}`))
	if got := f.run(t, "", append([]string{"send", "--url", server.URL, "-o", "json"}, complete...)...); !strings.Contains(got.out, `"stored": "recordingfile/`+names[1]+`"`) {
		t.Error(got)
	}
}

func TestSendAnswers(t *testing.T) {
	f := newFakeAPI(t)
	for name, c := range map[string]struct {
		code   int
		header http.Header
		body   string
		exit   int
	}{
		"answer-200":   {200, nil, `{"status":1,"result":"success"}`, ExitDone},
		"answer-else":  {200, nil, "<html>Welcome</html>", ExitRefused},
		"answer-302":   {302, http.Header{"Location": {"https://elsewhere.example.com/"}}, "", ExitRefused},
		"answer-400":   {400, nil, `{"status":0,"result":"job_id: is required"}`, ExitRefused},
		"answer-401":   {401, nil, `{"status":0,"result":"signature does not match"}`, ExitRefused},
		"answer-403":   {403, nil, `{"status":0,"result":"app_id is not the source's app"}`, ExitRefused},
		"answer-404":   {404, nil, "<html>\x1b[2J</html>", ExitRefused},
		"answer-405":   {405, nil, `{"status":0,"result":"only POST is allowed"}`, ExitRefused},
		"answer-413":   {413, nil, `{"status":0,"result":"body is too large"}`, ExitRefused},
		"answer-429":   {429, http.Header{"Retry-After": {"1"}}, `{"status":0,"result":"too many callbacks"}`, ExitNotNow},
		"answer-503":   {503, http.Header{"Retry-After": {"5"}}, `{"status":0,"result":"not now"}`, ExitNotNow},
		"answer-empty": {502, nil, "", ExitNotNow},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for key := range c.header {
					w.Header().Set(key, c.header.Get(key))
				}
				w.WriteHeader(c.code)
				_, _ = io.WriteString(w, c.body)
			}))
			defer server.Close()
			got := f.run(t, "", "send", "over", "classroom", "--task", "j", "--url", server.URL)
			if got.code != c.exit {
				t.Errorf("exit code %d", got.code)
			}
			golden(t, "send-"+name, got.String())
		})
	}
}

func TestSendErrors(t *testing.T) {
	f := newFakeAPI(t)
	f.objects[recordings+"recordingsources/locked"] = nil
	f.putSource(builders.MakeRecordingSource("new").Key("classroom-callback", "key").Obj())
	f.putSource(builders.MakeRecordingSource("nosecret").Key("missing", "key").Key("forbidden", "key").Key("short", "key").Key("classroom-callback", "other").Obj())
	f.objects[secrets+"forbidden"] = nil
	f.putSecret("short", map[string]string{"key": "short"})
	for name, c := range map[string]struct {
		args []string
		exit int
	}{
		"no-arguments":     {[]string{"send"}, ExitUsage},
		"no-such-event":    {[]string{"send", "begin", "classroom"}, ExitUsage},
		"foreign-field":    {[]string{"send", "start", "classroom", "--stream", "s", "--bucket", "b"}, ExitUsage},
		"missing-field":    {[]string{"send", "start", "classroom", "--stream", "s"}, ExitUsage},
		"no-file":          {[]string{"send", "complete", "classroom", "--bucket", "b"}, ExitUsage},
		"refused-field":    {[]string{"send", "complete", "classroom", "--bucket", "b\x01", "--object", "o"}, ExitUsage},
		"bad-time":         {[]string{"send", "complete", "classroom", "--bucket", "b", "--object", "o", "--end-time", "now"}, ExitUsage},
		"file-and-field":   {[]string{"send", "classroom", "-f", "-", "--task", "j"}, ExitUsage},
		"one-input":        {[]string{"send", "classroom", "-f", "-", "--key-file", "-"}, ExitUsage},
		"no-such-file":     {[]string{"send", "classroom", "-f", "/nonexistent/body"}, ExitFailed},
		"bad-url":          {[]string{"send", "over", "classroom", "--task", "j", "--url", "recordings.example.com"}, ExitUsage},
		"bad-dry-run":      {[]string{"send", "over", "classroom", "--task", "j", "--dry-run=server"}, ExitUsage},
		"bad-output":       {[]string{"send", "over", "classroom", "--task", "j", "-o", "xml"}, ExitUsage},
		"bad-flag":         {[]string{"send", "--nonsense"}, ExitUsage},
		"no-such-source":   {[]string{"send", "over", "elsewhere", "--task", "j"}, ExitFailed},
		"forbidden-source": {[]string{"send", "over", "locked", "--task", "j"}, ExitFailed},
		"no-path-yet":      {[]string{"send", "over", "new", "--task", "j"}, ExitFailed},
		"no-secret":        {[]string{"send", "over", "nosecret", "--task", "j"}, ExitFailed},
		"forbidden-secret": {[]string{"send", "over", "nosecret", "--task", "j", "--key-index", "1"}, ExitFailed},
		"short-key":        {[]string{"send", "over", "nosecret", "--task", "j", "--key-index", "2"}, ExitFailed},
		"no-key-in-secret": {[]string{"send", "over", "nosecret", "--task", "j", "--key-index", "3"}, ExitFailed},
		"no-such-key":      {[]string{"send", "over", "nosecret", "--task", "j", "--key-index", "4"}, ExitUsage},
		"no-url":           {[]string{"send", "over", "classroom", "--task", "j"}, ExitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			got := f.run(t, "", c.args...)
			if got.code != c.exit {
				t.Errorf("exit code %d, want %d", got.code, c.exit)
			}
			golden(t, "send-error-"+name, got.String())
		})
	}
}

func TestSendKeys(t *testing.T) {
	f := newFakeAPI(t)
	f.putSource(builders.MakeRecordingSource("open").Unauthenticated().Obj())
	args := append([]string{"--task", "j", "--url", "http://x/y", "--dry-run=client"}, fixed...)
	signature := func(args ...string) string {
		got := f.run(t, "", args...)
		_, after, _ := strings.Cut(got.out, "X-Rtc-Signature: ")
		line, _, _ := strings.Cut(after, "\n")
		if got.code != ExitDone {
			t.Error(got)
		}
		return line
	}
	fromSecret := signature(append([]string{"send", "over", "classroom"}, args...)...)
	if file := signature(append([]string{"send", "over", "classroom", "--key-file", write(t, testKey)}, args...)...); file != fromSecret || file == "" {
		t.Errorf("by file %q, by Secret %q", file, fromSecret)
	}
	if file := signature(append([]string{"send", "over", "classroom", "--key-file", write(t, otherKey)}, args...)...); file == fromSecret {
		t.Error("--key-file is not used")
	}
	if unsigned := signature(append([]string{"send", "over", "open"}, args...)...); unsigned != "" {
		t.Errorf("signed for a source that takes unsigned callbacks: %q", unsigned)
	}
}

func TestOctal(t *testing.T) {
	for body, want := range map[string]string{"-\x00-": `\055\000-`, "100%\\\n": `100%%\134\012`, "é'": `\303\251'`, "": ""} {
		if got := octal([]byte(body)); got != want {
			t.Errorf("%q: %q, want %q", body, got, want)
		}
	}
}

// Whatever is sent, the curl that --dry-run prints gives curl exactly the same request, by a real shell.
func TestCurlIsTheSameRequest(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	// A curl that notes its arguments and its input.
	bin := t.TempDir()
	noted := filepath.Join(bin, "noted")
	script := "#!/bin/sh\nprintf '%s\\000' \"$@\" >'" + noted + "'\ncat >'" + noted + ".in'\n"
	if err := os.WriteFile(filepath.Join(bin, "curl"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	key, err := sparkrtc.ParseKey([]byte(testKey))
	if err != nil {
		t.Fatal(err)
	}
	text := rapid.OneOf(rapid.String(), rapid.StringMatching("['\"\\\\$`!@#%&;\n\t a-z]*"))
	rapid.Check(t, func(rt *rapid.T) {
		body := rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.Map(text, func(s string) []byte { return []byte(s) })).Draw(rt, "body")
		target := "https://x/" + rapid.StringMatching(`[a-z'&$;?=%+ {},\[\]-]*`).Draw(rt, "path")
		proof, err := sparkrtc.Sign(key, rapid.StringMatching(`[ -~]{1,20}`).Draw(rt, "rand"), "1619600282", body)
		if err != nil {
			rt.Fatal(err)
		}
		r := newRequest(target, body, &proof)
		command := exec.Command(shell, "-c", r.curl())
		command.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
		if output, err := command.CombinedOutput(); err != nil {
			rt.Fatalf("%v: %s\n%s", err, output, r.curl())
		}
		raw, err := os.ReadFile(noted)
		if err != nil {
			rt.Fatal(err)
		}
		input, err := os.ReadFile(noted + ".in")
		if err != nil {
			rt.Fatal(err)
		}
		got, sent := readCurl(rt, strings.Split(strings.TrimSuffix(string(raw), "\x00"), "\x00"), input)
		if got.URL != target || !bytes.Equal(sent, body) {
			rt.Errorf("to %q: %q, want %q: %q", got.URL, sent, target, body)
		}
		for _, name := range sentHeaders {
			if got.Header.Get(name) != r.Header.Get(name) {
				rt.Errorf("%s: %q, want %q", name, got.Header.Get(name), r.Header.Get(name))
			}
		}
		checkNoKey(t, r.curl())
	})
}

// readCurl understands the options of curl that the plugin prints.
func readCurl(t *rapid.T, args []string, input []byte) (*request, []byte) {
	r, body := &request{Header: http.Header{}}, []byte(nil)
	// Without it curl takes braces and brackets of a URL for several URLs.
	globoff := args[0] == "--globoff"
	if globoff {
		args = args[1:]
	}
	for i := 0; i+1 < len(args); i += 2 {
		value := args[i+1]
		switch args[i] {
		case "--request":
		case "--header":
			name, content, _ := strings.Cut(value, ": ")
			r.Header.Set(name, content)
		case "--data-raw":
			body = []byte(value)
		case "--data-binary":
			if value != "@-" {
				t.Fatalf("data is %q", value)
			}
			body = input
		case "--url":
			if r.URL = value; strings.ContainsAny(value, "{}[]") && !globoff {
				t.Errorf("curl may make several requests of %q", value)
			}
		default:
			t.Fatalf("unknown option %q", args[i])
		}
	}
	return r, body
}
