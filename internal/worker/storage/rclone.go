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

package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/task"
	"sparkrtc.dev/recording-operator/internal/worker/exec"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
)

// rclone's exit codes that mean more than "failed", from its documentation.
const (
	rcloneDirNotFound   = 3
	rcloneFileNotFound  = 4
	rcloneLimitExceeded = 8
)

// bucketName is what a bucket may be called; nothing in it can be read as another part of a remote's path.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// rclone drives the rclone program for one S3 location. The location is configured in the child's environment alone:
// no file holds it and no argument shows it.
type rclone struct {
	program string
	remote  string
	bucket  string
	env     []string
	caFile  string
	temp    string
	log     *slog.Logger
}

// newRclone reads the credentials; remote is the configuration's name, SRC or DST.
func newRclone(remote string, location v1alpha1.S3Location, bucket string, paths Paths, program string, log *slog.Logger) (*rclone, error) {
	if bucket == "" {
		bucket = location.Bucket
	}
	if !bucketName.MatchString(bucket) {
		return nil, failure.Permanent(task.ReasonInvalidTask, "%.80q is not the name of a bucket", bucket)
	}
	r := &rclone{program: program, remote: remote, bucket: bucket, temp: paths.Temp, log: log}
	if location.CASecretRef != nil {
		r.caFile = filepath.Join(paths.CA, "ca.crt")
	}
	r.set("TYPE", "s3")
	r.set("PROVIDER", string(location.Provider))
	r.set("ENDPOINT", location.Endpoint)
	r.set("REGION", location.Region)
	r.set("ENV_AUTH", "false")
	// Never create a bucket: that needs rights the worker should not have.
	r.set("NO_CHECK_BUCKET", "true")
	// Huawei OBS and others refuse the checksum trailers of AWS' newer SDKs.
	r.set("USE_DATA_INTEGRITY_PROTECTIONS", "false")
	if location.Provider == v1alpha1.S3ProviderMinio || location.Provider == v1alpha1.S3ProviderOther {
		r.set("FORCE_PATH_STYLE", "true")
	}
	return r, r.readCredentials(paths.Credentials)
}

func (r *rclone) set(option, value string) {
	if value != "" {
		r.env = append(r.env, "RCLONE_CONFIG_"+r.remote+"_"+option+"="+value)
	}
}

func (r *rclone) readCredentials(dir string) error {
	for _, secret := range []struct {
		file, option string
		optional     bool
	}{
		{file: v1alpha1.SecretKeyAccessKeyID, option: "ACCESS_KEY_ID"},
		{file: v1alpha1.SecretKeySecretAccessKey, option: "SECRET_ACCESS_KEY"},
		{file: v1alpha1.SecretKeySessionToken, option: "SESSION_TOKEN", optional: true},
	} {
		value, err := os.ReadFile(filepath.Join(dir, secret.file)) //nolint:gosec // the mounted Secret
		if errors.Is(err, os.ErrNotExist) && secret.optional {
			continue
		}
		if err != nil {
			return failure.Permanent(task.ReasonForbidden, "the credentials have no %s: %w", secret.file, err)
		}
		// A Secret made by hand often ends in a newline; no key does.
		r.set(secret.option, strings.TrimSpace(string(value)))
	}
	return nil
}

// at is a remote path as rclone writes it.
func (r *rclone) at(key string) string { return r.remote + ":" + filepath.Join(r.bucket, key) }

// uri is how people and manifests write it.
func (r *rclone) uri(key string) string { return "s3://" + r.bucket + "/" + key }

// tuning keeps memory small (transfers x upload concurrency x chunk = 64 MiB), gives every network call a deadline
// (contimeout to connect, timeout without a byte moving), and leaves longer patience to the Job's own retries.
var tuning = []string{
	"--config=/notfound", "--use-json-log", "--log-level=NOTICE", "--stats=15s", "--stats-log-level=NOTICE",
	"--contimeout=15s", "--timeout=60s", "--retries=2", "--retries-sleep=1s", "--low-level-retries=3",
	"--transfers=4", "--checkers=8", "--multi-thread-streams=0", "--buffer-size=4Mi",
	"--s3-chunk-size=8Mi", "--s3-upload-concurrency=2",
	// An ETag is not the MD5 of multipart or encrypted objects; what is written is read back and compared by sha256.
	"--ignore-checksum",
}

// run runs one rclone command. Failures are told apart by what rclone logs.
func (r *rclone) run(ctx context.Context, stdout io.Writer, args ...string) error {
	args = append(append([]string{}, args...), tuning...)
	if r.caFile != "" {
		args = append(args, "--ca-cert="+r.caFile)
	}
	report := &rcloneReport{log: r.log}
	stderr := &exec.Lines{Each: report.line}
	err := exec.Run(ctx, exec.Command{
		Path: r.program, Args: args, Stdout: stdout, Stderr: stderr,
		Env: append([]string{"PATH=/usr/bin:/bin", "HOME=" + r.temp, "TMPDIR=" + r.temp}, r.env...),
	})
	_ = stderr.Close() // it never fails
	exit, failed := errors.AsType[*exec.ExitError](err)
	if !failed {
		return err
	}
	return report.failure(exit)
}

// withList runs f with the path of a file that lists names, one a line, as --files-from-raw reads it. Names hold no
// newline: CheckKey refuses control characters.
func (r *rclone) withList(names []string, f func(list string) error) error {
	file, err := os.CreateTemp(r.temp, "list-*")
	if err != nil {
		return fmt.Errorf("list files for rclone: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.WriteString(strings.Join(names, "\n") + "\n")
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("list files for rclone: %w", err)
	}
	return f(file.Name())
}

// rcloneReport reads rclone's log: errors are kept, progress is passed on.
type rcloneReport struct {
	log    *slog.Logger
	object string
	errors []string
}

// maxReportedErrors bounds what is kept of a log; the first errors tell the most.
const maxReportedErrors = 20

func (r *rcloneReport) line(line []byte) {
	var entry struct {
		Level   string `json:"level"`
		Message string `json:"msg"`
		Object  string `json:"object"`
		Stats   *struct {
			Bytes      int64 `json:"bytes"`
			TotalBytes int64 `json:"totalBytes"`
			Transfers  int64 `json:"transfers"`
		} `json:"stats"`
	}
	if err := json.Unmarshal(line, &entry); err != nil {
		// Not a log entry but, for example, a crash or a wrong flag: keep it, it is all there is.
		entry.Level, entry.Message = "error", string(bytes.TrimSpace(line))
	}
	if stats := entry.Stats; stats != nil {
		r.log.Info("Copying", "bytes", stats.Bytes, "totalBytes", stats.TotalBytes, "files", stats.Transfers)
		return
	}
	if entry.Level != "error" && entry.Level != "critical" || len(r.errors) >= maxReportedErrors {
		return
	}
	if r.object == "" {
		r.object = entry.Object
	}
	r.errors = append(r.errors, shorten(entry.Message))
}

var (
	requestIDs = regexp.MustCompile(`(RequestID|HostID): [^,]*,\s*`)
	urlQuery   = regexp.MustCompile(`\?[^\s"']*`)
)

// shorten leaves out what no person needs, and every URL's query.
func shorten(message string) string {
	message = urlQuery.ReplaceAllString(requestIDs.ReplaceAllString(message, ""), "")
	if len(message) > 400 {
		message = strings.ToValidUTF8(message[:400], "") + "…"
	}
	return message
}

// failure classifies what rclone said. What is not known is transient.
func (r *rcloneReport) failure(exit *exec.ExitError) error {
	said := strings.Join(r.errors, "\n")
	first := "it did not say why"
	if len(r.errors) > 0 {
		first = r.errors[0]
	}
	has := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(said, word) {
				return true
			}
		}
		return false
	}
	var found *failure.Error
	switch {
	case exit.Code == rcloneLimitExceeded:
		found = failure.Permanent(task.ReasonTooLarge, "more bytes than allowed: %s", first)
	case has("StatusCode: 403", "StatusCode: 401", "api error ExpiredToken"):
		found = failure.Permanent(task.ReasonForbidden, "the storage refuses the credentials: %s", first)
	case has("api error NoSuchBucket"):
		found = failure.Permanent(task.ReasonNotFound, "there is no such bucket: %s", first)
	case has("no space left on device"):
		found = failure.Transient(task.ReasonInternal, "the work volume is full: %s", first)
	case exit.Code == rcloneDirNotFound, exit.Code == rcloneFileNotFound:
		found = failure.Permanent(task.ReasonNotFound, "not found: %s", first)
	default:
		found = failure.Transient(task.ReasonStorageUnavailable, "the storage cannot be used now: %s (%w)", first, exit)
	}
	return found.About(r.object)
}
