//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/doctor"
)

// clinic is a room, the plugin on the PATH, and a folder with the files that the doctor's commands name.
type clinic struct {
	*room
	dir string
	// took is how long each run of the doctor took.
	took []time.Duration
}

func newClinic(t *testing.T) *clinic {
	t.Helper()
	c := &clinic{room: withSteps(t, func(r *room) []v1alpha1.Step { return []v1alpha1.Step{r.remux()} }), dir: t.TempDir()}
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(c.dir, "kubectl-recordings"), "../../cmd/kubectl-recordings").CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, output)
	}
	c.healthy()
	return c
}

// run types a command into a shell in the folder.
func (c *clinic) run(command string) (string, error) {
	shell := exec.CommandContext(context.WithoutCancel(c.t.Context()), "bash", "-euo", "pipefail", "-c", command)
	shell.Dir = c.dir
	shell.Env = append(os.Environ(), "PATH="+c.dir+":"+os.Getenv("PATH"))
	output, err := shell.CombinedOutput()
	return string(output), err
}

// kubectl runs it, and fails the test when it fails.
func (c *clinic) kubectl(arguments string) {
	c.t.Helper()
	if output, err := c.run("kubectl " + arguments); err != nil {
		c.t.Fatalf("kubectl %s: %v\n%s", arguments, err, output)
	}
}

// examine runs the doctor. Its exit code has to say whether it found an error.
func (c *clinic) examine(g Gomega, arguments string) []doctor.Finding {
	began := time.Now()
	shell := exec.CommandContext(c.t.Context(), filepath.Join(c.dir, "kubectl-recordings"),
		append([]string{"doctor", "-n", c.namespace, "-o", "json"}, strings.Fields(arguments)...)...)
	output, err := shell.Output()
	c.took = append(c.took, time.Since(began))
	var report doctor.Report
	g.Expect(json.Unmarshal(output, &report)).To(Succeed(), "%s%v", output, err)
	g.Expect(err != nil).To(Equal(report.Errors > 0), "%v", err)
	return slices.DeleteFunc(report.Findings, func(f doctor.Finding) bool { return f.Level == doctor.OK })
}

// healthy waits until the doctor finds nothing.
func (c *clinic) healthy() {
	c.t.Helper()
	NewWithT(c.t).Eventually(func(g Gomega) { g.Expect(c.examine(g, "--url "+callbackBase)).To(BeEmpty()) }, 2*time.Minute, poll).Should(Succeed())
}

// skewedServer is the API server behind a proxy whose clock is ahead.
func skewedServer(t *testing.T, ahead time.Duration) string {
	t.Helper()
	config := ctrl.GetConfigOrDie()
	transport, err := rest.TransportFor(config)
	must(err)
	server, err := url.Parse(config.Host)
	must(err)
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(request *httputil.ProxyRequest) { request.SetURL(server) },
		Transport: transport,
		ModifyResponse: func(response *http.Response) error {
			response.Header.Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
			return nil
		},
	})
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// TestDoctor_HealthyInstallation: in a real cluster, doctor reaches everything that it checks and finds nothing wrong.
func TestDoctor_HealthyInstallation(t *testing.T) {
	c := newClinic(t)
	output, err := c.run("kubectl recordings doctor -n " + c.namespace + " --url " + callbackBase)
	if err != nil || !strings.HasSuffix(output, "\n0 errors, 0 warnings\n") {
		t.Errorf("%v\n%s", err, output)
	}
	t.Logf("\n%s", output)
}

// TestDoctor_FindsSeededFaults seeds one fault after the other. For each, the doctor names the fault and a command; the command
// works as it is printed, and either it or the test puts the fault right, which the doctor then sees.
func TestDoctor_FindsSeededFaults(t *testing.T) {
	c := newClinic(t)
	c.kubectl("kustomize " + absolute("config/crd") + " > crds.yaml")
	c.kubectl("kustomize " + absolute("dist/deploy") + " > operator.yaml")
	must(os.WriteFile(filepath.Join(c.dir, "FILE_WITH_THE_KEY"), []byte(callbackKey+"\n"), 0o600))
	// A person who does what the finding of a slow webhook says.
	must(os.WriteFile(filepath.Join(c.dir, "editor"), []byte("#!/bin/sh\nexec sed -i 's/timeoutSeconds: 30/timeoutSeconds: 5/' \"$1\"\n"), 0o700))
	if output, err := c.run("(cat crds.yaml; echo ---; cat operator.yaml) > install.yaml"); err != nil {
		t.Fatal(output)
	}
	for _, fault := range seededFaults {
		t.Run(fault.name, func(t *testing.T) {
			room := *c.room
			room.t = t
			one := &clinic{room: &room, dir: c.dir}
			began := time.Now()
			one.meet(fault)
			c.took = append(c.took, one.took...)
			t.Logf("%s", time.Since(began).Round(100*time.Millisecond))
		})
		if t.Failed() {
			return // what is wrong now would be found again
		}
	}
	c.healthy()
	slices.Sort(c.took)
	t.Logf("%d faults; %d runs of the doctor took %s to %s, half of them at most %s", len(seededFaults), len(c.took),
		c.took[0].Round(time.Millisecond), c.took[len(c.took)-1].Round(time.Millisecond), c.took[len(c.took)/2].Round(time.Millisecond))
}

func absolute(path string) string {
	full, err := filepath.Abs(filepath.Join("..", "..", path))
	must(err)
	return full
}

// meet seeds a fault, and sees it found, the command work, and the fault gone.
func (c *clinic) meet(fault seededFault) {
	c.t.Helper()
	arguments := "--url " + callbackBase
	if fault.arguments != nil {
		arguments = fault.arguments(c)
	}
	repair := func() {}
	if fault.seed != nil {
		repair = fault.seed(c)
	}
	var found doctor.Finding
	NewWithT(c.t).Eventually(func(g Gomega) {
		findings := c.examine(g, arguments)
		at := slices.IndexFunc(findings, fault.is)
		g.Expect(at).To(BeNumerically(">=", 0), "%+v", findings)
		found = findings[at]
	}, time.Minute, poll).Should(Succeed())
	c.t.Logf("%s %s %s: %s\n$ %s", found.Level, found.Check, found.Object, found.Message, found.Fix)
	if !strings.Contains(found.Fix, fault.fix) {
		c.t.Errorf("the command is %q, not %q", found.Fix, fault.fix)
	}
	if !fault.elsewhere {
		// Pods that the command asks may just be going.
		NewWithT(c.t).Eventually(func(g Gomega) {
			output, err := c.run("export KUBE_EDITOR=$PWD/editor; " + found.Fix)
			g.Expect(err).NotTo(HaveOccurred(), "%s\n%s", found.Fix, output)
			g.Expect(output).To(ContainSubstring(fault.shows), "%s", found.Fix)
		}, 30*time.Second, poll).Should(Succeed())
	}
	if repair != nil {
		repair()
	}
	NewWithT(c.t).Eventually(func(g Gomega) {
		findings := c.examine(g, "--url "+callbackBase)
		g.Expect(slices.ContainsFunc(findings, fault.is)).To(BeFalse(), "%+v", findings)
	}, 90*time.Second, poll).Should(Succeed())
}
