/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package controller

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// S3Access is what a bucket is asked with.
type S3Access struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	// CA holds PEM certificates that replace the system's; nil: the system's.
	CA []byte
}

// Errors of a probe. They say nothing of what the server answered beyond their own words, since whoever writes a
// StorageLocation chooses the server that the operator asks.
var (
	errForbidden      = errors.New("the credentials are refused")
	errBucketNotFound = errors.New("there is no such bucket")
	errUnreachable    = errors.New("the endpoint did not answer as an S3 server within 10 s")
	errCA             = errors.New("spec.s3.caSecretRef holds no PEM certificate")
)

func probeReason(err error) string {
	switch {
	case errors.Is(err, errForbidden):
		return v1alpha1.ReasonForbidden
	case errors.Is(err, errBucketNotFound):
		return v1alpha1.ReasonBucketNotFound
	case errors.Is(err, errCA):
		return v1alpha1.ReasonCANotFound
	default:
		return v1alpha1.ReasonUnreachable
	}
}

// ProbeS3 asks a bucket whether it is there and lets us in.
func ProbeS3(ctx context.Context, location *v1alpha1.S3Location, access S3Access) error {
	endpoint := location.Endpoint
	if endpoint == "" {
		endpoint = "https://s3.amazonaws.com"
	}
	parsed, err := url.Parse(endpoint)
	if err != nil {
		return errUnreachable
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: storageDeadline,
		DisableKeepAlives:     true, // asked every ten minutes; an idle connection is worth nothing
	}
	if access.CA != nil {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(access.CA) {
			return errCA
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	lookup := minio.BucketLookupPath
	if location.Provider == v1alpha1.S3ProviderHuaweiOBS || location.Provider == v1alpha1.S3ProviderAWS {
		// OBS refuses path-style requests on its own domains (403 VirtualHostDomainRequired).
		lookup = minio.BucketLookupDNS
	}
	region := location.Region
	if region == "" {
		region = "us-east-1" // signed as such; otherwise the bucket would be asked for its region first
	}
	client, err := minio.New(strings.TrimSuffix(parsed.Host, "/"), &minio.Options{
		Creds:        credentials.NewStaticV4(access.AccessKeyID, access.SecretAccessKey, access.SessionToken),
		Secure:       parsed.Scheme == "https",
		Transport:    transport,
		Region:       region,
		BucketLookup: lookup,
		MaxRetries:   1,
	})
	if err != nil {
		return errUnreachable
	}
	there, err := client.BucketExists(ctx, location.Bucket)
	if err != nil {
		if response := minio.ToErrorResponse(err); response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusUnauthorized {
			return errForbidden
		}
		return errUnreachable
	}
	if !there {
		return errBucketNotFound
	}
	return nil
}
