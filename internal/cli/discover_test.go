// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

const (
	accessKey = "AKIDAKIDAKIDAKID"
	secretKey = "secretsecretsecretsecret"
)

// fakeS3 is a bucket, by path, of objects that were all written at one time.
type fakeS3 struct {
	objects  map[string]string
	modified time.Time
	// unreadable is a key that is listed and cannot be read.
	unreadable string
}

type listing struct {
	XMLName  xml.Name `xml:"ListBucketResult"`
	Name     string
	Contents []listed
}

type listed struct {
	Key, ETag    string
	LastModified string
	Size         int
}

func (s *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "a sweep changes nothing", http.StatusMethodNotAllowed)
		return
	}
	key := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/abc-rtc-bucket2"), "/")
	if key == "" {
		s.list(w, r)
		return
	}
	content, found := s.objects[key]
	switch {
	case key == s.unreadable && r.Method == http.MethodGet:
		http.Error(w, "<Error><Code>InvalidObjectState</Code></Error>", http.StatusForbidden)
	case !found:
		http.Error(w, "<Error><Code>NoSuchKey</Code></Error>", http.StatusNotFound)
	default:
		w.Header().Set("ETag", `"0011223344556677"`)
		http.ServeContent(w, r, key, s.modified, bytes.NewReader([]byte(content)))
	}
}

func (s *fakeS3) list(w http.ResponseWriter, r *http.Request) {
	var l listing
	for key, content := range s.objects {
		if strings.HasPrefix(key, r.URL.Query().Get("prefix")) && key > r.URL.Query().Get("marker") {
			l.Contents = append(l.Contents, listed{Key: key, ETag: `"0011223344556677"`, LastModified: s.modified.UTC().Format(time.RFC3339), Size: len(content)})
		}
	}
	slices.SortFunc(l.Contents, func(a, b listed) int { return strings.Compare(a.Key, b.Key) })
	_ = xml.NewEncoder(w).Encode(l)
}

const playlist = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:10.0,\ns-0.ts\n#EXTINF:5.5,\ns-1.ts\n#EXT-X-ENDLIST\n"

// discoverAPI is a cluster whose source "classroom" has a bucket with two recordings; one has a RecordingFile.
func discoverAPI(t *testing.T) (*fakeAPI, *fakeS3) {
	t.Helper()
	f, s := newFakeAPI(t), &fakeS3{modified: testNow.Add(-3 * time.Hour), objects: map[string]string{
		"Record/a/stream_2021-04-28-05-40-00.m3u8": playlist, "Record/a/s-0.ts": strings.Repeat("0", 1000), "Record/a/s-1.ts": strings.Repeat("1", 500),
		"Record/b/known.m3u8": playlist, "Record/b/s-0.ts": strings.Repeat("0", 1000), "Record/b/s-1.ts": strings.Repeat("1", 500),
		"Record/notes.txt": "none",
	}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	source := builders.MakeRecordingSource("classroom").Key("classroom-callback", "key").Obj()
	source.Spec.StorageRef = &v1alpha1.LocalReference{Name: "obs"}
	f.putSource(source)
	location := &v1alpha1.StorageLocation{}
	location.Name, location.Namespace = "obs", "media"
	location.Spec.S3 = &v1alpha1.S3Location{
		Provider: v1alpha1.S3ProviderOther, Endpoint: server.URL, Region: "r", Bucket: "abc-rtc-bucket2",
		CredentialsSecretRef: v1alpha1.SecretReference{Name: "obs"},
	}
	f.objects[recordings+"storagelocations/obs"] = location
	f.putSecret("obs", map[string]string{"accessKeyID": accessKey, "secretAccessKey": secretKey})
	known := builders.MakeRecordingFile("known", "classroom").Object("abc-rtc-bucket2", "Record/b/known.m3u8").
		Reported(v1alpha1.RecordingFacts{SizeBytes: 1500, DurationSeconds: 16}).Obj()
	f.objects[recordings+"recordingfiles"] = &v1alpha1.RecordingFileList{Items: []v1alpha1.RecordingFile{*known}}
	return f, s
}

func TestDiscover_DryRun(t *testing.T) {
	f, _ := discoverAPI(t)
	f.putSource(builders.MakeRecordingSource("no-bucket").Obj())
	for name, args := range map[string][]string{
		"table":       {"classroom", "--since", "48h"},
		"yaml":        {"classroom", "--since", "48h", "-o", "yaml"},
		"name":        {"classroom", "--since", "48h", "-o", "name"},
		"too-young":   {"classroom", "--since", "48h", "--min-age", "4h"},
		"too-old":     {"classroom", "--since", "1h"},
		"past":        {"classroom", "--from", "2021-04-01T00:00:00Z", "--to", "2021-04-28T00:00:00Z"},
		"prefix":      {"classroom", "--since", "48h", "--prefix", "Record/b/"},
		"no-bucket":   {"no-bucket", "--since", "48h"},
		"slash":       {"classroom", "--since", "48h", "--prefix", "/Record/b/"},
		"no-range":    {"classroom"},
		"two-ranges":  {"classroom", "--since", "48h", "--from", "2021-04-01T00:00:00Z"},
		"no-time":     {"classroom", "--from", "April"},
		"ends-before": {"classroom", "--from", "2021-04-02T00:00:00Z", "--to", "2021-04-01T00:00:00Z"},
		"negative":    {"classroom", "--since", "-1h"},
		"too-recent":  {"classroom", "--since", "20m"},
		"no-endpoint": {"classroom", "--since", "1h", "--endpoint", "localhost:9000"},
		"server":      {"classroom", "--since", "1h", "--dry-run=server"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"discover"}, args...)
			if name != "server" {
				args = append(args, "--dry-run=client")
			}
			got := f.run(t, "", args...)
			golden(t, "discover-"+name, got.String())
			checkNoCredentials(t, got)
		})
	}
	if len(f.created) != 0 {
		t.Errorf("a dry run created %v", f.created)
	}
}

func checkNoCredentials(t *testing.T, got ran) {
	t.Helper()
	if text := got.String(); strings.Contains(text, accessKey) || strings.Contains(text, secretKey) {
		t.Errorf("credentials are printed:\n%s", text)
	}
}

// The command creates what its dry run printed.
func TestDiscover_Creates(t *testing.T) {
	f, _ := discoverAPI(t)
	dry := f.run(t, "", "discover", "classroom", "--since", "48h", "--dry-run=client", "-o", "json")
	got := f.run(t, "", "discover", "classroom", "--since", "48h", "-o", "json")
	if got.code != ExitDone || got.out != dry.out {
		t.Errorf("%v\nafter a dry run of\n%v", got, dry)
	}
	created := f.created[recordings+"recordingfiles"]
	if len(created) != 1 {
		t.Fatalf("created %s", created)
	}
	var said struct{ Items []v1alpha1.RecordingFile }
	var made v1alpha1.RecordingFile
	if err := json.Unmarshal([]byte(got.out), &said); err != nil || len(said.Items) != 1 {
		t.Fatalf("%v: %s", err, got.out)
	}
	if err := json.Unmarshal(created[0], &made); err != nil {
		t.Fatal(err)
	}
	if made.Name != said.Items[0].Name || made.Name != ingest.FileNames("classroom", made.Spec.Object)[0] || made.Spec.Reported != nil ||
		made.Spec.Discovered.DurationSeconds == 0 || made.Spec.Discovered.SizeBytes != 1500 || made.Spec.Discovered.Stream != "stream" {
		t.Errorf("created %s", created[0])
	}
}

func TestDiscover_Failures(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fakeAPI, *fakeS3)
		args   []string
		exit   int
		want   string
	}{
		"no right to list files": {func(f *fakeAPI, _ *fakeS3) { f.objects[recordings+"recordingfiles"] = nil }, nil, ExitFailed,
			"kubectl auth can-i list recordingfiles.recording.sparkrtc.dev -n media"},
		"no right to the place": {func(f *fakeAPI, _ *fakeS3) { f.objects[recordings+"storagelocations/obs"] = nil }, nil, ExitFailed,
			"kubectl auth can-i get storagelocations.recording.sparkrtc.dev -n media"},
		"no right to the Secret": {func(f *fakeAPI, _ *fakeS3) { f.objects[secrets+"obs"] = nil }, nil, ExitFailed, "kubectl auth can-i get secrets/obs -n media"},
		"no right to the CA": {func(f *fakeAPI, _ *fakeS3) {
			f.objects[recordings+"storagelocations/obs"].(*v1alpha1.StorageLocation).Spec.S3.CASecretRef = &v1alpha1.SecretKeyReference{Name: "ca", Key: "ca.crt"}
			f.objects[secrets+"ca"] = nil
		}, nil, ExitFailed, "kubectl auth can-i get secrets/ca -n media"},
		"no Secret":    {func(f *fakeAPI, _ *fakeS3) { delete(f.objects, secrets+"obs") }, nil, ExitFailed, `Secret "obs" not found`},
		"no place":     {func(f *fakeAPI, _ *fakeS3) { delete(f.objects, recordings+"storagelocations/obs") }, nil, ExitFailed, `StorageLocation "obs"`},
		"out of reach": {nil, []string{"--endpoint", "http://127.0.0.1:1"}, ExitFailed, "forward a port to it and give --endpoint"},
		"one object unreadable": {func(_ *fakeAPI, s *fakeS3) { s.unreadable = "Record/a/stream_2021-04-28-05-40-00.m3u8" }, nil, ExitDone,
			"it may be in cold storage"},
	} {
		t.Run(name, func(t *testing.T) {
			f, s := discoverAPI(t)
			if c.change != nil {
				c.change(f, s)
			}
			got := f.run(t, "", append([]string{"discover", "classroom", "--since", "48h"}, c.args...)...)
			if got.code != c.exit || !strings.Contains(got.err, c.want) {
				t.Error(got)
			}
			checkNoCredentials(t, got)
		})
	}
}

// A long listing says how far it is.
func TestDiscover_PrintsProgress(t *testing.T) {
	f, s := discoverAPI(t)
	s.objects = map[string]string{}
	for i := range 1000 {
		s.objects[fmt.Sprintf("Record/%04d.ts", i)] = ""
	}
	got := f.run(t, "", "discover", "classroom", "--since", "48h")
	if got.code != ExitDone || !strings.Contains(got.err, "1000 objects listed, now at Record/0999.ts\n") {
		t.Error(got)
	}
}

// Every page of the files counts, and none is decoded over another.
func TestDiscover_ReadsEveryPage(t *testing.T) {
	f, s := discoverAPI(t)
	s.objects = map[string]string{}
	const pages = 3
	for i := range pages {
		s.objects[fmt.Sprintf("Record/%d.mp4", i)] = "x"
	}
	f.objects[recordings+"recordingfiles"] = func(r *http.Request) any {
		page := len(r.URL.Query().Get("continue"))
		known := builders.MakeRecordingFile(fmt.Sprint("known-", page), "classroom").Object("abc-rtc-bucket2", fmt.Sprintf("Record/%d.mp4", page)).Size(1).Obj()
		list := &v1alpha1.RecordingFileList{Items: []v1alpha1.RecordingFile{*known}}
		if page < pages-1 {
			list.Continue = strings.Repeat("x", page+1)
		}
		return list
	}
	got := f.run(t, "", "discover", "classroom", "--since", "48h", "--dry-run=client")
	if got.code != ExitDone || !strings.Contains(got.err, "0 RecordingFiles would be created, 0 would be updated; 3 recordings known") {
		t.Error(got)
	}
}
