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

// Command callback signs recording callbacks as SparkRTC does and posts them: what the demo plays the service with.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"sparkrtc.dev/recording-operator/internal/callback"
)

// requestTimeout bounds one callback.
const requestTimeout = 15 * time.Second

// recording is what the callbacks speak of; the fields are those of the flags.
type recording struct {
	url, key                       string
	app, job, room, stream, format string
	bucket, object                 string
	size, duration, width, height  int64
}

func main() {
	var r recording
	command := &cobra.Command{
		Use:   "callback START|COMPLETE|OVER",
		Short: "Sign a recording callback as SparkRTC does, and post it",
		Example: `  CALLBACK_KEY=0123456789abcdef0123456789abcdef callback START --url http://localhost:8090/callbacks/demo/demo \
    --app demo --job job-1 --room room01 --stream camera --format HLS`,
		Args:          cobra.ExactArgs(1),
		ValidArgs:     []string{"START", "COMPLETE", "OVER"},
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(command *cobra.Command, args []string) error {
			// The key is not a flag, since everybody on a machine sees everybody's arguments.
			r.key = os.Getenv("CALLBACK_KEY")
			body, err := r.body(args[0])
			if err != nil {
				return err
			}
			return r.post(command.Context(), body, time.Now())
		},
	}
	flags := command.Flags()
	flags.StringVar(&r.url, "url", "", "callback `URL` of the source (required)")
	flags.StringVar(&r.app, "app", "demo", "app_id")
	flags.StringVar(&r.job, "job", "", "job_id")
	flags.StringVar(&r.room, "room", "", "room_id")
	flags.StringVar(&r.stream, "stream", "", "stream_name")
	flags.StringVar(&r.format, "format", "HLS", "record_format")
	flags.StringVar(&r.bucket, "bucket", "", "obs_bucket of COMPLETE")
	flags.StringVar(&r.object, "object", "", "obs_object of COMPLETE")
	flags.Int64Var(&r.size, "size", 0, "file_size of COMPLETE in bytes")
	flags.Int64Var(&r.duration, "duration", 0, "record_duration of COMPLETE in seconds")
	flags.Int64Var(&r.width, "width", 0, "width of COMPLETE in pixels")
	flags.Int64Var(&r.height, "height", 0, "height of COMPLETE in pixels")
	_ = command.MarkFlagRequired("url")
	if err := command.ExecuteContext(context.Background()); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// body is the callback's body, with the fields that the service documents for the event.
func (r *recording) body(event string) ([]byte, error) {
	fields := map[string]any{"app_id": r.app, "job_id": r.job, "room_id": r.room}
	switch event {
	case "START":
		fields["event_type"] = "RECORD_NEW_FILE_START"
		fields["stream_name"], fields["record_format"] = r.stream, r.format
	case "COMPLETE":
		end := time.Now().UTC().Truncate(time.Second)
		fields["event_type"] = "RECORD_FILE_COMPLETE"
		fields["stream_name"], fields["record_format"] = r.stream, r.format
		fields["obs_bucket"], fields["obs_object"] = r.bucket, r.object
		fields["download_url"] = "https://" + path.Join(r.bucket+".obs.example.com", r.object)
		fields["file_size"], fields["record_duration"] = r.size, r.duration
		fields["width"], fields["height"] = r.width, r.height
		fields["end_time"] = end.Format(time.RFC3339)
		fields["start_time"] = end.Add(-time.Duration(r.duration) * time.Second).Format(time.RFC3339)
	case "OVER":
		fields["event_type"], fields["detail_message"] = "CLOUD_RECORD_SERVER_OVER", "job over"
	default:
		return nil, fmt.Errorf("the event must be START, COMPLETE or OVER, not %q", event)
	}
	return json.Marshal(fields)
}

// post signs the body, posts it, and fails unless the answer is 200.
func (r *recording) post(ctx context.Context, body []byte, now time.Time) error {
	key, err := callback.ParseKey([]byte(r.key))
	if err != nil {
		return fmt.Errorf("CALLBACK_KEY: %w", err)
	}
	proof, err := callback.Sign(key, rand.Text(), strconv.FormatInt(now.Unix(), 10), body)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	proof.SetHeader(request.Header)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	fmt.Printf("%s -> %d %s\n", body, response.StatusCode, answer)
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the callback was answered %s", response.Status)
	}
	return nil
}
