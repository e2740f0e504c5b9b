// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package security

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const (
	timeout = 30 * time.Second
	poll    = 50 * time.Millisecond
	// callbackKey is what the tests' sources sign with.
	callbackKey = "0123456789abcdef0123456789abcdef"
)

// operator is a running receiver and a running manager.
type operator struct {
	// callbacks is the receiver's address.
	callbacks string
	// logs are the files that the two log to.
	logs []string
}

// startOperator runs both processes until the test ends, each as its service account, and waits until they are ready.
// The arguments are for both.
func startOperator(t *testing.T, arguments ...string) *operator {
	t.Helper()
	address := freePorts(t, 1)[0]
	return &operator{callbacks: "http://" + address, logs: []string{
		startProcess(t, "receiver", receiverAccount, append([]string{"--callback-bind-address=" + address}, arguments...)...),
		startProcess(t, "manager", managerAccount, append([]string{"--leader-elect", "--leader-election-namespace=" + systemNamespace}, arguments...)...),
	}}
}

// startProcess runs a command as an account until the test ends, waits until it is ready, and returns its log file.
func startProcess(t *testing.T, name string, as account, arguments ...string) string {
	t.Helper()
	g := NewWithT(t)
	dir := t.TempDir()
	config := as.config(t)
	kubeconfig := filepath.Join(dir, "kubeconfig")
	g.Expect(clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"c": {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"u": {Token: config.BearerToken}},
		Contexts:       map[string]*clientcmdapi.Context{"x": {Cluster: "c", AuthInfo: "u"}},
		CurrentContext: "x",
	}, kubeconfig)).To(Succeed())
	path := filepath.Join(dir, "log")
	log, err := os.Create(path)
	g.Expect(err).NotTo(HaveOccurred())
	ports := freePorts(t, 2)
	process := exec.Command(filepath.Join(binaries, name), append([]string{
		"--health-probe-bind-address=" + ports[0], "--metrics-bind-address=" + ports[1],
	}, arguments...)...)
	// An API server before Kubernetes 1.34 may not stream lists: the operator then lists, and needs the right to.
	process.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "KUBE_FEATURE_WatchListClient=false")
	process.Stdout, process.Stderr = log, log
	g.Expect(process.Start()).To(Succeed())
	t.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		_ = process.Wait()
		_ = log.Close()
		if t.Failed() {
			content, _ := os.ReadFile(path)
			t.Logf("log of the %s:\n%s", name, content[max(0, len(content)-8000):])
		}
	})
	g.Eventually(func(g Gomega) {
		response, err := http.Get("http://" + ports[0] + "/readyz")
		g.Expect(err).NotTo(HaveOccurred())
		_ = response.Body.Close()
		g.Expect(response.StatusCode).To(Equal(http.StatusOK))
	}, timeout, poll).Should(Succeed())
	return path
}

func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var addresses []string
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses
}

// deliver sends a signed callback and returns the response's code.
func (o *operator) deliver(t *testing.T, namespace, body string) int {
	t.Helper()
	key, err := sparkrtc.ParseKey([]byte(callbackKey))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		fmt.Sprintf("%s/callbacks/%s/classroom", o.callbacks, namespace), bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	proof, err := sparkrtc.Sign(key, fmt.Sprint(now.UnixNano()), fmt.Sprint(now.Unix()), []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	proof.SetHeader(request.Header)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// event is a callback's body; facts are added to it as they are.
func event(kind, job string, facts ...string) string {
	fields := append([]string{fmt.Sprintf(`"event_type":%q,"app_id":"app","job_id":%q,"room_id":"room","stream_name":"stream","record_format":"HLS"`, kind, job)}, facts...)
	return "{" + strings.Join(fields, ",") + "}"
}
