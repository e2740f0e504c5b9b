// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/printers"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const verifyHelp = `Explain how the operator responds to a captured callback, and what exactly is wrong when it refuses it.

A capture is a file with the raw HTTP request (-f), or a file with the headers and one with the body, or
the three X-Rtc-* values and a file with the body. The body has to be what was sent, byte for byte.

The keys are read from the Secrets that the source names; that takes the right to get them. Without
it, give a key in a file. When no key verifies, common mistakes are tried: a newline too many,
other line ends, a byte order mark, reformatted JSON, swapped headers, a key in base64 and the like.
No key is ever printed. Nothing is sent to the operator.

The exit code is 0 when the operator would accept the callback, and 3 when it would refuse it.`

const verifyExample = `  # A raw request, headers and body
  kubectl recordings verify classroom -f request.http

  # Headers and body apart
  kubectl recordings verify classroom --headers headers.txt --body body.json

  # The three values from a log, and the body
  kubectl recordings verify classroom --rand 5577006791947779410 --timestamp 1619600282 \
    --signature 67e85edb7a09557eb5d7f8acdc0b149090184409a516232721cbb62d9fe2c03d --body body.json

  # For programs
  kubectl recordings verify classroom -f request.http -o jsonpath='{.response.code}'`

// verifyOptions is the command `verify`.
type verifyOptions struct {
	env    Environment
	access *access
	output *output

	sourceName    string
	file          string
	headers, body string
	proof         sparkrtc.Proof
	keyFile       string

	proofGiven bool
	cluster    *cluster
}

func newVerify(env Environment, a *access) *cobra.Command {
	o := &verifyOptions{env: env, access: a, output: newOutput(env.Out)}
	command := &cobra.Command{
		Use:                   "verify SOURCE (-f FILE | --headers FILE --body FILE) [flags]",
		DisableFlagsInUseLine: true,
		Short:                 "Explain why a captured callback is accepted or refused",
		Long:                  verifyHelp,
		Example:               verifyExample,
		Args:                  exactArgs("SOURCE"),
		ValidArgsFunction:     a.completeSource,
		RunE:                  runs(o),
	}
	flags := command.Flags()
	flags.StringVarP(&o.file, "filename", "f", "", "`file` with the raw HTTP request; - is standard input")
	flags.StringVar(&o.headers, "headers", "", "`file` with the headers, one \"Name: value\" a line")
	flags.StringVar(&o.body, "body", "", "`file` with the body, byte for byte; - is standard input")
	flags.StringVar(&o.proof.Rand, "rand", "", "X-Rtc-Rand")
	flags.StringVar(&o.proof.Timestamp, "timestamp", "", "X-Rtc-Timestamp")
	flags.StringVar(&o.proof.Signature, "signature", "", "X-Rtc-Signature")
	flags.StringVar(&o.keyFile, "key-file", "", "`file` with a private key, instead of the source's Secrets")
	o.output.addFlags(command)
	return command
}

func (o *verifyOptions) complete(_ *cobra.Command, args []string) error {
	o.sourceName = args[0]
	o.proofGiven = o.proof != sparkrtc.Proof{}
	var err error
	o.cluster, err = o.access.connect()
	return err
}

func (o *verifyOptions) validate() error {
	switch {
	case o.file != "" && (o.headers != "" || o.body != "" || o.proofGiven):
		return usagef("-f is the whole request: give no --headers, --body, --rand, --timestamp or --signature with it")
	case o.file == "" && o.body == "":
		return usagef("give the captured request: -f FILE, or --body FILE with --headers FILE or with --rand, --timestamp and --signature")
	case o.headers != "" && o.proofGiven:
		return usagef("give --headers, or --rand, --timestamp and --signature, not both")
	}
	if err := oneInput("-f, --headers, --body and --key-file", o.file, o.headers, o.body, o.keyFile); err != nil {
		return err
	}
	return o.output.validate()
}

func (o *verifyOptions) run(ctx context.Context) error {
	c, err := o.capture()
	if err != nil {
		return err
	}
	source, err := o.cluster.source(ctx, o.sourceName)
	if err != nil {
		return err
	}
	keys, err := o.keys(ctx, source)
	if err != nil {
		return err
	}
	d := diagnose(source, keys, c, o.env.Clock.Now())
	if o.output.forPeople() {
		err = d.write(o.env.Out)
	} else {
		err = o.output.print("CallbackDiagnosis", d)
	}
	if err != nil {
		return err
	}
	switch d.Response.Code {
	case http.StatusOK:
		return nil
	case http.StatusServiceUnavailable:
		return &exitError{code: ExitNotNow}
	default:
		return &exitError{code: ExitRefused}
	}
}

// capture reads the callback.
func (o *verifyOptions) capture() (*captured, error) {
	if o.file != "" {
		raw, err := readFile(o.env.In, o.file)
		if err != nil {
			return nil, err
		}
		c, err := parseRequest(raw)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", o.file, err)
		}
		return c, nil
	}
	body, err := readFile(o.env.In, o.body)
	if err != nil {
		return nil, err
	}
	if o.headers == "" {
		c := &captured{header: http.Header{}, body: body}
		o.proof.SetHeader(c.header)
		return c, nil
	}
	raw, err := readFile(o.env.In, o.headers)
	if err != nil {
		return nil, err
	}
	c, err := parseHeader(raw)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", o.headers, err)
	}
	c.body = body
	return c, nil
}

// keys are the source's, or the one of --key-file. A key that the source names but that is not there is part of the
// diagnosis; one that the user may not read is an error.
func (o *verifyOptions) keys(ctx context.Context, source *v1alpha1.RecordingSource) ([]sourceKey, error) {
	if o.keyFile != "" {
		raw, err := readFile(o.env.In, o.keyFile)
		return []sourceKey{{name: "--key-file", raw: raw}}, err
	}
	var keys []sourceKey
	for i, key := range source.Spec.Callback.Keys {
		ref := key.SecretRef
		named := sourceKey{name: fmt.Sprintf("spec.callback.keys[%d] (Secret %s, key %s)", i, ref.Name, ref.Key)}
		raw, err := o.cluster.secretKey(ctx, ref)
		if missing, ok := errors.AsType[*missingError](err); ok {
			named.problem = missing.Error()
		} else if err != nil {
			return nil, fmt.Errorf("spec.callback.keys[%d]: %w; or give the key with --key-file", i, err)
		}
		named.raw = raw
		keys = append(keys, named)
	}
	return keys, nil
}

// write prints the diagnosis for people.
func (d *diagnosis) write(out io.Writer) error {
	w := printers.GetNewTabWriter(out)
	row := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(w, "%s\t%s\n", name, plain(fmt.Sprintf(format, args...)))
	}
	row("SOURCE", "%s", d.Source)
	for _, note := range d.Notes {
		row("NOTE", "%s", note)
	}
	d.Signature.write(row)
	row("TIMESTAMP", "%s", d.Timestamp.String())
	row("BODY", "%s", d.Body.String())
	row("APP", "%s", d.App.String())
	row("RESPONSE", "%d: %s", d.Response.Code, d.Response.Reason)
	return w.Flush()
}

func (s *signatureDiagnosis) write(row func(name, format string, args ...any)) {
	switch {
	case s.Verified:
		row("SIGNATURE", "verified")
	case !s.Needed:
		row("SIGNATURE", "not needed (spec.callback.authentication is None); %s", s.Problem)
	default:
		row("SIGNATURE", "%s", s.Problem)
	}
	for _, key := range s.Keys {
		switch {
		case key.Verifies:
			row("KEY", "%s verifies", key.Name)
		case key.Problem != "":
			row("KEY", "%s is unusable: %s", key.Name, key.Problem)
		default:
			row("KEY", "%s does not verify", key.Name)
		}
		if key.Hints != nil {
			row("HINT", "this key would verify if not: %s", strings.Join(key.Hints, "; and "))
		}
	}
	for _, hint := range s.Hints {
		row("HINT", "%s", hint)
	}
}

// String is for people.
func (t *timestampDiagnosis) String() string {
	if t.SkewSeconds == nil {
		return fmt.Sprintf("%s (policy %s)", t.Problem, t.Policy)
	}
	distance := "now"
	if skew := time.Duration(*t.SkewSeconds) * time.Second; skew < 0 {
		distance = duration.HumanDuration(-skew) + " ago"
	} else if skew > 0 {
		distance = "in " + duration.HumanDuration(skew)
	}
	text := fmt.Sprintf("%s is %s: %s, %s (policy %s)", t.Value, strings.ToLower(string(t.Unit)), t.Time, distance, t.Policy)
	if t.Problem != "" && t.Policy == v1alpha1.TimestampEnforce {
		text += ": " + t.Problem
	}
	return text
}

// String is for people.
func (b *bodyDiagnosis) String() string {
	switch {
	case b.Problem != "":
		return fmt.Sprintf("%d bytes that cannot be decoded: %s", b.Bytes, b.Problem)
	case b.Event == "":
		return fmt.Sprintf("%d bytes without event_type", b.Bytes)
	default:
		return fmt.Sprintf("%d bytes, %s", b.Bytes, b.Event)
	}
}

// String is for people.
func (a *appDiagnosis) String() string {
	switch {
	case a.Problem != "":
		return fmt.Sprintf("%q is refused: spec.appID is %q", a.Sent, a.Wanted)
	case a.Wanted == "":
		return fmt.Sprintf("%q; the source takes any app (no spec.appID)", a.Sent)
	case a.Sent == "":
		return fmt.Sprintf("not named: taken for the source's, %q", a.Wanted)
	default:
		return fmt.Sprintf("%q, the source's", a.Sent)
	}
}
