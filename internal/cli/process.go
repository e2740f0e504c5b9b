// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/describe"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const processHelp = `Process an old recording: create its RecordingFile.

Name the recording by its bucket and key, or by its URL when it was reported without a bucket. For HLS it is the
playlist. The file gets the name that a callback gives it, so that a recording which has a RecordingFile, whether
reported, discovered or made by this command, is not processed a second time: the command says which one it is,
and exits with 3. "kubectl recordings retry" processes that again.

The file has neither spec.reported nor spec.discovered: set the room with --room where a route, a path or an
expression needs it. A callback for the same recording that comes later adds what it reports to the file, and the
recording is processed again only when it is longer than what was read of it, or when processing it had failed. For
many recordings, and for their sizes and durations, use "kubectl recordings discover".

With --wait the command prints each change, and ends when the recording is processed. The exit code is then 1 when
it failed, and 4 when it is not done in time.

You need the rights to get the RecordingSource, and to get, list, create and report recordingfiles (the ClusterRoles
recordings-view and recordings-discover); --wait takes the right to watch them.`

const processExample = `  # With the pipeline that the source's routes choose
  kubectl recordings process --source classroom s3://abc-rtc-bucket2/Record/mystream_2021-04-28-08-57-07.m3u8 --room room01

  # With another pipeline, until it is processed
  kubectl recordings process --source classroom --pipeline lecture --wait --timeout 30m s3://abc-rtc-bucket2/a.mp4

  # Look first, then apply
  kubectl recordings process --source classroom --dry-run -o yaml https://recordings.example.com/a.mp4 >file.yaml
  kubectl apply -f file.yaml`

// processTimeout is how long --wait waits unless --timeout says otherwise.
const processTimeout = time.Hour

// processOptions are the command `process`.
type processOptions struct {
	env     Environment
	access  *access
	cluster *cluster
	output  *output

	source, pipeline, room, format string
	object                         v1alpha1.ObjectIdentity
	dryRun                         string
	wait                           bool
	timeout                        time.Duration
}

func newProcess(env Environment, a *access) *cobra.Command {
	o := &processOptions{env: env, access: a, output: newObjectOutput(env.Out), timeout: processTimeout}
	command := &cobra.Command{
		Use:                   "process --source SOURCE (s3://BUCKET/KEY | URL) [flags]",
		DisableFlagsInUseLine: true,
		Short:                 "Process an old recording",
		Long:                  processHelp,
		Example:               processExample,
		Args:                  exactArgs("s3://BUCKET/KEY or the URL"),
		ValidArgsFunction:     cobra.NoFileCompletions,
		RunE:                  runs(o),
	}
	flags := command.Flags()
	flags.StringVar(&o.source, "source", "", "the RecordingSource that the recording belongs to")
	flags.StringVar(&o.pipeline, "pipeline", "", "the RecordingPipeline, instead of the source's routes")
	flags.StringVar(&o.room, "room", "", "the room that was recorded")
	flags.StringVar(&o.format, "format", "", "HLS or MP4, when the recording's name does not end in .m3u8 or .mp4")
	flags.BoolVar(&o.wait, "wait", false, "wait until the recording is processed")
	flags.Var((*durationValue)(&o.timeout), "timeout", "how long --wait waits")
	addDryRun(command, &o.dryRun)
	o.output.addFlags(command)
	_ = command.RegisterFlagCompletionFunc("source", completeNames(a.sources))
	_ = command.RegisterFlagCompletionFunc("pipeline", completeNames(a.pipelines))
	_ = command.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"HLS", "MP4"}, cobra.ShellCompDirectiveNoFileComp))
	return command
}

func (o *processOptions) complete(_ *cobra.Command, args []string) error {
	var err error
	if o.object, err = parseObject(args[0]); err != nil {
		return err
	}
	o.cluster, err = o.access.connect()
	return err
}

// parseObject reads the identity of a recording as a callback for it has it.
func parseObject(text string) (v1alpha1.ObjectIdentity, error) {
	if place, isS3 := strings.CutPrefix(text, "s3://"); isS3 {
		bucket, key, _ := strings.Cut(place, "/")
		if bucket == "" || key == "" {
			return v1alpha1.ObjectIdentity{}, usagef("%q names no object: write s3://BUCKET/KEY", text)
		}
		return v1alpha1.ObjectIdentity{Bucket: bucket, Key: key}, nil
	}
	if _, ok := parseHTTP(text); !ok {
		return v1alpha1.ObjectIdentity{}, usagef("%q is neither s3://BUCKET/KEY nor a URL of http or https", text)
	}
	return ingest.ObjectOf(sparkrtc.File{DownloadURL: text}), nil
}

func (o *processOptions) validate() error {
	switch {
	case o.source == "":
		return usagef("give --source: the RecordingSource whose storage holds the recording")
	case o.format != "" && o.format != "HLS" && o.format != "MP4":
		return usagef("--format must be HLS or MP4, not %q", o.format)
	case o.timeout <= 0:
		return usagef("--timeout must be above zero")
	}
	if err := validateDryRun(o.dryRun); err != nil {
		return err
	}
	if o.wait && o.dryRun == dryRunClient {
		return usagef("give --wait or --dry-run, not both")
	}
	return o.output.validate()
}

func (o *processOptions) run(ctx context.Context) error {
	if _, err := o.cluster.source(ctx, o.source); err != nil {
		return err
	}
	known, err := o.known(ctx)
	if err != nil {
		return err
	}
	if known != nil {
		return isKnown(known)
	}
	file := o.file()
	if o.dryRun == dryRunNone {
		if file, err = o.create(ctx, file); err != nil {
			return err
		}
	}
	if err := o.print(file); err != nil || !o.wait {
		return err
	}
	return o.await(ctx, file.Name)
}

// file is what is created, under the first of its names.
func (o *processOptions) file() *v1alpha1.RecordingFile {
	file := &v1alpha1.RecordingFile{Spec: v1alpha1.RecordingFileSpec{
		SourceRef: v1alpha1.LocalReference{Name: o.source}, Object: o.object, Room: o.room, Format: o.format,
	}}
	if o.pipeline != "" {
		file.Spec.PipelineRef = &v1alpha1.LocalReference{Name: o.pipeline}
	}
	file.Namespace, file.Name = o.cluster.namespace, ingest.FileNames(o.source, o.object)[0]
	file.Labels = map[string]string{v1alpha1.LabelSource: o.source}
	return file
}

// known is the file that the recording has, under whatever name; nil: none. Files of a URL are found by the usual names alone,
// since the API server selects by keys.
func (o *processOptions) known(ctx context.Context) (*v1alpha1.RecordingFile, error) {
	explain := func(err error, verb string) error {
		return o.cluster.explain(err, verb, "recordingfiles."+v1alpha1.GroupVersion.Group, o.cluster.namespace)
	}
	for _, name := range ingest.FileNames(o.source, o.object) {
		file := &v1alpha1.RecordingFile{}
		err := o.cluster.Get(ctx, types.NamespacedName{Namespace: o.cluster.namespace, Name: name}, file)
		if client.IgnoreNotFound(err) != nil {
			return nil, explain(err, "get")
		}
		if err == nil && o.isOf(file) {
			return file, nil
		}
	}
	if o.object.Key == "" {
		return nil, nil //nolint:nilnil // absence is an answer here, not an error
	}
	var files v1alpha1.RecordingFileList
	if err := o.cluster.List(ctx, &files, client.InNamespace(o.cluster.namespace),
		client.MatchingFields{"spec.sourceRef.name": o.source, "spec.object.key": o.object.Key}); err != nil {
		return nil, explain(err, "list")
	}
	for i := range files.Items {
		if o.isOf(&files.Items[i]) {
			return &files.Items[i], nil
		}
	}
	return nil, nil //nolint:nilnil // as above
}

// isOf says that a file is one of the recording.
func (o *processOptions) isOf(file *v1alpha1.RecordingFile) bool {
	return file.Spec.SourceRef.Name == o.source && file.Spec.Object == o.object
}

// isKnown is the answer for a recording that has a file.
func isKnown(file *v1alpha1.RecordingFile) error {
	status, message := describe.Status(file)
	return &exitError{code: ExitRefused, err: fmt.Errorf("RecordingFile %q has this recording already: %s; `kubectl recordings retry %s` processes it again",
		file.Name, plain(describe.With(status, message)), file.Name)}
}

// create creates the file. The name is the lock: one that a callback has created meanwhile is not created again.
func (o *processOptions) create(ctx context.Context, file *v1alpha1.RecordingFile) (*v1alpha1.RecordingFile, error) {
	for _, verb := range []string{"create", "report"} {
		if err := o.cluster.may(ctx, verb); err != nil {
			return nil, err
		}
	}
	var err error
	for _, name := range ingest.FileNames(o.source, o.object) {
		created := file.DeepCopy()
		created.Name = name
		if err = o.cluster.Create(ctx, created); err == nil {
			return created, nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return nil, o.cluster.explain(err, "create", "recordingfiles."+v1alpha1.GroupVersion.Group, o.cluster.namespace)
		}
		existing, err := o.cluster.file(ctx, name)
		if err != nil {
			return nil, err
		}
		if o.isOf(existing) {
			return nil, isKnown(existing)
		}
	}
	return nil, err
}

func (o *processOptions) print(file *v1alpha1.RecordingFile) error {
	if !o.output.forPeople() {
		file.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("RecordingFile"))
		return o.output.printObjects(file, []runtime.Object{file})
	}
	done := "created"
	if o.dryRun == dryRunClient {
		done += " (dry run)"
	}
	_, err := fmt.Fprintf(o.env.Out, "recordingfile/%s %s\n", file.Name, done)
	return err
}

// await prints each change of the file to standard error until it is processed.
func (o *processOptions) await(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	watch := &watchOptions{env: o.env, access: o.access, untilDone: true}
	watch.env.Out = o.env.ErrOut
	if err := watch.complete(nil, []string{name}); err != nil {
		return err
	}
	files := newFileSet()
	if err := watch.runLines(ctx, files); err != nil {
		return err
	}
	return watch.outcome(files)
}
