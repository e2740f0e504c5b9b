// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ui serves a read-only page about recordings to the browser of the person who started it, with that person's
// rights in the cluster. It listens on 127.0.0.1 alone, answers GET alone, and only to a browser that was given its token.
package ui

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/follow"
)

const (
	// maxConnections is how many connections are served at once: a browser opens six.
	maxConnections = 64
	// maxStreams is how many pages are kept up to date at once. A page that is not seen closes its stream.
	maxStreams = 16
	// maxHeaderBytes is more than a browser sends, with the cookies of other servers of this machine.
	maxHeaderBytes = 32 << 10
	// headerTimeout and idleTimeout end connections that nobody uses.
	headerTimeout, idleTimeout = 10 * time.Second, 2 * time.Minute
	// endTimeout is how long requests may take to end when the server does.
	endTimeout = 5 * time.Second
)

// Config says what is served.
type Config struct {
	// Client has the rights that the page has. Its watches must not have a deadline.
	Client client.WithWatch
	// Clock says when to connect again, and when to write.
	Clock clock.Clock
	// Namespace whose recordings are shown; empty: all namespaces.
	Namespace string
	// Context is the name of the cluster, for the page's title.
	Context string
	// Timeout of a request to the API server.
	Timeout time.Duration
	// Explain adds to an error of the API server what to do about it. No namespace means all.
	Explain func(err error, verb, resource, namespace string) error
	// Ready is called once the files are listed, with the address of the page. It must not block.
	Ready func(url string)
}

// Server serves the page.
type Server struct {
	Config
	listener net.Listener
	// token is what a browser has to know, and scope the path below which everything is: the cookie that holds the token is
	// sent to that path alone, and not to other servers of this machine, since cookies do not know ports.
	token, scope string
	store        *store
	streams      chan struct{}
	ready        sync.Once
}

// Listen listens on a port of 127.0.0.1; 0: on a free one.
func Listen(ctx context.Context, port int) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

// New makes a server for a listener, which must be on a loopback address.
func New(config Config, listener net.Listener) (*Server, error) {
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok || !address.IP.IsLoopback() {
		return nil, fmt.Errorf("listen on %s: the page is served on a loopback address alone", listener.Addr())
	}
	token := rand.Text()
	digest := sha256.Sum256([]byte(token))
	return &Server{
		Config: config, listener: listener, token: token, scope: "/" + hex.EncodeToString(digest[:8]),
		store: newStore(), streams: make(chan struct{}, maxStreams),
	}, nil
}

// URL is the address of the page, with the token. Who has it can read what the page shows, from this machine.
func (s *Server) URL() string {
	return fmt.Sprintf("http://%s%s/?token=%s", s.listener.Addr(), s.scope, s.token)
}

// Serve serves until the context ends, which is no error. Files that cannot be listed are one; tasks that cannot be listed
// are left out, and the page says so. Nothing of it goes on after it returns.
func (s *Server) Serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	server := &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		BaseContext: func(net.Listener) context.Context { return ctx },
		// It would only report browsers that went away.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	group.Go(func() error {
		if err := server.Serve(netutil.LimitListener(s.listener, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve the page: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		// The streams end with the context, so that this is quick. What is left is cut off.
		return errors.Join(server.Shutdown(ending), server.Close())
	})
	group.Go(func() error {
		return s.follower(&v1alpha1.RecordingFileList{}, "recordingfiles."+v1alpha1.GroupVersion.Group).Follow(ctx, s.tellFiles)
	})
	group.Go(func() error {
		err := s.follower(&v1alpha1.RecordingTaskList{}, "recordingtasks."+v1alpha1.GroupVersion.Group).Follow(ctx, s.tellTasks)
		if err != nil {
			s.store.tasksUnknown(err)
		}
		return nil
	})
	return group.Wait()
}

func (s *Server) follower(kind client.ObjectList, resource string) *follow.Follower {
	return &follow.Follower{
		Client: s.Client, Clock: s.Clock, Kind: kind, Chosen: client.ListOptions{Namespace: s.Namespace}, Timeout: s.Timeout,
		Explain: func(err error, verb string) error { return s.explain(err, verb, resource) },
	}
}

func (s *Server) explain(err error, verb, resource string) error {
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		return s.Explain(err, verb, resource, s.Namespace)
	}
	return s.Explain(fmt.Errorf("%s %s: %w", verb, resource, err), verb, resource, s.Namespace)
}

func (s *Server) tellFiles(change any) error {
	s.store.tellFiles(change)
	if _, listed := change.(follow.Listed); listed {
		s.ready.Do(func() { s.Ready(s.URL()) })
	}
	return nil
}

func (s *Server) tellTasks(change any) error {
	s.store.tellTasks(change)
	return nil
}
