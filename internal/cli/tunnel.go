// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// managerLabels are those of the operator's pods, as config/default sets them.
var managerLabels = client.MatchingLabels{
	"app.kubernetes.io/name":      "recording-operator",
	"app.kubernetes.io/component": "receiver",
}

// managers are the operator's running pods, by name.
func (c *cluster) managers(ctx context.Context, namespace string) ([]corev1.Pod, error) {
	pods := &corev1.PodList{}
	if err := c.List(ctx, pods, client.InNamespace(namespace), managerLabels); err != nil {
		return nil, c.explain(fmt.Errorf("find the operator's pods: %w", err), "list", "pods", namespace)
	}
	running := slices.DeleteFunc(pods.Items, func(pod corev1.Pod) bool {
		return pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil
	})
	if len(running) == 0 {
		return nil, fmt.Errorf("no pod of the operator runs in namespace %s; name its namespace with --operator-namespace", namespace)
	}
	slices.SortFunc(running, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	return running, nil
}

// isReady says that a pod answers.
func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// tunnel leads to a port of a pod through the API server, as `kubectl port-forward` does. It opens no port on this
// machine: what the pod says to somebody with the right to forward ports is not said to the machine's other users.
type tunnel struct {
	dialer httpstream.Dialer
	pod    string
	port   int
}

// tunnelTo prepares a tunnel; nothing is dialled yet.
func (c *cluster) tunnelTo(pod *corev1.Pod, port int) (*tunnel, error) {
	config := rest.CopyConfig(c.config)
	// A tunnel lives as long as its requests, which have deadlines of their own.
	config.Timeout = 0
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("find the API server: %w", err)
	}
	target := base.JoinPath("api/v1/namespaces", pod.Namespace, "pods", pod.Name, "portforward")
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, fmt.Errorf("prepare a port-forward: %w", err)
	}
	overSPDY := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, target)
	overWebsocket, err := portforward.NewSPDYOverWebsocketDialerForStreaming(target, config)
	if err != nil {
		return nil, fmt.Errorf("prepare a port-forward: %w", err)
	}
	dialer := portforward.NewFallbackDialerForStreaming(overWebsocket, overSPDY, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	return &tunnel{dialer: dialer, pod: pod.Namespace + "/" + pod.Name, port: port}, nil
}

// transport sends HTTP requests through the tunnel, whatever host they name. A certificate at its end is not verified,
// since it is made for another name: the API server and the kubelet vouch for who is there.
func (t *tunnel) transport() *http.Transport {
	return &http.Transport{
		DialContext:     t.dial,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
	}
}

// explainTunnel says what to do about an error of a request through a tunnel.
func (c *cluster) explainTunnel(err error, namespace string) error {
	switch {
	case err == nil:
		return nil
	case apierrors.IsForbidden(err) || strings.Contains(err.Error(), "forbidden"):
		return fmt.Errorf("%w; you need the right to create pods/portforward in namespace %s (kubectl auth can-i create pods --subresource=portforward -n %[2]s)", err, namespace)
	default:
		return err
	}
}

// dial opens one connection. Transport gives up waiting for it when the request's context ends.
func (t *tunnel) dial(context.Context, string, string) (net.Conn, error) {
	streams, _, err := t.dialer.Dial(portforward.PortForwardProtocolV1Name)
	if err != nil {
		return nil, fmt.Errorf("forward port %d of pod %s: %w", t.port, t.pod, err)
	}
	conn, err := t.open(streams)
	if err != nil {
		_ = streams.Close()
		return nil, fmt.Errorf("forward port %d of pod %s: %w", t.port, t.pod, err)
	}
	return conn, nil
}

// open makes the two streams that are one forwarded connection: what went wrong, and the bytes.
func (t *tunnel) open(streams httpstream.Connection) (net.Conn, error) {
	header := http.Header{}
	header.Set(corev1.PortHeader, strconv.Itoa(t.port))
	header.Set(corev1.PortForwardRequestIDHeader, "0")
	header.Set(corev1.StreamType, corev1.StreamTypeError)
	problems, err := streams.CreateStream(header)
	if err != nil {
		return nil, fmt.Errorf("open the error stream: %w", err)
	}
	// Nothing is written to it.
	if err := problems.Close(); err != nil {
		return nil, fmt.Errorf("open the error stream: %w", err)
	}
	header.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := streams.CreateStream(header)
	if err != nil {
		return nil, fmt.Errorf("open the data stream: %w", err)
	}
	conn := &forwarded{Stream: data, streams: streams, tunnel: t, problem: make(chan string, 1)}
	go func() {
		message, _ := io.ReadAll(io.LimitReader(problems, 4<<10))
		conn.problem <- string(message)
	}()
	return conn, nil
}

// forwarded is a connection through a tunnel.
type forwarded struct {
	httpstream.Stream
	streams httpstream.Connection
	tunnel  *tunnel
	// problem gets what the far side has to say when the connection ends; empty when all is well.
	problem chan string
}

// problemTimeout is how long a connection that has ended waits for the reason, which was sent before the end.
const problemTimeout = time.Second

// Read replaces the end of the stream by the reason for it.
func (f *forwarded) Read(p []byte) (int, error) {
	n, err := f.Stream.Read(p)
	if n > 0 || !errors.Is(err, io.EOF) {
		return n, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), problemTimeout)
	defer cancel()
	select {
	case problem := <-f.problem:
		f.problem <- problem
		if problem != "" {
			return 0, fmt.Errorf("forward port %d of pod %s: %s", f.tunnel.port, f.tunnel.pod, strings.TrimSpace(problem))
		}
	case <-ctx.Done():
	}
	return 0, io.EOF
}

// Close ends both streams and what they went over.
func (f *forwarded) Close() error { return f.streams.Close() }

// LocalAddr is of no use to anybody, and neither is RemoteAddr; a net.Conn has them.
func (f *forwarded) LocalAddr() net.Addr { return tunnelAddr{f.tunnel} }

// RemoteAddr names the pod and its port.
func (f *forwarded) RemoteAddr() net.Addr { return tunnelAddr{f.tunnel} }

// SetDeadline does nothing: requests are bounded by their contexts, which close the connection.
func (f *forwarded) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing; see SetDeadline.
func (f *forwarded) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing; see SetDeadline.
func (f *forwarded) SetWriteDeadline(time.Time) error { return nil }

type tunnelAddr struct{ tunnel *tunnel }

func (tunnelAddr) Network() string { return "portforward" }

func (a tunnelAddr) String() string { return a.tunnel.pod + ":" + strconv.Itoa(a.tunnel.port) }
