// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const sendHelp = `Sign a callback as SparkRTC does, post it, and print the answer and what was stored.

The body is made from flags, or comes from a file that is sent byte for byte. It is signed with a key
of the source, read from the Secret that spec.callback.keys names; that takes the right to get the
Secret. Without that right, give the key in a file. The key is never printed.

--url says where callbacks reach the operator: your ingress, or a port that kubectl forwards to its
Service. A --url without a path gets that of the source.

--dry-run=client sends nothing and prints the request and the curl command that does the same. Its
signature lets anybody who sees it send that one body, with these headers, until the key is changed.`

const sendExample = `  # A file is being recorded, is finished, and the recording task is over
  url=https://recordings.example.com
  kubectl recordings send start classroom --url $url --task task-1 --room room01 --stream camera
  kubectl recordings send complete classroom --url $url --task task-1 --room room01 --stream camera \
    --bucket abc-rtc-bucket2 --object Record/camera.m3u8 --size 1048576 --duration 65
  kubectl recordings send over classroom --url $url --task task-1

  # Without an ingress
  kubectl port-forward -n recording-system service/recording-operator-callback 8090:80 &
  kubectl recordings send over classroom --url http://localhost:8090 --task task-1

  # A body of your own, byte for byte
  kubectl recordings send classroom --url $url -f body.json

  # What would be sent, and the curl that sends it
  kubectl recordings send over classroom --task task-1 --dry-run=client`

// sendOptions is the command `send`.
type sendOptions struct {
	env    Environment
	access *access
	output *output

	event, sourceName string
	fields            eventFields
	file              string
	keyFile           string
	keyIndex          int
	rand, timestamp   string
	url               string
	dryRun            string

	flags   *pflag.FlagSet
	cluster *cluster
}

func newSend(env Environment, a *access) *cobra.Command {
	o := &sendOptions{env: env, access: a, output: newOutput(env.Out)}
	command := &cobra.Command{
		Use:                   "send (start | complete | over) SOURCE [flags]\n  kubectl recordings send SOURCE -f FILE [flags]",
		DisableFlagsInUseLine: true,
		Short:                 "Sign and post a callback for a source",
		Long:                  sendHelp,
		Example:               sendExample,
		ValidArgsFunction:     o.completeArgs,
		RunE:                  runs(o),
	}
	flags := command.Flags()
	o.fields.addFlags(flags)
	flags.StringVarP(&o.file, "filename", "f", "", "`file` with the body, sent byte for byte; - is standard input")
	flags.StringVar(&o.keyFile, "key-file", "", "`file` with the private key, instead of the source's Secret")
	flags.IntVar(&o.keyIndex, "key-index", 0, "which of spec.callback.keys signs, from 0")
	flags.StringVar(&o.rand, "rand", "", "X-Rtc-Rand (default: random)")
	flags.StringVar(&o.timestamp, "timestamp", "", "X-Rtc-Timestamp (default: now, in seconds)")
	flags.StringVar(&o.url, "url", "", "`URL` to post to; without a path, the source's is added")
	addDryRun(command, &o.dryRun)
	o.output.addFlags(command)
	_ = command.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"HLS", "MP4"}, cobra.ShellCompDirectiveNoFileComp))
	return command
}

// completeArgs completes the event, then the source.
func (o *sendOptions) completeArgs(command *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	switch {
	case o.file != "":
		return o.access.completeSource(command, args, typed)
	case len(args) == 0:
		return eventNames, cobra.ShellCompDirectiveNoFileComp
	default:
		return o.access.completeSource(command, args[1:], typed)
	}
}

func (o *sendOptions) complete(command *cobra.Command, args []string) error {
	o.flags = command.Flags()
	switch {
	case o.file != "" && len(args) == 1:
		o.sourceName = args[0]
	case o.file == "" && len(args) == 2:
		o.event, o.sourceName = strings.ToLower(args[0]), args[1]
	case o.file != "":
		return usagef("with -f, give one argument: the source")
	default:
		return usagef("give the event (start, complete or over) and the source, or the source and -f FILE")
	}
	if o.rand == "" {
		o.rand = rand.Text()
	}
	if o.timestamp == "" {
		o.timestamp = strconv.FormatInt(o.env.Clock.Now().Unix(), 10)
	}
	var err error
	o.cluster, err = o.access.connect()
	return err
}

func (o *sendOptions) validate() error {
	if err := validateDryRun(o.dryRun); err != nil {
		return err
	}
	if o.keyFile != "" && o.flags.Changed("key-index") {
		return usagef("give --key-file or --key-index, not both")
	}
	if err := oneInput("-f and --key-file", o.file, o.keyFile); err != nil {
		return err
	}
	if err := o.output.validate(); err != nil {
		return err
	}
	if o.file != "" {
		if name := changedField(o.flags); name != "" {
			return usagef("--%s cannot be combined with -f: the file is sent byte for byte", name)
		}
		return nil
	}
	if !slices.Contains(eventNames, o.event) {
		return usagef("the event must be start, complete or over, not %q", o.event)
	}
	return checkFlags(o.flags, o.event)
}

func (o *sendOptions) run(ctx context.Context) error {
	source, err := o.cluster.source(ctx, o.sourceName)
	if err != nil {
		return err
	}
	body, err := o.body(source)
	if err != nil {
		return err
	}
	proof, err := o.sign(ctx, source, body)
	if err != nil {
		return err
	}
	if source.Status.CallbackPath == "" && !hasPath(o.url) {
		return fmt.Errorf("the source has no status.callbackPath: does the operator run, and does it watch namespace %s? Otherwise give the whole --url", source.Namespace)
	}
	if o.dryRun == dryRunClient {
		return o.show(source, body, proof)
	}
	target, err := o.givenURL(source)
	if err != nil {
		return err
	}
	r := newRequest(target, body, proof)
	answer, err := r.post(ctx, http.DefaultTransport)
	if err != nil {
		return err
	}
	return o.tell(ctx, r, answer)
}

// body is the file's, or is made from the flags.
func (o *sendOptions) body(source *v1alpha1.RecordingSource) ([]byte, error) {
	if o.file != "" {
		return readFile(o.env.In, o.file)
	}
	if !o.flags.Changed("app") {
		o.fields.AppID = source.Spec.AppID
	}
	return o.fields.body(o.event, o.env.Clock.Now())
}

// oneInput refuses to read standard input twice: the second time nothing would be left of it.
func oneInput(flags string, files ...string) error {
	given := 0
	for _, file := range files {
		if file == "-" {
			given++
		}
	}
	if given > 1 {
		return usagef("only one of %s can be standard input", flags)
	}
	return nil
}

// readFile reads a file whole; "-" is standard input.
func readFile(in io.Reader, name string) ([]byte, error) {
	if name == "-" {
		body, err := io.ReadAll(in)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return body, nil
	}
	return os.ReadFile(name) //nolint:gosec // it is the user's own file
}

// sign signs the body, or returns nil for a source whose callbacks are not signed.
func (o *sendOptions) sign(ctx context.Context, source *v1alpha1.RecordingSource, body []byte) (*sparkrtc.Proof, error) {
	if o.keyFile == "" && source.Spec.Callback.Authentication == v1alpha1.AuthenticationNone {
		return nil, nil
	}
	key, err := o.key(ctx, source)
	if err != nil {
		return nil, err
	}
	proof, err := sparkrtc.Sign(key, o.rand, o.timestamp, body)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return &proof, nil
}

func (o *sendOptions) key(ctx context.Context, source *v1alpha1.RecordingSource) (sparkrtc.Key, error) {
	if o.keyFile != "" {
		raw, err := readFile(o.env.In, o.keyFile)
		if err != nil {
			return sparkrtc.Key{}, err
		}
		key, err := sparkrtc.ParseKey(raw)
		if err != nil {
			return sparkrtc.Key{}, fmt.Errorf("--key-file: %w", err)
		}
		return key, nil
	}
	keys := source.Spec.Callback.Keys
	if o.keyIndex < 0 || o.keyIndex >= len(keys) {
		return sparkrtc.Key{}, usagef("--key-index %d: the source has %d keys, counted from 0", o.keyIndex, len(keys))
	}
	raw, err := o.cluster.secretKey(ctx, keys[o.keyIndex].SecretRef)
	if err != nil {
		return sparkrtc.Key{}, fmt.Errorf("spec.callback.keys[%d]: %w; or give the key with --key-file", o.keyIndex, err)
	}
	key, err := sparkrtc.ParseKey(raw)
	if err != nil {
		return sparkrtc.Key{}, fmt.Errorf("spec.callback.keys[%d], Secret %s: %w", o.keyIndex, keys[o.keyIndex].SecretRef.Name, err)
	}
	return key, nil
}

// portForward makes the operator's Service reachable at port 8090 of this machine.
const portForward = "kubectl port-forward --namespace recording-system service/recording-operator-callback 8090:80"

// givenURL is --url, with the source's path unless it has one.
func (o *sendOptions) givenURL(source *v1alpha1.RecordingSource) (string, error) {
	u, ok := parseHTTP(o.url)
	switch {
	case o.url == "":
		return "", usagef("give --url, the address that callbacks reach the operator at; without an ingress, run `%s` and give --url http://localhost:8090", portForward)
	case !ok:
		return "", usagef("--url must be a URL of http or https, for example https://recordings.example.com")
	}
	if !hasPath(o.url) {
		u.Path = source.Status.CallbackPath
	}
	return u.String(), nil
}

// parseHTTP reads a URL of http or https.
func parseHTTP(address string) (u *url.URL, ok bool) {
	u, err := url.Parse(address)
	return u, err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func hasPath(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Path != "" && u.Path != "/"
}
