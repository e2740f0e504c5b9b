// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/cli-runtime/pkg/genericclioptions"
)

// dataVersion is the version of what -o prints that is no object of the cluster. Fields are added, not changed.
const dataVersion = "kubectl.recording.sparkrtc.dev/v1alpha1"

// output prints what a command found: for people, or with -o for programs.
type output struct {
	flags *genericclioptions.PrintFlags
	out   io.Writer
}

func newOutput(out io.Writer) *output {
	made := newObjectOutput(out)
	// Data has no name to print.
	made.flags.NamePrintFlags = nil
	return made
}

// newObjectOutput prints objects of the cluster, which have names.
func newObjectOutput(out io.Writer) *output {
	return &output{flags: genericclioptions.NewPrintFlags(""), out: out}
}

func (o *output) addFlags(command *cobra.Command) {
	o.flags.AddFlags(command)
	_ = command.Flags().MarkHidden("show-managed-fields")
	_ = command.Flags().MarkHidden("allow-missing-template-keys")
	_ = command.RegisterFlagCompletionFunc("output", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return o.flags.AllowedFormats(), cobra.ShellCompDirectiveNoFileComp
	})
}

// forPeople says that no format was asked for.
func (o *output) forPeople() bool {
	return *o.flags.OutputFormat == "" && *o.flags.TemplatePrinterFlags.TemplateArgument == ""
}

// validate finds formats that do not exist.
func (o *output) validate() error {
	if o.forPeople() {
		return nil
	}
	if _, err := o.flags.ToPrinter(); err != nil {
		return usagef("%w", err)
	}
	return nil
}

// print prints data in the format that was asked for, as an object of the given kind.
func (o *output) print(kind string, data any) error {
	printer, err := o.flags.ToPrinter()
	if err != nil {
		return usagef("%w", err)
	}
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	object := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal(text, &object.Object); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	object.SetAPIVersion(dataVersion)
	object.SetKind(kind)
	if err := printer.PrintObj(object, o.out); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// printObjects prints a list in the format that was asked for; with -o name the items, since a list has no name.
func (o *output) printObjects(list runtime.Object, items []runtime.Object) error {
	printer, err := o.flags.ToPrinter()
	if err != nil {
		return usagef("%w", err)
	}
	if *o.flags.OutputFormat != "name" {
		items = []runtime.Object{list}
	}
	for _, item := range items {
		if err := printer.PrintObj(item, o.out); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return nil
}

// plain makes untrusted text harmless for a terminal: what cannot be printed is escaped.
func plain(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return text
	}
	quoted := fmt.Sprintf("%+q", text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// plainLines is plain for a text of several lines, such as several errors. Line breaks and tabs stay.
func plainLines(text string) string {
	var escaped strings.Builder
	for text != "" {
		end := strings.IndexAny(text, "\n\t")
		if end < 0 {
			return escaped.String() + plain(text)
		}
		escaped.WriteString(plain(text[:end]) + text[end:end+1])
		text = text[end+1:]
	}
	return escaped.String()
}
