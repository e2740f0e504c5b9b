// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/printers"
)

// showLetter is the command `dead-letters show`.
type showLetter struct {
	letterOptions
	name string
	body bool
}

func newShowLetter(env Environment, a *access) *cobra.Command {
	o := &showLetter{letterOptions: letterOptions{env: env, access: a, output: newOutput(env.Out)}}
	command := &cobra.Command{
		Use:   "show POD/ID",
		Short: "Show a dead letter with its body",
		Args:  exactArgs(1),
		ValidArgsFunction: func(command *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return o.completeLetters(command, args, typed)
		},
		RunE: runs(o),
	}
	command.Flags().BoolVar(&o.body, "body", false, "print the body alone, byte for byte")
	o.addFlags(command)
	o.output.addFlags(command)
	return command
}

func (o *showLetter) complete(command *cobra.Command, args []string) error {
	o.name = args[0]
	return o.letterOptions.complete(command, args)
}

func (o *showLetter) validate() error {
	if o.body && !o.output.forPeople() {
		return usagef("give --body or -o, not both")
	}
	return o.letterOptions.validate()
}

func (o *showLetter) run(ctx context.Context) error {
	var l *letter
	err := o.visit(o.name, func(box *letterBox, id string) (err error) {
		l, err = box.get(ctx, id)
		return err
	})
	if err != nil {
		return err
	}
	if !o.output.forPeople() {
		return o.output.print("DeadLetter", l)
	}
	body, err := l.raw()
	if err != nil {
		return err
	}
	if o.body {
		_, err = o.env.Out.Write(body)
		return err
	}
	w := printers.GetNewTabWriter(o.env.Out)
	for _, row := range [][2]string{
		{"Letter", l.name()}, {"Source", l.Namespace + "/" + l.Source}, {"Received", l.Received.UTC().Format(time.RFC3339)},
		{"Event", orNone(l.EventType)}, {"Reason", l.Reason}, {"Bytes", fmt.Sprint(l.Bytes)}, {"Body", string(body)},
	} {
		_, _ = fmt.Fprintf(w, "%s:\t%s\n", row[0], plain(row[1]))
	}
	return w.Flush()
}

// replayLetters is the command `dead-letters replay`.
type replayLetters struct {
	letterOptions
	names []string
	all   bool
}

func newReplayLetters(env Environment, a *access) *cobra.Command {
	o := &replayLetters{letterOptions: letterOptions{env: env, access: a, output: newOutput(env.Out)}}
	command := &cobra.Command{
		Use:   "replay (POD/ID... | --all)",
		Short: "Decode and store dead letters again",
		Long: `Decode dead letters again and store what they say, as if they came now. What could be stored is no
dead letter any more; what is still refused stays one.

The exit code is 3 when a letter is still refused, and 4 when the operator cannot reach the API server.`,
		ValidArgsFunction: o.completeLetters,
		RunE:              runs(o),
	}
	command.Flags().BoolVar(&o.all, "all", false, "all of the sources of the namespace, or with -A of every namespace")
	addAllNamespaces(command, &o.allNamespaces)
	o.addFlags(command)
	o.output.addFlags(command)
	return command
}

func (o *replayLetters) complete(command *cobra.Command, args []string) error {
	o.names = args
	return o.letterOptions.complete(command, args)
}

func (o *replayLetters) validate() error {
	if o.all == (len(o.names) > 0) {
		return usagef("name the letters, or give --all")
	}
	return o.letterOptions.validate()
}

func (o *replayLetters) run(ctx context.Context) error {
	var problem error
	if o.all {
		var letters []letter
		letters, problem = o.gather(ctx)
		for i := range letters {
			o.names = append(o.names, letters[i].name())
		}
	}
	results := []replayed{}
	for i, name := range o.names {
		if err := ctx.Err(); err != nil {
			// What was replayed until now is told all the same.
			problem = worse(problem, err)
			break
		}
		if len(o.names) > 1 {
			_, _ = fmt.Fprintf(o.env.ErrOut, "%d of %d: %s\n", i+1, len(o.names), name)
		}
		result, err := o.replay(ctx, name)
		if err != nil {
			problem = worse(problem, err)
		}
		results = append(results, result)
	}
	if err := o.print(results); err != nil {
		return err
	}
	return problem
}

// replay tries one letter again. The result tells of the error too.
func (o *replayLetters) replay(ctx context.Context, name string) (replayed, error) {
	var result *replayed
	err := o.visit(name, func(box *letterBox, id string) (err error) {
		result, err = box.replay(ctx, id)
		return err
	})
	if err != nil {
		pod, id, _ := splitLetter(name)
		return replayed{Pod: pod, ID: id, Problem: err.Error()}, fmt.Errorf("dead letter %s: %w", name, err)
	}
	return *result, nil
}

// worse keeps both errors; the exit code is that of the first one that is final.
func worse(first, second error) error {
	first, second = failed(first), failed(second)
	if exit, ok := errors.AsType[*exitError](first); ok && exit.code == ExitNotNow {
		return errors.Join(second, first)
	}
	return errors.Join(first, second)
}

func (o *replayLetters) print(results []replayed) error {
	if !o.output.forPeople() {
		return o.output.print("DeadLetterReplayList", struct {
			Items []replayed `json:"items"`
		}{results})
	}
	for _, r := range results {
		if r.Problem != "" {
			continue
		}
		text := r.Pod + "/" + r.ID + ": " + plain(r.Outcome)
		if r.File != "" {
			text += ", recordingfile " + plain(r.File)
		}
		if _, err := fmt.Fprintln(o.env.Out, text); err != nil {
			return err
		}
	}
	return nil
}

// deleteLetters is the command `dead-letters delete`.
type deleteLetters struct {
	letterOptions
	names []string
}

func newDeleteLetters(env Environment, a *access) *cobra.Command {
	o := &deleteLetters{letterOptions: letterOptions{env: env, access: a, output: newOutput(env.Out)}}
	command := &cobra.Command{
		Use:   "delete POD/ID...",
		Short: "Delete dead letters; what they say is lost",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("name the letters")
			}
			return nil
		},
		ValidArgsFunction: o.completeLetters,
		RunE:              runs(o),
	}
	o.addFlags(command)
	return command
}

func (o *deleteLetters) complete(command *cobra.Command, args []string) error {
	o.names = args
	return o.letterOptions.complete(command, args)
}

func (o *deleteLetters) run(ctx context.Context) error {
	var problem error
	for _, name := range o.names {
		err := o.visit(name, func(box *letterBox, id string) error { return box.delete(ctx, id) })
		if err != nil {
			problem = worse(problem, fmt.Errorf("dead letter %s: %w", name, err))
			continue
		}
		if _, err := fmt.Fprintln(o.env.Out, name+" deleted"); err != nil {
			return err
		}
	}
	return problem
}
