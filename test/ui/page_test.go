// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ui has the tests of the page of `kubectl recordings ui` in headless Chromium, against a real API server.
package ui

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/cli"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
)

// TestPage shows recordings of a real API server in headless Chromium. It runs when REQUIRE_BROWSER is 1, and writes
// pictures to the folder PICTURES.
func TestPage(t *testing.T) {
	if os.Getenv("REQUIRE_BROWSER") != "1" {
		t.Skip("REQUIRE_BROWSER is not 1: make test-ui runs it")
	}
	c := &cluster{Server: apiserver.Start(t), t: t, now: time.Now()}
	file := c.fill()
	b := openTab(t)
	b.look("light", 1440, 860)
	b.call("Page.navigate", map[string]any{"url": serve(t, c)}, nil)
	b.eventually(`document.querySelectorAll("#files tbody tr").length`, strconv.Itoa(c.files))
	b.eventually(`document.getElementById("connection").textContent`, "live")
	if address := b.run(`location.href`); strings.Contains(address, "token") {
		t.Errorf("the token stays in the address: %s", address)
	}

	// What others named is text, and nothing of it is markup.
	b.eventually(`document.querySelectorAll("tr[data-key='media/hostile-room'] .room .first")[0].textContent`, hostile)
	if found := b.run(`document.querySelectorAll("main img, main script").length + " " + document.title`); !strings.HasPrefix(found, "0 Recordings") {
		t.Errorf("a name became markup: %s", found)
	}

	// The keyboard is enough.
	row := func(name string) string { return `tr[data-key="media/` + name + `"]` }
	b.press("j")
	first := b.run(`document.activeElement.dataset.key`)
	b.press("j")
	if second := b.run(`document.activeElement.dataset.key`); second == first || !strings.HasPrefix(second, "media/") {
		t.Errorf("j moved from %q to %q", first, second)
	}
	b.press("k")
	if again := b.run(`document.activeElement.dataset.key`); again != first {
		t.Errorf("k moved to %q, not %q", again, first)
	}
	b.press("/")
	for _, letter := range "hostile" {
		b.press(string(letter))
	}
	b.eventually(`[...document.querySelectorAll("#files tbody tr")].map(row => row.dataset.key).join()`, "media/hostile-room")
	b.press("Escape")
	b.press("j", "Enter")
	b.eventually(`document.querySelector("#detail .summary p")?.textContent`, hostile)
	b.press("Escape")
	b.eventually(`String(document.getElementById("detail").hidden)`, "true")
	b.run(`(() => { const text = document.getElementById("text"); text.value = ""; text.dispatchEvent(new Event("input")); })()`)
	b.eventually(`document.querySelectorAll("#files tbody tr").length`, strconv.Itoa(c.files))
	b.press("t")
	b.eventually(`document.querySelectorAll("#tasks:not([hidden]) tbody tr").length`, "2")
	b.press("t")
	b.run(`document.getElementById("tab-files").focus()`)
	b.press("ArrowRight")
	b.eventually(`document.activeElement.id + " " + document.querySelectorAll("#tasks:not([hidden]) tbody tr").length`, "tab-tasks 2")
	b.press("ArrowLeft")
	b.eventually(`document.activeElement.id + " " + document.querySelector("#list").getAttribute("aria-labelledby")`, "tab-files tab-files")
	b.press("?")
	b.eventually(`String(document.getElementById("help").open)`, "true")
	b.press("Escape")
	b.eventually(`String(document.getElementById("help").open)`, "false")

	// What changes is shown, without a reload, in the list and in the detail.
	b.run(`document.querySelector('` + row(file.Name) + `').click()`)
	b.eventually(`document.querySelector("#detail h2")?.textContent`, file.Name)
	b.eventually(`document.querySelector("#detail [aria-label='Step small'] .right")?.textContent`, "42% · Process 3.4x")
	b.eventually(`document.querySelector("#detail .entry[data-tone=bad] p")?.textContent`, "step mp4: the storage endpoint did not respond; trying again")
	b.run(`window.sameDocument = true`)
	c.status(file, func(status *v1alpha1.RecordingFileStatus) {
		status.Steps[1] = c.running("small", "analysis", 77, v1alpha1.StageProcess, "3.5x")
	})
	b.eventually(`document.querySelector('`+row(file.Name)+` .now').textContent`, "small 77% Process 3.5x")
	b.eventually(`document.querySelector("#detail [aria-label='Step small'] .right")?.textContent`, "77% · Process 3.5x")
	b.eventually(`document.querySelector("#detail > section > dl.facts").textContent.includes("math-301") + " " + window.sameDocument`, "true true")

	photographEach(t, b, row(file.Name))
	if complaints := b.complained(); complaints != nil {
		t.Errorf("the console has errors: %s", strings.Join(complaints, "\n"))
	}
	// What is elsewhere is not loaded, whatever asks for it.
	if loaded := b.run(`(() => { try { document.body.innerHTML = "<p>"; return "parsed"; } catch { return "refused"; } })()`); loaded != "refused" {
		t.Errorf("text as markup is %s", loaded)
	}
	if loaded := b.run(`fetch("http://localhost:1/").then(() => "loaded", () => "refused")`); loaded != "refused" || len(b.complained()) == 0 {
		t.Errorf("another server is %s", loaded)
	}
}

// photographEach writes a picture of each look, with the detail of a row and without, and checks that both schemes have
// colors of their own, and that nothing is wider than a small window.
func photographEach(t *testing.T, b *tab, row string) {
	t.Helper()
	grounds := map[string]bool{}
	for _, look := range []struct {
		name, scheme  string
		width, height int
		open          bool
	}{{"list", "light", 1440, 720, false}, {"light", "light", 1440, 860, true}, {"dark", "dark", 1440, 860, true}, {"narrow", "light", 480, 860, true}} {
		b.look(look.scheme, look.width, look.height)
		b.press("Escape")
		if look.open {
			b.run(`document.querySelector('` + row + `').click()`)
			b.eventually(`String(document.querySelectorAll("#detail .card").length > 0)`, "true")
		}
		grounds[b.run(`getComputedStyle(document.body).backgroundColor`)] = true
		if wide := b.run(`document.documentElement.scrollWidth > innerWidth ? "wide" : "fits"`); wide != "fits" {
			t.Errorf("%s: the page is wider than its window", look.name)
		}
		if folder := os.Getenv("PICTURES"); folder != "" {
			if err := os.WriteFile(filepath.Join(folder, "ui-"+look.name+".png"), b.photograph(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(grounds) != 2 {
		t.Errorf("light and dark have the background colors %v", grounds)
	}
}

// serve runs the command as a person with the rights that the documentation names, and returns the address that it prints.
// The command ends with the test.
func serve(t *testing.T, c *cluster) string {
	t.Helper()
	person, err := c.AddUser(envtest.User{Name: "jane"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	see := []string{"get", "list", "watch"}
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "jane"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"recordingfiles", "recordingtasks"}, Verbs: see},
		{APIGroups: []string{"batch"}, Resources: []string{"jobs"}, Verbs: []string{"list"}},
		{APIGroups: []string{""}, Resources: []string{"pods", "events"}, Verbs: []string{"list"}},
	}}
	c.create(role)
	c.create(&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "jane"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "jane"}}})
	kubeconfig, err := person.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	out, in := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: in, ErrOut: io.Discard}
		code := cli.Run(ctx, cli.Environment{IOStreams: streams, Clock: clock.RealClock{}, Version: "v1.2.3"},
			[]string{"ui", "--kubeconfig", path, "--all-namespaces"})
		_ = in.Close()
		ended <- code
	}()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != cli.ExitDone {
			t.Errorf("the command ended with exit code %d", code)
		}
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(address)
}
