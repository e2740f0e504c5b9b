// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3client_test

import (
	"errors"
	"net/http"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/s3client"
)

// TestNew_CredentialsGoToTheirEndpointAlone: who may create StorageLocations cannot have a Secret's access key ID and session
// token sent to a server of theirs, where the Secret says which one it is for.
func TestNew_CredentialsGoToTheirEndpointAlone(t *testing.T) {
	for pinned, same := range map[string]bool{
		"":                              true,
		"https://s3.example.com":        true,
		"https://S3.example.com:443/":   true,
		"http://s3.example.com":         false,
		"https://s3.example.com:8443":   false,
		"https://evil.example.com":      false,
		"https://s3.example.com.evil":   false,
		"s3.example.com":                false,
		"https://user@evil.example.com": false,
		"\x00":                          false,
	} {
		location := &v1alpha1.S3Location{Endpoint: "https://s3.example.com", Bucket: "recordings"}
		_, err := s3client.New(location, s3client.Access{AccessKeyID: "id", SecretAccessKey: "key", Endpoint: pinned}, http.DefaultTransport, 1)
		if errors.Is(err, s3client.ErrOtherEndpoint) == same || same && err != nil {
			t.Errorf("%q: got %v", pinned, err)
		}
	}
}
