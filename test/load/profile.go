// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"os"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"sparkrtc.dev/recording-operator/internal/testing/operator"
)

// saveProfiles writes CPU profiles of 5 s of the API server, the receiver and the manager.
func saveProfiles(ctx context.Context, config *rest.Config, prefix string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		unversioned := rest.CopyConfig(config)
		unversioned.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
		client, err := rest.UnversionedRESTClientFor(unversioned)
		if err != nil {
			return err
		}
		content, err := client.Get().AbsPath("/debug/pprof/profile").Param("seconds", "5").DoRaw(ctx)
		if err != nil {
			return err
		}
		return os.WriteFile(prefix+"-apiserver.pprof", content, 0o600)
	})
	for name, address := range map[string]string{"receiver": receiverPprofAddress, "manager": managerPprofAddress} {
		group.Go(func() error {
			response, err := operator.Get(ctx, "http://"+address+"/debug/pprof/profile?seconds=5")
			if err != nil {
				return err
			}
			defer func() { _ = response.Body.Close() }()
			content, err := io.ReadAll(response.Body)
			if err != nil {
				return err
			}
			return os.WriteFile(prefix+"-"+name+".pprof", content, 0o600)
		})
	}
	return group.Wait()
}
