// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/objectstore"
	"sparkrtc.dev/recording-operator/internal/testing/s3server"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// s3Server is an S3 server that keeps objects as files: data/bucket/key.
type s3Server struct {
	endpoint string
	data     string
}

// startS3 starts a server with the buckets calls and archive.
func startS3(t *testing.T) s3Server {
	t.Helper()
	server := s3server.Start(t, "calls", "archive")
	return s3Server{endpoint: server.Direct(), data: server.Data()}
}

func (s s3Server) location(bucket string) workerapi.Storage {
	return workerapi.Storage{Name: bucket, Spec: v1alpha1.StorageLocationSpec{S3: &v1alpha1.S3Location{
		Provider: v1alpha1.S3ProviderOther, Endpoint: s.endpoint, Region: "us-east-1", Bucket: bucket, Prefix: "kept",
	}}}
}

// credentials writes a Secret's files. Like one made with an editor, it ends in a newline.
func credentials(t *testing.T, secret string) string {
	t.Helper()
	return credentialsOf(t, s3server.AccessKeyID, secret)
}

func credentialsOf(t *testing.T, access, secret string) string {
	t.Helper()
	dir := t.TempDir()
	for name, value := range map[string]string{"accessKeyID": access, "secretAccessKey": secret} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// newS3Bench reads from bucket calls and writes to bucket archive.
func newS3Bench(t *testing.T, server s3Server, settings any) (b *bench, log *bytes.Buffer) {
	t.Helper()
	b = newBench(t, settings, "a/index.m3u8")
	source := server.location("calls")
	b.Step.Inputs[0].Storage, b.Step.Destination.Storage = &source, server.location("archive")
	b.Step.DeniedNetworks = []string{"192.0.2.0/24"} // the server is on this host, which is denied by default
	b.Source.Credentials = credentials(t, s3server.SecretAccessKey)
	b.Destination.Credentials = credentials(t, s3server.SecretAccessKey)
	log = &bytes.Buffer{}
	b.Log = slog.New(slog.NewJSONHandler(log, nil))
	return b, log
}

func TestS3(t *testing.T) {
	server := startS3(t)
	hlsRecording(t, filepath.Join(server.data, "calls/a"))
	kept := filepath.Join(server.data, "archive/kept")

	t.Run("transcode", func(t *testing.T) {
		b, log := newS3Bench(t, server, remux)
		b.Step.Destination.Path = "transcode/"
		output := b.mustRun(t)
		if output.URI != "s3://archive/kept/transcode/index.mp4" || output.Media.DurationMilliseconds < 5900 {
			t.Errorf("%+v", output)
		}
		manifest := filepath.Join(kept, "transcode/manifest.json")
		if got := readManifest(t, manifest); got.Files[0].SHA256 != output.SHA256 {
			t.Errorf("%+v, output %+v", got, output)
		}
		if !strings.Contains(log.String(), "s3://archive/kept/transcode/manifest.json") {
			t.Error("the log does not say where the manifest is")
		}
		if strings.Contains(log.String(), s3server.SecretAccessKey) || strings.Contains(log.String(), s3server.AccessKeyID) {
			t.Error("the log holds a credential")
		}

		// Again, also after a half-done attempt.
		if diff := cmp.Diff(output, b.mustRun(t)); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
		if err := os.Remove(manifest); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(output, b.mustRun(t)); diff != "" {
			t.Errorf("(-first +third):\n%s", diff)
		}

		// The recording grew: other contents, the same folder.
		b.use(h264)
		if b.mustRun(t).SHA256 == output.SHA256 {
			t.Error("the old contents were kept")
		}

		b.Step.UID = "uid-2"
		_, container, err := b.run(t)
		wantFailure(t, err, workerapi.ReasonDestinationTaken, true, "school/math-0")
		if container != workerapi.ContainerPublish {
			t.Errorf("%s failed", container)
		}
	})

	t.Run("archive", func(t *testing.T) {
		b, _ := newS3Bench(t, server, nil)
		b.Step.Destination.Path = "archive/"
		output := b.mustRun(t)
		if output.URI != "s3://archive/kept/archive/index.m3u8" || output.Files != 4 {
			t.Errorf("%+v", output)
		}
		want := []string{"index.m3u8", "manifest.json", "seg0.ts", "seg1.ts", "seg2.ts"}
		if diff := cmp.Diff(want, files(t, filepath.Join(kept, "archive"))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		written, err := objectstore.Open(server.location("archive").Spec.S3, objectstore.Access{AccessKeyID: s3server.AccessKeyID, SecretAccessKey: s3server.SecretAccessKey})
		if err != nil {
			t.Fatal(err)
		}
		defer written.Close()
		for _, name := range want {
			if mark, err := written.Mark(t.Context(), "kept/archive/"+name, workerapi.MarkName); mark != workerapi.MarkValue || err != nil {
				t.Errorf("%s is not marked as ours: %q, %v", name, mark, err)
			}
		}
	})
}

// TestS3_LeastRightsSuffice: a step needs no more of its places than docs/security.md says: to read one bucket, and to read,
// write and delete below one prefix of the other.
func TestS3_LeastRightsSuffice(t *testing.T) {
	const secret, allow = "a-secret-of-users", `{"Effect":"Allow","Principal":"%s","Action":%s,"Resource":"arn:aws:s3:::%s"}`
	server := s3server.StartWithUsers(t, map[string]string{"reader": secret, "writer": secret}, "calls", "archive")
	server.SetPolicy(t, "calls", `{"Version":"2012-10-17","Statement":[`+fmt.Sprintf(allow, "reader", `"s3:GetObject"`, "calls/*")+`,`+
		fmt.Sprintf(allow, "reader", `"s3:ListBucket"`, "calls")+`]}`)
	server.SetPolicy(t, "archive", `{"Version":"2012-10-17","Statement":[`+
		fmt.Sprintf(allow, "writer", `["s3:GetObject","s3:PutObject","s3:DeleteObject"]`, "archive/kept/*")+`,`+
		fmt.Sprintf(allow, "writer", `"s3:ListBucket"`, "archive")+`]}`)
	hlsRecording(t, filepath.Join(server.Data(), "calls/a"))
	b, _ := newS3Bench(t, s3Server{endpoint: server.Direct()}, remux)
	b.Source.Credentials, b.Destination.Credentials = credentialsOf(t, "reader", secret), credentialsOf(t, "writer", secret)
	output := b.mustRun(t)
	if diff := cmp.Diff(output, b.mustRun(t)); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
	// The recording grew: what was published is replaced.
	b.use(h264)
	if b.mustRun(t).SHA256 == output.SHA256 {
		t.Error("the old contents were kept")
	}
	b.Step.Destination.Storage.Spec.S3.Prefix = "elsewhere"
	_, container, err := b.run(t)
	wantFailure(t, err, workerapi.ReasonForbidden, true, "s3://archive/elsewhere/")
	if container != workerapi.ContainerPublish {
		t.Errorf("%s failed", container)
	}
}

func TestS3Failures(t *testing.T) {
	server := startS3(t)
	hlsRecording(t, filepath.Join(server.data, "calls/a"))
	hlsRecording(t, filepath.Join(server.data, "calls/hole"))
	if err := os.Remove(filepath.Join(server.data, "calls/hole/seg1.ts")); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change    func(b *bench)
		container string
		reason    string
		transient bool
		message   string
	}{
		"segment missing":  {change: func(b *bench) { b.Step.Inputs[0].Artifact.Key = "hole/index.m3u8"; b.use(remux) }, container: workerapi.ContainerProcess, reason: workerapi.ReasonSegmentMissing, message: "segment 1 (seg1.ts) at 2"},
		"playlist missing": {change: func(b *bench) { b.Step.Inputs[0].Artifact.Key = "a/other.m3u8" }, container: workerapi.ContainerFetch, reason: workerapi.ReasonNotFound, message: "s3://calls/a/other.m3u8"},
		"a folder":         {change: func(b *bench) { b.Step.Inputs[0].Artifact.Key, b.Step.Inputs[0].Format = "a", "MP4" }, container: workerapi.ContainerFetch, reason: workerapi.ReasonNotFound, message: "s3://calls/a"},
		"bucket missing":   {change: func(b *bench) { b.Step.Inputs[0].Artifact.Bucket = "elsewhere" }, container: workerapi.ContainerFetch, reason: workerapi.ReasonNotFound, message: "s3://elsewhere/a/index.m3u8"},
		"bucket hostile":   {change: func(b *bench) { b.Step.Inputs[0].Artifact.Bucket = "calls/../x" }, container: workerapi.ContainerFetch, reason: workerapi.ReasonInvalidStep, message: "bucket"},
		"key not clean":    {change: func(b *bench) { b.Step.Inputs[0].Artifact.Key = "a/../a/index.m3u8" }, container: workerapi.ContainerFetch, reason: workerapi.ReasonUnsupported, message: `has the part ".."`},
		"wrong key":        {change: func(b *bench) { b.Source.Credentials = credentials(t, "wrong") }, container: workerapi.ContainerFetch, reason: workerapi.ReasonForbidden, message: "secretAccessKey does not belong"},
		"no key":           {change: func(b *bench) { b.Source.Credentials = t.TempDir() }, container: workerapi.ContainerFetch, reason: workerapi.ReasonForbidden, message: "accessKeyID"},
		"too large":        {change: func(b *bench) { b.Step.Inputs[0].MaxBytes = 5000 }, container: workerapi.ContainerFetch, reason: workerapi.ReasonTooLarge, message: "does not fit into what may be fetched: at most 5000 bytes"},
		"server away": {change: func(b *bench) {
			b.Step.Inputs[0].Storage.Spec.S3.Endpoint = "http://127.0.0.1:1" // nobody listens
		}, container: workerapi.ContainerFetch, reason: workerapi.ReasonStorageUnavailable, transient: true, message: "refuses the connection"},
		"destination bucket missing": {change: func(b *bench) { b.Step.Destination.Storage.Spec.S3.Bucket = "elsewhere" }, container: workerapi.ContainerPublish, reason: workerapi.ReasonNotFound, message: "bucket"},
		"destination wrong key":      {change: func(b *bench) { b.Destination.Credentials = credentials(t, "wrong") }, container: workerapi.ContainerPublish, reason: workerapi.ReasonForbidden, message: "secretAccessKey does not belong"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b, log := newS3Bench(t, server, nil)
			test.change(b)
			_, container, err := b.run(t)
			wantFailure(t, err, test.reason, !test.transient, test.message)
			if container != test.container {
				t.Errorf("%s failed, want %s", container, test.container)
			}
			if said := log.String() + err.Error(); strings.Contains(said, s3server.SecretAccessKey) {
				t.Errorf("a credential is in the message: %s", said)
			}
			if strings.Contains(log.String(), context.Canceled.Error()) {
				t.Errorf("transfers that were canceled because of another one are in the log: %s", log)
			}
		})
	}
	if left := files(t, filepath.Join(server.data, "archive")); len(left) != 0 {
		t.Errorf("published all the same: %v", left)
	}
}

// When it is stopped, a container ends its children and says so.
func TestInterrupted(t *testing.T) {
	b, _ := newS3Bench(t, s3Server{endpoint: "http://127.0.0.1:1"}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	// The server takes the connection and says nothing: fetch waits until it is stopped.
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(accepted)
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = connection.Read(make([]byte, 1))
		cancel()
		<-ended
		_ = connection.Close()
	}()
	t.Cleanup(func() { _ = listener.Close(); close(ended); <-accepted })
	b.Step.Inputs[0].Storage.Spec.S3.Endpoint = "http://" + listener.Addr().String()
	if _, err := b.Fetch(ctx); err == nil || ctx.Err() == nil {
		t.Fatalf("error %v, context %v", err, ctx.Err())
	}
}
