// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rtcsdk compares the operator's client of SparkRTC's service API with the official SDK.
package rtcsdk

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/signer"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/request"
	cloudrtc "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/cloudrtc/v2"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/cloudrtc/v2/model"
	testingclock "k8s.io/utils/clock/testing"

	"sparkrtc.dev/recording-operator/internal/rtcapi"
	"sparkrtc.dev/recording-operator/internal/testing/rtcserver"
)

const (
	callbackURL = "https://recordings.example.com/callbacks/media/classroom"
	key         = "0123456789abcdef0123456789abcdef"
)

// TestSignature_IsTheSDKs: for the same request, the operator's client and the SDK's signer make the same header.
func TestSignature_IsTheSDKs(t *testing.T) {
	for i := range 64 {
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * 12345 * time.Minute)
		server := rtcserver.Start(t, fmt.Sprintf("app_%d-A", i), func() time.Time { return now })
		var sent, method, path string
		var body []byte
		server.Before = func(_ http.ResponseWriter, r *http.Request) bool {
			sent, method, path = r.Header.Get("Authorization"), r.Method, r.URL.Path
			body, _ = io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			return false
		}
		endpoint, err := rtcapi.ParseEndpoint(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		client := rtcapi.New(rtcapi.Config{
			Endpoint: endpoint, ProjectID: rtcserver.ProjectID, RootCAs: server.RootCAs(), Clock: testingclock.NewFakePassiveClock(now),
			Credentials: rtcapi.Credentials{AccessKeyID: rtcserver.AccessKeyID, SecretAccessKey: rtcserver.SecretAccessKey},
		})
		compare := func() {
			t.Helper()
			builder := request.NewHttpRequestBuilder().WithEndpoint(server.URL).WithMethod(method).WithPath(path).
				AddHeaderParam("Content-Type", "application/json").AddHeaderParam("Host", server.Host()).
				AddHeaderParam("X-Project-Id", rtcserver.ProjectID).AddHeaderParam("X-Sdk-Date", now.Format("20060102T150405Z"))
			if len(body) > 0 {
				builder = builder.WithBody("body", string(body))
			}
			headers, err := signer.Sign(builder.Build(), rtcserver.AccessKeyID, rtcserver.SecretAccessKey)
			if err != nil {
				t.Fatal(err)
			}
			if headers["Authorization"] != sent {
				t.Errorf("%s %s:\nsent %s\nSDK  %s", method, path, sent, headers["Authorization"])
			}
		}
		if err := client.Update(t.Context(), server.App, rtcapi.Callback{URL: fmt.Sprintf("%s?é=%d", callbackURL, i), Key: key}); err != nil {
			t.Fatal(err)
		}
		compare()
		if _, err := client.Show(t.Context(), server.App); err != nil {
			t.Fatal(err)
		}
		compare()
	}
}

// TestServer_TakesTheSDKsRequests: the server of the tests understands what the official client sends, and that client
// what the server answers.
func TestServer_TakesTheSDKsRequests(t *testing.T) {
	server := rtcserver.Start(t, "app", time.Now)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: server.RootCAs(), MinVersion: tls.VersionTLS12}}
	client := func(secret string) *cloudrtc.CloudRTCClient {
		credentials, err := basic.NewCredentialsBuilder().WithAk(rtcserver.AccessKeyID).WithSk(secret).WithProjectId(rtcserver.ProjectID).SafeBuild()
		if err != nil {
			t.Fatal(err)
		}
		sender, err := cloudrtc.CloudRTCClientBuilder().WithEndpoint(server.URL).WithCredential(credentials).
			WithHttpConfig(config.DefaultHttpConfig().WithHttpTransport(transport)).SafeBuild()
		if err != nil {
			t.Fatal(err)
		}
		return cloudrtc.NewCloudRTCClient(sender)
	}
	authKey := key
	update := &model.UpdateRecordCallbackRequest{AppId: "app", Body: &model.AppCallbackUrlReq{Url: callbackURL, AuthKey: &authKey}}
	if _, err := client("another").UpdateRecordCallback(update); err == nil {
		t.Error("the server takes a wrong signature")
	}
	if _, err := client(rtcserver.SecretAccessKey).UpdateRecordCallback(update); err != nil {
		t.Fatal(err)
	}
	shown, err := client(rtcserver.SecretAccessKey).ShowRecordCallback(&model.ShowRecordCallbackRequest{AppId: "app"})
	if err != nil {
		t.Fatal(err)
	}
	if shown.RecordCallback == nil || shown.RecordCallback.Url == nil || *shown.RecordCallback.Url != callbackURL ||
		shown.RecordCallback.AuthKey == nil || *shown.RecordCallback.AuthKey != key {
		t.Errorf("the SDK reads %v", shown)
	}
}
