// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	testclock "k8s.io/utils/clock/testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

func TestUI_SaysWhatIsWrong(t *testing.T) {
	f := newFakeAPI(t)
	f.objects[recordings+"recordingfiles"] = nil
	for name, args := range map[string][]string{
		"bad-port": {"--port", "70000"}, "no-number": {"--port", "http"}, "address": {"0.0.0.0"}, "may-not": {},
	} {
		got := f.run(t, "", append([]string{"ui"}, args...)...)
		golden(t, "ui-"+name, got.String())
	}
	golden(t, "help-ui", run(t, "", "ui", "--help").String())
}

// TestUI_ServesAndOpensThePage by a file that nobody else can read, and that is gone with the command.
func TestUI_ServesAndOpensThePage(t *testing.T) {
	f := newFakeAPI(t)
	f.objects[recordings+"recordingfiles"] = listOf("1", watchedFile("camera-1", v1alpha1.ReasonSucceeded, true))
	flags := genericclioptions.NewConfigFlags(true)
	*flags.APIServer, *flags.KubeConfig, *flags.Namespace = f.URL, os.DevNull, "media"
	for name, browserErr := range map[string]error{"a browser": nil, "no browser": errors.New("no display")} {
		t.Run(name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			opened := make(chan string, 1)
			o := &uiOptions{
				env:    Environment{IOStreams: genericiooptions.IOStreams{Out: &out, ErrOut: &errOut}, Clock: testclock.NewFakeClock(testNow)},
				access: &access{flags: flags}, open: true,
				openBrowser: func(_ context.Context, path string) error {
					opened <- path
					return browserErr
				},
			}
			if err := errors.Join(o.complete(nil, nil), o.validate()); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			ended := make(chan error, 1)
			go func() { ended <- o.run(ctx) }()
			path := <-opened
			checkOpened(t, path)
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the file is left: %v", err)
			}
			if !strings.HasPrefix(out.String(), "http://127.0.0.1:") || strings.Contains(errOut.String(), "no display") != (browserErr != nil) {
				t.Errorf("printed %q and %q", out.String(), errOut.String())
			}
		})
	}
}

// checkOpened opens the page as a browser does that was given the file.
func checkOpened(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700 | os.ModeDir} {
		if about, err := os.Stat(name); err != nil || about.Mode() != want {
			t.Errorf("%s has the mode %v: %v", name, about.Mode(), err)
		}
	}
	_, after, _ := strings.Cut(string(text), "url=")
	url, _, found := strings.Cut(after, `"`)
	if !found {
		t.Fatalf("the file leads nowhere: %s", text)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	address, _, _ := strings.Cut(url, "?")
	for _, each := range []struct{ url, want string }{{url, "url=./"}, {address, "<title>Recordings</title>"}} {
		response, err := browser.Get(each.url)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || !strings.Contains(string(page), each.want) {
			t.Errorf("%s shows %s: %v", each.url, page, err)
		}
	}
}
