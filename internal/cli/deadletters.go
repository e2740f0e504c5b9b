// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/printers"
)

const deadLettersHelp = `A dead letter is a callback that was signed correctly, but could not be decoded, or was refused by the
API server for good. SparkRTC has been answered and will not send it again. Each pod of the operator
keeps the last ones of those that came to it, and tells of them on a port of its loopback alone: who may
create pods/portforward in the operator's namespace may read, replay and delete them.

A letter is named POD/ID, as list prints it.`

const deadLettersExample = `  # What lies there for the sources of a namespace, or of all
  kubectl recordings dead-letters list -n media
  kubectl recordings dead-letters list -A

  # One, with why it is dead; its body alone, byte for byte
  kubectl recordings dead-letters show recording-operator-controller-manager-6d4cf56db6-x2x4v/17
  kubectl recordings dead-letters show recording-operator-controller-manager-6d4cf56db6-x2x4v/17 --body >body.json

  # Try again, after what was wrong has been mended
  kubectl recordings dead-letters replay recording-operator-controller-manager-6d4cf56db6-x2x4v/17
  kubectl recordings dead-letters replay --all -n media`

// letterOptions is what the commands on dead letters share.
type letterOptions struct {
	env    Environment
	access *access
	output *output

	operatorNamespace string
	port              int
	allNamespaces     bool
	cluster           *cluster
	// boxes are those that have been opened, by pod.
	boxes map[string]*letterBox
}

func newDeadLetters(env Environment, a *access) *cobra.Command {
	command := &cobra.Command{
		Use:     "dead-letters",
		Aliases: []string{"dead-letter", "dl"},
		Short:   "List, show, replay and delete callbacks that could not be stored",
		Long:    deadLettersHelp,
		Example: deadLettersExample,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q: use list, show, replay or delete", args[0])
			}
			return nil
		},
		RunE: func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.AddCommand(newListLetters(env, a), newShowLetter(env, a), newReplayLetters(env, a), newDeleteLetters(env, a))
	return command
}

// addFlags adds those that say where the letters are.
func (o *letterOptions) addFlags(command *cobra.Command) {
	addOperatorNamespace(command.Flags(), &o.operatorNamespace)
	command.Flags().IntVar(&o.port, "admin-port", 8092, "port of the manager's --admin-bind-address")
}

// complete connects; every command on dead letters does it first.
func (o *letterOptions) complete(*cobra.Command, []string) error {
	var err error
	o.cluster, err = o.access.connect()
	return err
}

func (o *letterOptions) validate() error { return o.output.validate() }

// pods are those that keep letters: every one of the operator's that runs, ready or not.
func (o *letterOptions) pods(ctx context.Context) ([]corev1.Pod, error) {
	return o.cluster.managers(ctx, o.operatorNamespace)
}

// gather lists the letters that were asked for, of every pod. A pod that does not answer does not hide those of the
// others: both are returned.
func (o *letterOptions) gather(ctx context.Context) ([]letter, error) {
	pods, err := o.pods(ctx)
	if err != nil {
		return nil, err
	}
	letters, problems := []letter{}, []error(nil)
	for i := range pods {
		found, err := o.of(ctx, &pods[i])
		if err != nil {
			problems = append(problems, err)
		}
		letters = append(letters, found...)
	}
	return letters, errors.Join(problems...)
}

// box opens the letterBox of a pod, once. The connections end with the plugin.
func (o *letterOptions) box(pod *corev1.Pod) (*letterBox, error) {
	if box, opened := o.boxes[pod.Name]; opened {
		return box, nil
	}
	box, err := o.cluster.letterBoxOf(pod, o.port)
	if err != nil {
		return nil, err
	}
	if o.boxes == nil {
		o.boxes = map[string]*letterBox{}
	}
	o.boxes[pod.Name] = box
	return box, nil
}

// of lists the letters of one pod.
func (o *letterOptions) of(ctx context.Context, pod *corev1.Pod) ([]letter, error) {
	box, err := o.box(pod)
	if err != nil {
		return nil, err
	}
	letters, err := box.list(ctx)
	if err != nil {
		return nil, o.cluster.explainTunnel(err, o.operatorNamespace)
	}
	return slices.DeleteFunc(letters, func(l letter) bool { return !o.allNamespaces && l.Namespace != o.cluster.namespace }), nil
}

// visit does something with one letter, by its name.
func (o *letterOptions) visit(name string, do func(box *letterBox, id string) error) error {
	podName, id, err := splitLetter(name)
	if err != nil {
		return err
	}
	pod := &corev1.Pod{}
	pod.Namespace, pod.Name = o.operatorNamespace, podName
	box, err := o.box(pod)
	if err != nil {
		return err
	}
	return o.cluster.explainTunnel(do(box, id), o.operatorNamespace)
}

// splitLetter reads POD/ID.
func splitLetter(name string) (pod, id string, err error) {
	pod, id, found := strings.Cut(name, "/")
	if !found || pod == "" || len(content.IsPathSegmentName(pod)) > 0 || id == "" || strings.Contains(id, "/") {
		return "", "", usagef("a dead letter is named POD/ID, as `kubectl recordings dead-letters list` prints it, not %q", name)
	}
	return pod, id, nil
}

// completeLetters completes names of letters, those of every namespace.
func (o *letterOptions) completeLetters(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(command.Context(), completionTimeout)
	defer cancel()
	if o.complete(command, args) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	o.allNamespaces = true
	letters, _ := o.gather(ctx)
	names := make([]string, 0, len(letters))
	for i := range letters {
		if name := letters[i].name(); !slices.Contains(args, name) {
			names = append(names, name+"\t"+plain(letters[i].Reason))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// listLetters is the command `dead-letters list`.
type listLetters struct{ letterOptions }

func newListLetters(env Environment, a *access) *cobra.Command {
	o := &listLetters{letterOptions{env: env, access: a, output: newOutput(env.Out)}}
	command := &cobra.Command{
		Use:               "list",
		Short:             "List dead letters",
		Args:              exactArgs(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              runs(o),
	}
	addAllNamespaces(command, &o.allNamespaces)
	o.addFlags(command)
	o.output.addFlags(command)
	return command
}

func addAllNamespaces(command *cobra.Command, all *bool) {
	command.Flags().BoolVarP(all, "all-namespaces", "A", false, "those of the sources of every namespace")
}

func (o *listLetters) run(ctx context.Context) error {
	letters, problem := o.gather(ctx)
	if letters == nil || len(letters) == 0 && problem != nil && o.output.forPeople() {
		// Who did not answer may have some.
		return problem
	}
	if err := o.print(letters); err != nil {
		return err
	}
	return problem
}

func (o *listLetters) print(letters []letter) error {
	if !o.output.forPeople() {
		return o.output.print("DeadLetterList", struct {
			Items []letter `json:"items"`
		}{letters})
	}
	if len(letters) == 0 {
		where := "namespace " + o.cluster.namespace
		if o.allNamespaces {
			where = "any namespace"
		}
		_, err := fmt.Fprintf(o.env.ErrOut, "No dead letters of sources in %s.\n", where)
		return err
	}
	w := printers.GetNewTabWriter(o.env.Out)
	_, _ = fmt.Fprintln(w, "LETTER\tNAMESPACE\tSOURCE\tEVENT\tBYTES\tAGE\tREASON")
	for i := range letters {
		l := &letters[i]
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", l.name(), l.Namespace, l.Source, plain(orNone(l.EventType)), l.Bytes,
			duration.HumanDuration(o.env.Clock.Since(l.Received)), plain(l.Reason))
	}
	return w.Flush()
}

func orNone(text string) string {
	if text == "" {
		return "<none>"
	}
	return text
}
