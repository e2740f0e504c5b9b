// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/minio/minio-go/v7/pkg/signer"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/s3server"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// nowhere is a list of denied networks that permits this host.
var nowhere = []string{"192.0.2.0/24"}

// credentialsDir writes a Secret's files. Like one made with an editor, it ends in a newline.
func credentialsDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, value := range map[string]string{"accessKeyID": s3server.AccessKeyID, "secretAccessKey": s3server.SecretAccessKey} {
		write(t, filepath.Join(dir, name), value+"\n")
	}
	return dir
}

func s3Storage(endpoint, bucket, prefix string) workerapi.Storage {
	return workerapi.Storage{Name: bucket, Spec: v1alpha1.StorageLocationSpec{S3: &v1alpha1.S3Location{
		Provider: v1alpha1.S3ProviderOther, Endpoint: endpoint, Bucket: bucket, Prefix: prefix,
	}}}
}

// newTestS3 is a reader and a writer of one bucket without patience.
func newTestS3(t *testing.T, endpoint, bucket, prefix, folder string) (*s3Reader, *s3Writer) {
	t.Helper()
	paths, log := Paths{Credentials: credentialsDir(t)}, slog.New(slog.DiscardHandler)
	storage := s3Storage(endpoint, bucket, prefix)
	source, err := NewReader(workerapi.Input{Storage: &storage}, nowhere, paths, log)
	if err != nil {
		t.Fatal(err)
	}
	destination, err := NewWriter(workerapi.Destination{Storage: storage, Path: folder}, nowhere, paths, log)
	if err != nil {
		t.Fatal(err)
	}
	reader, _ := source.(*s3Reader)
	writer, _ := destination.(*s3Writer)
	reader.pause, writer.pause, writer.settle = 0, 0, 0
	return reader, writer
}

// plainClient speaks S3 with nothing but signed HTTP requests. It escapes every byte of a key on its own.
type plainClient struct{ endpoint string }

func (c plainClient) do(ctx context.Context, method, bucket, key string, body []byte) (int, []byte, error) {
	var path strings.Builder
	for _, b := range []byte(key) {
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', strings.IndexByte("/-._~", b) >= 0:
			path.WriteByte(b)
		default:
			fmt.Fprintf(&path, "%%%02X", b)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, c.endpoint+"/"+bucket+"/"+path.String(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	sum := sha256.Sum256(body)
	request.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	response, err := http.DefaultClient.Do(signer.SignV4(*request, s3server.AccessKeyID, s3server.SecretAccessKey, "", "us-east-1"))
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	return response.StatusCode, data, err
}

// keyText draws what is awkward in a key: rclone's own escapes, characters that URLs and shells know, letters in both
// normal forms, emoji, dots.
func keyText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		pieces := rapid.SliceOfN(rapid.OneOf(
			rapid.SampledFrom([]string{
				"\u201b", "\u2400", "\u240a", "\u2420", "\u2421", "‛n", " ", "  ", "+", "%", "%2F", "%20", "%zz", `"`, "'", "`", "&", "=", "?", "#", ";",
				":", "*", "<", ">", "|", `\`, "~", "!", "$", "(", ")", ",", "@", "[", "]", "{", "}", "^", "\u2028", "\ufeff", "\u00a0",
				"é", "e\u0301", "Å", "A\u030a", "ﬁ", "房间", "😀", "👩‍👩‍👧", "\u202e", "...", "..", ".", "a", "A", "z9",
			}),
			rapid.Map(rapid.IntRange(0x2400, 0x2421), func(r int) string { return string(rune(r)) }),
			rapid.StringOfN(rapid.Rune(), 1, 8, 32),
		), 1, 8).Draw(t, "pieces")
		return strings.Join(pieces, "")
	})
}

// partText is a part of a key that a server which keeps objects as files takes, too.
func partText() *rapid.Generator[string] {
	return keyText().Filter(func(part string) bool {
		return len(part) <= maxPartBytes && checkVolumePath(part) == nil && !strings.Contains(part, "/") &&
			!strings.HasPrefix(part, ".sgwtmp")
	})
}

// What the status says is where it is, byte for byte: a client of another make finds it there, and the reader finds
// what such a client has put there.
func TestS3_KeysAreKeptByteForByte(t *testing.T) {
	server := s3server.Start(t, "calls")
	client := plainClient{server.Direct()}
	reader, writer := newTestS3(t, server.Direct(), "calls", "kept", "")
	local := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		name := strings.Join(rapid.SliceOfN(partText(), 1, 3).Draw(t, "parts"), "/")
		folder := rapid.SampledFrom([]string{"", "room \u201bn/", "é+%2F/"}).Draw(t, "folder")
		if len("kept/"+folder+name) > maxKeyBytes {
			t.Skip("too long together")
		}
		writer.folder = "kept/" + folder
		content := []byte(rapid.StringN(0, 64, 64).Draw(t, "content"))
		if err := os.WriteFile(filepath.Join(local, "file"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		if _, err := writer.Write(ctx, local, []File{{Name: name, Local: "file"}}); err != nil {
			t.Fatalf("write %q: %v", name, err)
		}
		key, found := strings.CutPrefix(writer.URI(name), "s3://calls/")
		if !found || key != "kept/"+folder+name {
			t.Fatalf("%q is said to be %q", name, writer.URI(name))
		}
		status, data, err := client.do(ctx, http.MethodGet, "calls", key, nil)
		if err != nil || status != http.StatusOK || !bytes.Equal(data, content) {
			t.Fatalf("another client finds HTTP %d, %q, %v at %q", status, data, err, key)
		}
		sums, err := writer.Sums(ctx, []string{name})
		want := sha256.Sum256(content)
		if err != nil || sums[name] != hex.EncodeToString(want[:]) {
			t.Fatalf("reads back as %q, %v", sums, err)
		}
		other := append([]byte("other "), content...)
		if status, answer, err := client.do(ctx, http.MethodPut, "calls", key, other); err != nil || status != http.StatusOK {
			t.Fatalf("put %q: HTTP %d %s, %v", key, status, answer, err)
		}
		if err := reader.Copy(ctx, []Object{{Ref: key, File: "copy"}}, local, 1<<20, nil); err != nil {
			t.Fatalf("copy %q: %v", key, err)
		}
		if data, err := os.ReadFile(filepath.Join(local, "copy")); err != nil || !bytes.Equal(data, other) {
			t.Fatalf("%q is copied as %q, %v", key, data, err)
		}
		if err := writer.Remove(ctx, name); err != nil {
			t.Fatal(err)
		}
		if status, _, err := client.do(ctx, http.MethodGet, "calls", key, nil); err != nil || status != http.StatusNotFound {
			t.Fatalf("removed, but HTTP %d, %v", status, err)
		}
	})
}

// memoryStore keeps objects in memory, by the path as it came: it takes every key.
type memoryStore struct{ objects map[string][]byte }

func (m *memoryStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.RequestURI
	switch r.Method {
	case http.MethodPut:
		m.objects[path], _ = io.ReadAll(r.Body)
	case http.MethodGet:
		data, found := m.objects[path]
		if !found {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
		_, _ = w.Write(data)
	}
}

// Keys that a server which keeps objects as files refuses, but S3 does not: with long parts, empty parts, slashes at
// the ends. A plain client reads them back at the very path.
func TestS3_KeysThatNoFileSystemTakes(t *testing.T) {
	server := startServer(t, &memoryStore{objects: map[string][]byte{}})
	client := plainClient{server.URL}
	reader, writer := newTestS3(t, server.URL, "calls", "", "")
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.OneOf(
			rapid.SampledFrom([]string{
				"/", "a//b", "/a", "a/", "//", strings.Repeat("a", 1024), strings.Repeat("界", 341), strings.Repeat("房", 100) + "/index.m3u8", "a/.../b",
			}),
			rapid.Map(rapid.SliceOfN(keyText(), 1, 6), func(parts []string) string { return strings.Join(parts, "//") }),
		).Filter(func(key string) bool { return checkObjectKey(key) == nil }).Draw(t, "key")
		ctx, dir := context.Background(), os.TempDir()
		if _, _, err := client.do(ctx, http.MethodPut, "calls", key, []byte(key)); err != nil {
			t.Fatal(err)
		}
		file, err := os.CreateTemp(dir, "copy")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.Remove(file.Name()); _ = file.Close() }()
		if err := reader.Copy(ctx, []Object{{Ref: key, File: filepath.Base(file.Name())}}, dir, 2048, nil); err != nil {
			t.Fatalf("copy %q: %v", key, err)
		}
		if data, _ := os.ReadFile(file.Name()); string(data) != key {
			t.Fatalf("%q is copied as %q", key, data)
		}
		if checkName(key) != nil {
			return // only a recording may be called so, not a result
		}
		if _, err := writer.Write(ctx, dir, []File{{Name: key, Local: filepath.Base(file.Name())}}); err != nil {
			t.Fatalf("write %q: %v", key, err)
		}
		if status, data, err := client.do(ctx, http.MethodGet, "calls", key, nil); status != http.StatusOK || string(data) != key || err != nil {
			t.Fatalf("another client finds HTTP %d, %q, %v", status, data, err)
		}
	})
}

func TestCheckObjectKey_RefusesWhatCannotBeNamed(t *testing.T) {
	for name, key := range map[string]string{
		"empty": "", "blank": "  ", "too long": strings.Repeat("a", 1025), "not UTF-8": "a\xff", "zero": "a\x00", "newline": "a\nb", "DEL": "a\x7f",
		"C1": "a\u009b", "dot": "a/./b", "dots": "a/../b", "dots alone": "..",
	} {
		if checkObjectKey(key) == nil {
			t.Errorf("%s: %q is taken", name, key)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.String().Draw(t, "key")
		if checkObjectKey(key) == nil && (!utf8.ValidString(key) || len(key) > maxKeyBytes) {
			t.Fatalf("%q is taken", key)
		}
	})
}

// A large file goes in parts; what was sent is told, the mark is there, and nothing is left of an upload that failed.
func TestS3_Multipart(t *testing.T) {
	server := s3server.Start(t, "archive")
	_, writer := newTestS3(t, server.Direct(), "archive", "", "room/")
	writer.part = 5 << 20 // the least that S3 takes
	local := t.TempDir()
	content := bytes.Repeat([]byte("0123456789abcdef"), 700_000) // 11.2 MB: three parts
	if err := os.WriteFile(filepath.Join(local, "call.mp4"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	written, err := writer.Write(t.Context(), local, []File{{Name: "call.mp4"}})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	want := Written{SizeBytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
	if written["call.mp4"] != want {
		t.Errorf("written %+v, want %+v", written["call.mp4"], want)
	}
	if sums, err := writer.Sums(t.Context(), []string{"call.mp4", "missing"}); err != nil || len(sums) != 1 || sums["call.mp4"] != want.SHA256 {
		t.Errorf("sums %v, %v", sums, err)
	}
	client := plainClient{server.Direct()}
	if status, data, err := client.do(t.Context(), http.MethodGet, "archive", "room/call.mp4", nil); err != nil || status != http.StatusOK || !bytes.Equal(data, content) {
		t.Errorf("another client finds HTTP %d, %d bytes, %v", status, len(data), err)
	}
	info, err := writer.core.StatObject(t.Context(), "archive", "room/call.mp4", statOptions)
	if err != nil || info.ContentType != "video/mp4" || info.UserMetadata[http.CanonicalHeaderKey(workerapi.MarkName)] != workerapi.MarkValue {
		t.Errorf("%q, %v, %v", info.ContentType, info.UserMetadata, err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := writer.Write(ctx, local, []File{{Name: "call.mp4"}}); err == nil {
		t.Error("a canceled upload succeeds")
	}
	_, data, err := client.do(t.Context(), http.MethodGet, "archive", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(data), "<Key>") != 1 {
		t.Errorf("in the bucket: %s", data)
	}
}

func TestPartLength(t *testing.T) {
	for _, test := range []struct{ size, want int64 }{
		{1, partBytes}, {partBytes * maxParts, partBytes}, {partBytes*maxParts + 1, partBytes + 1<<20}, {5 << 40, 525 << 20},
	} {
		got := partLength(test.size, partBytes)
		if got != test.want || (test.size+got-1)/got > maxParts {
			t.Errorf("%d bytes: parts of %d, want %d", test.size, got, test.want)
		}
	}
}
