// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/discovery"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/objectstore"
)

const discoverHelp = `List recordings in the bucket of a source that have no RecordingFile, and create one for each.

spec.discovery of a source does this for new recordings; this command does it once for those of the past. The bucket
is that of the source's StorageLocation; nothing in it is changed. Recordings are playlists and MP4s; what the operator
itself has written there is left out.

You need the right to get the StorageLocation and its Secrets, to list RecordingFiles, and, unless
--dry-run=client is given, to create, patch and report them (the ClusterRole recordings-discover). The bucket is read from this machine: when its
endpoint is only reachable in the cluster, forward a port to it and name that with --endpoint.

You can run it again at any time: a recording that has a RecordingFile is left alone. A RecordingFile that was
deleted comes back if its recording lies in the time that is scanned.

The exit code is 1 when some objects could not be read, and 3 when some cannot be stored.`

const discoverExample = `  # What would be created for the recordings of the last two days
  kubectl recordings discover classroom --since 48h --dry-run=client

  # Create what is missing of April
  kubectl recordings discover classroom --from 2026-04-01T00:00:00Z --to 2026-05-01T00:00:00Z

  # Look first, then apply
  kubectl recordings discover classroom --since 48h --dry-run=client -o yaml >files.yaml
  kubectl apply -f files.yaml

  # A bucket that only the cluster reaches
  kubectl port-forward -n storage service/minio 9000 &
  kubectl recordings discover classroom --since 48h --endpoint http://localhost:9000`

// discoverOptions is the command `discover`.
type discoverOptions struct {
	env    Environment
	access *access
	output *output

	sourceName string
	fromText   string
	toText     string
	since      time.Duration
	prefix     string
	minAge     time.Duration
	endpoint   string
	dryRun     string

	prefixGiven, minAgeGiven bool
	from, to                 time.Time
	cluster                  *cluster
}

func newDiscover(env Environment, a *access) *cobra.Command {
	o := &discoverOptions{env: env, access: a, output: newObjectOutput(env.Out)}
	command := &cobra.Command{
		Use:                   "discover SOURCE (--since DURATION | --from TIME [--to TIME]) [flags]",
		DisableFlagsInUseLine: true,
		Short:                 "Create RecordingFiles for past recordings that have none",
		Long:                  discoverHelp,
		Example:               discoverExample,
		Args:                  exactArgs("SOURCE"),
		ValidArgsFunction:     a.completeSource,
		RunE:                  runs(o),
	}
	flags := command.Flags()
	flags.StringVar(&o.fromText, "from", "", "recordings written last at this `time` or later, RFC 3339, or date")
	flags.StringVar(&o.toText, "to", "", "recordings written last before this `time`, RFC 3339, or date (default: now, less --min-age)")
	flags.Var((*durationValue)(&o.since), "since", "recordings written last at most this long ago, instead of --from")
	flags.StringVar(&o.prefix, "prefix", "", "prefix of the objects, after that of the StorageLocation (default: the source's spec.discovery.prefix)")
	flags.Var((*durationValue)(&o.minAge), "min-age", "how long ago an object was written last at least (default: the source's spec.discovery.minAge, or 30m)")
	flags.StringVar(&o.endpoint, "endpoint", "", "`URL` to reach the bucket's server by, instead of the StorageLocation's")
	addDryRun(command, &o.dryRun)
	o.output.addFlags(command)
	return command
}

func (o *discoverOptions) complete(command *cobra.Command, args []string) error {
	o.sourceName = args[0]
	o.prefixGiven, o.minAgeGiven = command.Flags().Changed("prefix"), command.Flags().Changed("min-age")
	if o.since != 0 {
		o.from = o.env.Clock.Now().Add(-o.since)
	}
	for _, given := range []struct {
		flag, text string
		at         *time.Time
	}{{"from", o.fromText, &o.from}, {"to", o.toText, &o.to}} {
		if given.text == "" {
			continue
		}
		at, err := parseTime(given.flag, given.text)
		if err != nil {
			return err
		}
		*given.at = at
	}
	var err error
	o.cluster, err = o.access.connect()
	return err
}

func (o *discoverOptions) validate() error {
	switch {
	case o.since == 0 && o.fromText == "" || o.since != 0 && o.fromText != "":
		return usagef("give --since or --from")
	case o.since < 0:
		return usagef("--since must be above zero")
	case strings.HasPrefix(o.prefix, "/"):
		return usagef("--prefix must not begin with a slash: keys of objects have none")
	case o.minAge < 0:
		return usagef("--min-age must not be below zero")
	case !o.to.IsZero() && !o.from.Before(o.to):
		return usagef("the time that is scanned must begin before it ends: --from or --since, then --to")
	}
	if _, ok := parseHTTP(o.endpoint); o.endpoint != "" && !ok {
		return usagef("--endpoint must be a URL of http or https, for example http://localhost:9000")
	}
	if err := validateDryRun(o.dryRun); err != nil {
		return err
	}
	return o.output.validate()
}

func (o *discoverOptions) run(ctx context.Context) error {
	source, err := o.cluster.source(ctx, o.sourceName)
	if err != nil {
		return err
	}
	location, err := o.location(ctx, source)
	if err != nil {
		return err
	}
	scope := o.scope(source, location)
	if !scope.From.Before(scope.To) {
		return usagef("there is no time to scan: it begins at %s, and what was written at %s or later is too young (--min-age, or the source's spec.discovery.minAge)",
			scope.From.UTC().Format(time.RFC3339), scope.To.UTC().Format(time.RFC3339))
	}
	access, err := objectstore.ReadAccess(ctx, o.cluster, o.cluster.namespace, location)
	if err != nil {
		// There may be two Secrets: the API server says which.
		resource := "secrets"
		if status, ok := errors.AsType[*apierrors.StatusError](err); ok && status.ErrStatus.Details != nil {
			resource += "/" + status.ErrStatus.Details.Name
		}
		return o.cluster.explain(fmt.Errorf("read the credentials of the bucket: %w", err), "get", resource, o.cluster.namespace)
	}
	opened, err := objectstore.Open(location, access)
	if err != nil {
		return fmt.Errorf("open bucket %q: %w", location.Bucket, err)
	}
	defer opened.Close()
	files, err := o.files(ctx)
	if err != nil {
		return err
	}
	watched := &watchedBucket{Bucket: opened, out: o.env.ErrOut, prefix: scope.Prefix}
	found := &foundFiles{files: files, bucket: watched, dryRun: o.dryRun == dryRunClient}
	report, problem := discovery.New(scope, found).Run(ctx, watched)
	if err := o.print(found); err != nil {
		return err
	}
	return o.conclude(location, report, problem)
}

// location is the bucket of the source.
func (o *discoverOptions) location(ctx context.Context, source *v1alpha1.RecordingSource) (*v1alpha1.S3Location, error) {
	if source.Spec.StorageRef == nil {
		return nil, fmt.Errorf("the source has no spec.storageRef: there is no bucket to look through")
	}
	name := source.Spec.StorageRef.Name
	location := &v1alpha1.StorageLocation{}
	err := o.cluster.Get(ctx, types.NamespacedName{Namespace: o.cluster.namespace, Name: name}, location)
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("StorageLocation %q, which the source's spec.storageRef names, not found in namespace %s", name, o.cluster.namespace)
	case err != nil:
		return nil, o.cluster.explain(err, "get", "storagelocations."+v1alpha1.GroupVersion.Group, o.cluster.namespace)
	case location.Spec.S3 == nil:
		return nil, fmt.Errorf("StorageLocation %q is not a bucket (spec.s3): only buckets can be scanned", name)
	}
	s3 := location.Spec.S3.DeepCopy()
	if o.endpoint != "" {
		s3.Endpoint = o.endpoint
	}
	return s3, nil
}

// scope is what is scanned.
func (o *discoverOptions) scope(source *v1alpha1.RecordingSource, location *v1alpha1.S3Location) discovery.Scope {
	spec := source.Spec.Discovery.DeepCopy()
	if spec == nil {
		spec = &v1alpha1.Discovery{}
	}
	if o.prefixGiven {
		spec.Prefix = o.prefix
	}
	minAge := defaultMinAge
	if spec.MinAge != nil {
		minAge = spec.MinAge.Duration
	}
	if o.minAgeGiven {
		minAge = o.minAge
	}
	to := o.env.Clock.Now().Add(-minAge)
	if !o.to.IsZero() && o.to.Before(to) {
		to = o.to
	}
	return discovery.Scope{Namespace: source.Namespace, Source: source.Name, Prefix: discovery.Prefix(location, spec), From: o.from, To: to}
}

// defaultMinAge is that of the RecordingSource's definition.
const defaultMinAge = 30 * time.Minute

// files reads the RecordingFiles of the namespace once, and writes as the operator does.
func (o *discoverOptions) files(ctx context.Context) (*readFiles, error) {
	if o.dryRun == dryRunNone {
		for _, verb := range []string{"create", "patch", "report"} {
			if err := o.cluster.may(ctx, verb); err != nil {
				return nil, err
			}
		}
	}
	ingester := ingest.New(o.cluster, o.cluster, ingest.Options{CallTimeout: o.cluster.config.Timeout})
	read, err := readOnce(ctx, o.cluster, ingester)
	if err != nil {
		return nil, o.cluster.explain(fmt.Errorf("list RecordingFiles: %w", err), "list", "recordingfiles."+v1alpha1.GroupVersion.Group, o.cluster.namespace)
	}
	return read, nil
}

// print prints what was found: a table, or the objects.
func (o *discoverOptions) print(found *foundFiles) error {
	if o.output.forPeople() {
		return found.write(o.env.Out)
	}
	var created []runtime.Object
	list := &corev1.List{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "List"}, Items: []runtime.RawExtension{}}
	for i := range found.rows {
		if found.rows[i].outcome == ingest.Created {
			created = append(created, found.rows[i].file)
			list.Items = append(list.Items, runtime.RawExtension{Object: found.rows[i].file})
		}
	}
	return o.output.printObjects(list, created)
}

// conclude says what the scan came to, and makes the exit code of it.
func (o *discoverOptions) conclude(location *v1alpha1.S3Location, report discovery.Report, problem error) error {
	for _, text := range report.Problems {
		_, _ = fmt.Fprintf(o.env.ErrOut, "%s\n", plain(text))
	}
	did := ""
	if o.dryRun == dryRunClient {
		did = "would be "
	}
	counts := report.Outcomes
	_, _ = fmt.Fprintf(o.env.ErrOut, "Scanned %d objects: %d RecordingFiles %screated, %d %supdated; %d recordings known, %d refused, %d failed\n",
		report.Listed, counts[discovery.Created], did, counts[discovery.Updated], did, counts[discovery.Known], counts[discovery.Refused], counts[discovery.Failed])
	switch {
	case errors.Is(problem, objectstore.ErrUnreachable):
		return fmt.Errorf("list bucket %q: %w; if the endpoint is one of the cluster, forward a port to it and give --endpoint", location.Bucket, problem)
	case problem != nil:
		return fmt.Errorf("list bucket %q: %w", location.Bucket, problem)
	case counts[discovery.Failed] > 0:
		return fmt.Errorf("%d recordings could not be read; run the command again", counts[discovery.Failed])
	case counts[discovery.Refused] > 0:
		return &exitError{code: ExitRefused, err: fmt.Errorf("%d recordings cannot be stored as they are", counts[discovery.Refused])}
	default:
		return nil
	}
}
