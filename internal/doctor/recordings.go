// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	// unfinishedAfter is when a recording that is not done is worth a look.
	unfinishedAfter = 24 * time.Hour
	// settleTime is how long the manager may take to report on an object that is new or changed.
	settleTime = time.Minute
	// defaultInterval is that of spec.discovery.
	defaultInterval = time.Hour
)

// keys looks for callback keys that cannot verify anything.
func keys(s *Snapshot) []Finding {
	findings := unchecked(s.Sources.Err)
	for i := range s.Sources.Value {
		source := &s.Sources.Value[i]
		if source.Spec.Callback.Authentication == v1alpha1.AuthenticationNone {
			findings = append(findings, warningf(sourceName(source),
				fmt.Sprintf("kubectl -n %s explain recordingsource.spec.callback", source.Namespace), "The source accepts callbacks that nobody signed."))
		}
	}
	var unread []error
	for i := range s.Keys {
		key := &s.Keys[i]
		object := "RecordingSource " + key.Source.String()
		field := fmt.Sprintf("spec.callback.keys[%d]", key.Index)
		create := fmt.Sprintf("kubectl -n %s create secret generic %s --from-file=%s=FILE_WITH_THE_KEY", key.Source.Namespace, key.Ref.Name, key.Ref.Key)
		replace := create + " --dry-run=client -o yaml | kubectl apply -f -"
		switch {
		case key.State.Err != nil:
			unread = append(unread, key.State.Err)
		case key.State.Value == KeyNoSecret:
			findings = append(findings, errorf(object, create, "%s: Secret %q not found.", field, key.Ref.Name))
		case key.State.Value == KeyMissing:
			findings = append(findings, errorf(object, replace, "%s: Secret %q has no key %q.", field, key.Ref.Name, key.Ref.Key))
		case key.State.Value == KeyInvalid:
			findings = append(findings, errorf(object, replace, "%s: Secret %q, key %q: %s.", field, key.Ref.Name, key.Ref.Key, key.Problem))
		}
	}
	return append(findings, unchecked(unread...)...)
}

func sourceName(source *v1alpha1.RecordingSource) string {
	return "RecordingSource " + source.Namespace + "/" + source.Name
}

func sources(s *Snapshot) []Finding {
	return readiness(s, "RecordingSource", s.Sources, func(o *v1alpha1.RecordingSource) []metav1.Condition { return o.Status.Conditions })
}

// registration trusts the manager, which compares what the service has every ten minutes.
func registration(s *Snapshot) []Finding {
	findings := unchecked(s.Sources.Err)
	for i := range s.Sources.Value {
		source := &s.Sources.Value[i]
		if source.Spec.Service == nil {
			continue
		}
		condition := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionRegistered)
		switch {
		case condition == nil && s.serverNow().Sub(source.CreationTimestamp.Time) < settleTime:
		case condition == nil:
			findings = append(findings, warningf(sourceName(source), describeSource(source), "The manager has not registered the callback: does it run, and work in namespace %s?", source.Namespace))
		case condition.Status != metav1.ConditionTrue:
			findings = append(findings, errorf(sourceName(source), describeSource(source), "The callback is not registered, %s: %s", condition.Reason, condition.Message))
		}
	}
	return findings
}

func describeSource(source *v1alpha1.RecordingSource) string {
	return fmt.Sprintf("kubectl -n %s describe recordingsource %s", source.Namespace, source.Name)
}

// storage trusts the manager, which connects to each location from time to time.
func storage(s *Snapshot) []Finding {
	return readiness(s, "StorageLocation", s.Locations, func(o *v1alpha1.StorageLocation) []metav1.Condition { return o.Status.Conditions })
}

func pipelines(s *Snapshot) []Finding {
	return readiness(s, "RecordingPipeline", s.Pipelines, func(o *v1alpha1.RecordingPipeline) []metav1.Condition { return o.Status.Conditions })
}

// readiness looks at what the manager says of the objects of a kind.
func readiness[T any, O interface {
	*T
	metav1.Object
}](s *Snapshot, kind string, objects Read[[]T], conditions func(O) []metav1.Condition) []Finding {
	findings := unchecked(objects.Err)
	for i := range objects.Value {
		object := O(&objects.Value[i])
		findings = append(findings, s.ready(kind, object, conditions(object))...)
	}
	return findings
}

// ready reads the Ready condition of an object. One that the manager has not looked at for a minute is worth a warning.
func (s *Snapshot) ready(kind string, o metav1.Object, conditions []metav1.Condition) []Finding {
	object := kind + " " + o.GetNamespace() + "/" + o.GetName()
	fix := fmt.Sprintf("kubectl -n %s describe %s %s", o.GetNamespace(), strings.ToLower(kind), o.GetName())
	condition := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	switch {
	case condition == nil:
		if s.serverNow().Sub(o.GetCreationTimestamp().Time) < settleTime {
			return nil
		}
		return []Finding{warningf(object, fix, "The manager has not looked at it: does it run, and work in namespace %s?", o.GetNamespace())}
	case condition.Status == metav1.ConditionTrue:
		return nil
	case condition.Status == metav1.ConditionUnknown:
		return []Finding{warningf(object, fix, "%s: %s", condition.Reason, condition.Message)}
	default:
		return []Finding{errorf(object, fix, "%s: %s", condition.Reason, condition.Message)}
	}
}

// discovered looks for buckets that are to be searched and are not.
func discovered(s *Snapshot) []Finding {
	findings := unchecked(s.Sources.Err)
	for i := range s.Sources.Value {
		source := &s.Sources.Value[i]
		if source.Spec.Discovery == nil {
			continue
		}
		interval := defaultInterval
		if source.Spec.Discovery.Interval != nil {
			interval = source.Spec.Discovery.Interval.Duration
		}
		fix := describeSource(source)
		// The time of the last scan, or of when the first could have begun.
		last := source.CreationTimestamp.Time
		if source.Status.Discovery != nil {
			last = source.Status.Discovery.Since.Time
			if source.Status.Discovery.LastTime != nil {
				last = source.Status.Discovery.LastTime.Time
			}
		}
		condition := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionDiscovered)
		switch age := s.serverNow().Sub(last); {
		case condition != nil && condition.Status == metav1.ConditionFalse:
			findings = append(findings, warningf(sourceName(source), fix, "Discovery fails, %s: %s", condition.Reason, condition.Message))
		case age > 3*interval+settleTime:
			findings = append(findings, warningf(sourceName(source), fix, "The bucket was searched %s ago, and is to be searched every %s.", ago(age), ago(interval)))
		}
	}
	return findings
}

// unfinished looks for recordings that are not done after a day, and groups them by their state.
func unfinished(s *Snapshot) []Finding {
	findings := unchecked(s.Unfinished.Err)
	type old struct {
		count  int
		oldest *v1alpha1.RecordingFile
	}
	byReason := map[string]old{}
	for i := range s.Unfinished.Value {
		file := &s.Unfinished.Value[i]
		reason := v1alpha1.ReasonPending
		if ready := meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
			reason = ready.Reason
		}
		// A suspended file waits because a person wants it to.
		if reason == v1alpha1.ReasonSuspended || s.serverNow().Sub(file.CreationTimestamp.Time) < unfinishedAfter {
			continue
		}
		group := byReason[reason]
		group.count++
		if group.oldest == nil || file.CreationTimestamp.Before(&group.oldest.CreationTimestamp) {
			group.oldest = file
		}
		byReason[reason] = group
	}
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		group := byReason[reason]
		age := s.serverNow().Sub(group.oldest.CreationTimestamp.Time)
		findings = append(findings, warningf("RecordingFile "+group.oldest.Namespace+"/"+group.oldest.Name,
			fmt.Sprintf("kubectl recordings -n %s tree %s", group.oldest.Namespace, group.oldest.Name),
			"%s for more than a day: %d recordings. This is the oldest; it was created %s ago.", reason, group.count, ago(age)))
	}
	return findings
}

// rejected looks for callbacks that were kept for a person.
func rejected(s *Snapshot) []Finding {
	findings := unchecked(s.Rejected.Err)
	for _, source := range slices.SortedFunc(maps.Keys(s.Rejected.Value), func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) }) {
		findings = append(findings, warningf("RecordingSource "+source.String(), fmt.Sprintf("kubectl -n %s get rejectedcallbacks -o wide", source.Namespace),
			"%d signed callbacks could not be stored, and wait for a person.", s.Rejected.Value[source]))
	}
	return findings
}
