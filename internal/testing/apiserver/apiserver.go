// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apiserver runs a real API server, by envtest, for tests: with the project's definitions, and clients
// that know its kinds and that nothing slows down.
package apiserver

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// definitions finds the folder of the definitions: tests run in the folder of their package, which lies below the
// project's.
func definitions() (string, error) {
	for up := "."; ; up = filepath.Join("..", up) {
		if _, err := os.Stat(filepath.Join(up, "go.mod")); err == nil {
			return filepath.Join(up, "config", "crd", "bases"), nil
		}
		if folder, err := filepath.Abs(up); err != nil || folder == filepath.Dir(folder) {
			return "", errors.Join(errors.New("no folder above this one has a go.mod"), err)
		}
	}
}

// errNone says what to do where there is no API server to run.
var errNone = errors.New("an API server is needed: run these tests by `make test`, " +
	"or set KUBEBUILDER_ASSETS to the folder that `make -s envtest-assets | tail -1` prints")

// patience is how long API server and etcd may take to start, and to stop. Seconds are enough on an idle machine; the 20 s
// that envtest gives them were not on two cores with several packages that are compiled beside them.
const patience = 2 * time.Minute

// Server is a running API server.
type Server struct {
	*envtest.Environment
	// Client may do everything.
	Client client.Client
}

// Start starts an API server, which ends with the test. With -short the test is skipped, and where KUBEBUILDER_ASSETS is
// not set, unless REQUIRE_ENVTEST is.
func Start(tb testing.TB) *Server {
	tb.Helper()
	if testing.Short() {
		tb.Skip("runs an API server")
	}
	server, err := start()
	if mayBeMissing(err) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return server
}

// Main is the TestMain of a package whose tests share an API server: run makes ready what else they share, and calls
// m.Run. Where Start would skip a test, nothing is run. Flags of the API server can be set before it starts.
func Main(run func(*Server), configure ...func(flags *envtest.Arguments)) {
	flag.Parse() // as m.Run does, which comes later
	if testing.Short() {
		fmt.Println("-short runs no API server")
		return
	}
	server, err := start(configure...)
	if mayBeMissing(err) {
		fmt.Println(err)
		return
	}
	must(err)
	defer func() { must(server.Stop()) }()
	run(server)
}

// must lets what was deferred be done, unlike os.Exit.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func start(configure ...func(*envtest.Arguments)) (*Server, error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return nil, errNone
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	folder, err := definitions()
	if err != nil {
		return nil, err
	}
	environment := &envtest.Environment{
		Scheme: scheme, CRDDirectoryPaths: []string{folder}, ErrorIfCRDPathMissing: true,
		ControlPlaneStartTimeout: patience, ControlPlaneStopTimeout: patience,
	}
	for _, set := range configure {
		set(environment.ControlPlane.GetAPIServer().Configure())
	}
	config, err := environment.Start()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the API server of KUBEBUILDER_ASSETS: %w", err), environment.Stop())
	}
	config.QPS = -1
	all, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, errors.Join(err, environment.Stop())
	}
	return &Server{Environment: environment, Client: all}, nil
}

// mayBeMissing says whether the tests pass without the API server that there is not.
func mayBeMissing(err error) bool {
	return errors.Is(err, errNone) && os.Getenv("REQUIRE_ENVTEST") == ""
}
