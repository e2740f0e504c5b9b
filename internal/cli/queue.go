// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/describe"
	"sparkrtc.dev/recording-operator/internal/scheduler"
)

const queueHelp = `Show the recordings that wait for a limit, in the order in which they start, and then those that wait for a person.

A step that could start waits while as many Jobs run as one of these allows: the manager's --max-active
and --max-active-per-namespace, spec.concurrency of its RecordingSource, spec.concurrency of its
RecordingPipeline; or until Kueue starts its Job, when the pipeline has a queueName. WAITING FOR names
the limit that it met.

Namespaces take turns, and so do the sources of a namespace. POSITION is the place among the recordings
of the same source. The greater priority comes first, and ten minutes of age are worth one: spec.priority
is 0 by default, and -10 for recordings that were discovered or written by hand. What cannot start holds
up nothing behind it, so that a recording of another pipeline may overtake.

A step of kind approve waits for a person, and has no position: WAITING FOR says what to decide, and how.

Positions are computed when you ask. You need the right to list recordingfiles.`

const queueExample = `  kubectl recordings queue
  kubectl recordings queue --all-namespaces
  kubectl recordings queue --source classroom --pipeline lecture

  # Have one of them start first, and the others of a source not at all
  kubectl patch recordingfile camera-zudpi4yqjspvcmd6 --type merge -p '{"spec":{"priority":100}}'
  kubectl recordings suspend $(kubectl recordings queue --source classroom -o name)`

// notDone selects the files that may wait.
var notDone = fields.OneTermNotEqualSelector("status.done", "true")

// queueOptions is the command `queue`.
type queueOptions struct {
	env     Environment
	access  *access
	cluster *cluster
	output  *output

	selector, source, pipeline string
	allNamespaces              bool
	chosen                     labels.Selector
}

func newQueue(env Environment, a *access) *cobra.Command {
	o := &queueOptions{env: env, access: a, output: newObjectOutput(env.Out)}
	command := &cobra.Command{
		Use:                   "queue [flags]",
		DisableFlagsInUseLine: true,
		Short:                 "Show the recordings that wait for a limit or for a person",
		Long:                  queueHelp,
		Example:               queueExample,
		Args:                  exactArgs(),
		ValidArgsFunction:     cobra.NoFileCompletions,
		RunE:                  runs(o),
	}
	flags := command.Flags()
	flags.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "the recordings of all namespaces")
	flags.StringVarP(&o.selector, "selector", "l", "", "the recordings with these labels")
	flags.StringVar(&o.source, "source", "", "the recordings of this RecordingSource")
	flags.StringVar(&o.pipeline, "pipeline", "", "the recordings of this RecordingPipeline")
	o.output.addFlags(command)
	_ = command.RegisterFlagCompletionFunc("source", completeNames(a.sources))
	_ = command.RegisterFlagCompletionFunc("pipeline", completeNames(a.pipelines))
	return command
}

func (o *queueOptions) complete(*cobra.Command, []string) error {
	var err error
	if o.chosen, err = parseSelector(o.selector); err != nil {
		return err
	}
	o.cluster, err = o.access.connect()
	return err
}

func (o *queueOptions) validate() error { return o.output.validate() }

// queued is a file that waits, for what and since when, and its place among those of its source; 0: it waits for a person.
type queued struct {
	*v1alpha1.RecordingFile
	position   int
	waitingFor string
	since      metav1.Time
}

// waitsOf are the rows of a file: for a limit, and for each step that waits for a person.
func waitsOf(file *v1alpha1.RecordingFile) []queued {
	var rows []queued
	if queue := file.Status.Queue; queue != nil {
		rows = append(rows, queued{RecordingFile: file, position: 1, waitingFor: queue.WaitingFor, since: queue.Since})
	}
	for i := range file.Status.Steps {
		step := &file.Status.Steps[i]
		if !describe.AsksPerson(step) {
			continue
		}
		row := queued{RecordingFile: file, waitingFor: fmt.Sprintf("step %s: %s", step.Name, step.Message)}
		if step.StartTime != nil {
			row.since = *step.StartTime
		}
		rows = append(rows, row)
	}
	return rows
}

func (o *queueOptions) run(ctx context.Context) error {
	waiting, err := o.waiting(ctx)
	if err != nil {
		return err
	}
	switch {
	case !o.output.forPeople():
		return o.printObjects(waiting)
	case len(waiting) == 0:
		_, err := fmt.Fprintln(o.env.ErrOut, "no RecordingFile waits for a limit or for a person")
		return err
	}
	return o.printTable(waiting)
}

// waiting are the files that wait and were asked for, in their order. Their positions count all that wait.
func (o *queueOptions) waiting(ctx context.Context) ([]queued, error) {
	namespace := o.cluster.namespace
	if o.allNamespaces {
		namespace = metav1.NamespaceAll
	}
	var waiting []queued
	list := &v1alpha1.RecordingFileList{}
	for {
		options := []client.ListOption{client.InNamespace(namespace), client.MatchingFieldsSelector{Selector: notDone}, client.Limit(500), client.Continue(list.Continue)}
		if err := o.cluster.List(ctx, list, options...); err != nil {
			return nil, o.cluster.explain(err, "list", "recordingfiles."+v1alpha1.GroupVersion.Group, namespace)
		}
		for i := range list.Items {
			waiting = append(waiting, waitsOf(list.Items[i].DeepCopy())...)
		}
		if list.Continue == "" {
			break
		}
	}
	slices.SortFunc(waiting, func(a, b queued) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(b.position, a.position), cmp.Compare(a.Spec.SourceRef.Name, b.Spec.SourceRef.Name),
			scheduler.Compare(scheduler.OrderOf(a.RecordingFile), scheduler.OrderOf(b.RecordingFile)))
	})
	for i := range waiting {
		if i > 0 && waiting[i].position > 0 && waiting[i-1].Namespace == waiting[i].Namespace && waiting[i-1].Spec.SourceRef == waiting[i].Spec.SourceRef {
			waiting[i].position = waiting[i-1].position + 1
		}
	}
	return slices.DeleteFunc(waiting, func(file queued) bool { return !o.asksFor(file.RecordingFile) }), nil
}

func (o *queueOptions) asksFor(file *v1alpha1.RecordingFile) bool {
	return (o.source == "" || o.source == file.Spec.SourceRef.Name) && (o.pipeline == "" || o.pipeline == pipelineOf(file)) &&
		o.chosen.Matches(labels.Set(file.Labels))
}

// pipelineOf is the name of the pipeline that a file is processed with; empty: none was chosen.
func pipelineOf(file *v1alpha1.RecordingFile) string {
	if file.Status.Pipeline == nil {
		return ""
	}
	return file.Status.Pipeline.Name
}

func (o *queueOptions) printTable(waiting []queued) error {
	table := printers.GetNewTabWriter(o.env.Out)
	prefix := func(namespace string) string {
		if o.allNamespaces {
			return namespace + "\t"
		}
		return ""
	}
	_, _ = fmt.Fprintln(table, prefix("NAMESPACE")+"SOURCE\tPOSITION\tNAME\tPIPELINE\tPRIORITY\tWAITS\tWAITING FOR")
	for _, file := range waiting {
		since := duration.HumanDuration(max(o.env.Clock.Since(file.since.Time), time.Duration(0)))
		position := "-"
		if file.position > 0 {
			position = strconv.Itoa(file.position)
		}
		_, _ = fmt.Fprintf(table, "%s%s\t%s\t%s\t%s\t%d\t%s\t%s\n", prefix(file.Namespace), plain(file.Spec.SourceRef.Name), position, file.Name,
			plain(pipelineOf(file.RecordingFile)), file.EffectivePriority(), since, plain(file.waitingFor))
	}
	return table.Flush()
}

// printObjects prints the files themselves, each once, as kubectl get does.
func (o *queueOptions) printObjects(waiting []queued) error {
	list := &v1alpha1.RecordingFileList{}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("RecordingFileList"))
	files := make([]runtime.Object, 0, len(waiting))
	for i, file := range waiting {
		if slices.ContainsFunc(waiting[:i], func(before queued) bool { return before.RecordingFile == file.RecordingFile }) {
			continue
		}
		file.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("RecordingFile"))
		list.Items = append(list.Items, *file.RecordingFile)
		files = append(files, file.RecordingFile)
	}
	return o.output.printObjects(list, files)
}
