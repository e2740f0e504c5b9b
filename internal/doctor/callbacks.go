// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// skewWarning and skewError are how far two clocks may be apart. The tolerance of timestamps is 15 minutes by default.
	skewWarning = 30 * time.Second
	skewError   = 5 * time.Minute
	// slowAnswer is what SparkRTC may not wait for.
	slowAnswer = 2 * time.Second
)

// showIngresses shows what stands between the public URL and the Service, where nothing else does.
const showIngresses = "kubectl get ingress -A"

func serviceCallbacks(s *Snapshot) []Finding {
	fix := s.receiverLogs()
	if receiver := s.workload(Receiver); receiver != nil && receiver.Ready > 0 {
		fix = applyOperator // they run, so the Service does not lead to them
	}
	return callbacks(s, s.ServiceCallbacks, fix)
}

func urlCallbacks(s *Snapshot) []Finding { return callbacks(s, s.URLCallbacks, showIngresses) }

// callbacks reads what signed callbacks that store nothing were answered. Those that a receiver did not answer have the fix unanswered.
func callbacks(s *Snapshot, sent []Callback, unanswered string) []Finding {
	findings := unchecked(s.Sources.Err)
	var unread []error
	for i := range sent {
		c := &sent[i]
		if _, notSent := errors.AsType[*UnreadError](c.Err); notSent {
			unread = append(unread, c.Err)
			continue
		}
		if problem, fix := s.refused(c, unanswered); problem != "" {
			findings = append(findings, errorf("RecordingSource "+c.Source.String(), fix, "%s: %s", c.Target, problem))
		} else if c.Took > slowAnswer {
			findings = append(findings, warningf("RecordingSource "+c.Source.String(), fmt.Sprintf("kubectl -n %s top pods", s.OperatorNamespace),
				"%s: the answer took %s.", c.Target, c.Took.Round(100*time.Millisecond)))
		}
	}
	return append(findings, unchecked(unread...)...)
}

// refused says why a callback was not accepted, and what to do; empty when it was.
func (s *Snapshot) refused(c *Callback, unanswered string) (problem, fix string) {
	logs := s.receiverLogs()
	describe := fmt.Sprintf("kubectl -n %s describe recordingsource %s", c.Source.Namespace, c.Source.Name)
	switch {
	case c.Err != nil:
		return fmt.Sprintf("a signed callback gets no answer: %v", c.Err), unanswered
	case !c.Operator:
		return fmt.Sprintf("it is not the operator that answers there (code %d): SparkRTC's callbacks are lost", c.Code), unanswered
	case c.Code == http.StatusOK:
		return "", ""
	case c.Code == http.StatusUnauthorized:
		return "the receiver refuses what a key of the source signed (401): it has not read the key or the source yet, or a proxy changes the request", describe
	case c.Code >= http.StatusInternalServerError:
		return fmt.Sprintf("the receiver cannot take callbacks now (%d): %s", c.Code, c.Result), logs
	default:
		return fmt.Sprintf("the receiver answers %d: %s", c.Code, c.Result), logs
	}
}

func (s *Snapshot) receiverLogs() string {
	return fmt.Sprintf("kubectl -n %s logs -l app.kubernetes.io/component=receiver --prefix --tail=20", s.OperatorNamespace)
}

// clock compares this machine's clock with those of the API server and of whatever answered callbacks.
func clock(s *Snapshot) []Finding {
	if s.Server.Err != nil {
		return unchecked(s.Server.Err)
	}
	if found := skewed("The API server's clock", s.Server.Value.Skew); found != nil {
		return found // one of the two is wrong, and the receivers' clocks are compared with the same one
	}
	for _, c := range s.ServiceCallbacks {
		if c.Skew == nil {
			continue
		}
		if found := skewed("A receiver's clock", *c.Skew); found != nil {
			return found
		}
	}
	return nil
}

func skewed(whose string, skew time.Duration) []Finding {
	const fix = "timedatectl status"
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	const format = "%s is %s %s this machine's. Times of callbacks and recordings are wrong where the clock is."
	switch {
	case skew.Abs() >= skewError:
		return []Finding{errorf("", fix, format, whose, ago(skew.Abs()), direction)}
	case skew.Abs() >= skewWarning:
		return []Finding{warningf("", fix, format, whose, ago(skew.Abs()), direction)}
	default:
		return nil
	}
}

// Metrics that the check of the spool reads.
const (
	metricSpoolEvents   = "recording_spool_events"
	metricSpoolBreaker  = "recording_spool_breaker_open"
	metricSpoolCorrupt  = "recording_spool_corrupt_records_total"
	metricSpoolSegments = "recording_spool_segments"
)

// spoolHalf is half of the segments of the default --spool-max-bytes.
const spoolHalf = 32

// spool looks for callbacks that wait on the disks of receivers, or were lost there.
func spool(s *Snapshot) []Finding {
	findings := unchecked(s.Metrics.Err)
	var unread []error
	for _, pod := range s.Metrics.Value {
		object := "Pod " + s.OperatorNamespace + "/" + pod.Pod
		logs := fmt.Sprintf("kubectl -n %s logs %s", s.OperatorNamespace, pod.Pod)
		events, has := pod.Values[metricSpoolEvents]
		switch {
		case pod.Err != nil:
			unread = append(unread, pod.Err)
		case !has:
			findings = append(findings, warningf(object, fmt.Sprintf("kubectl -n %s get pod %s -o yaml", s.OperatorNamespace, pod.Pod),
				"The receiver has no spool (--spool-dir): callbacks are refused while the API server is away."))
		case pod.Values[metricSpoolCorrupt] > 0:
			findings = append(findings, errorf(object, logs, "%.0f callbacks could not be read from the disk, and are lost.", pod.Values[metricSpoolCorrupt]))
		case pod.Values[metricSpoolBreaker] > 0:
			findings = append(findings, errorf(object, logs, "The receiver cannot reach the API server; %.0f callbacks wait on its disk.", events))
		case pod.Values[metricSpoolSegments] > spoolHalf:
			findings = append(findings, errorf(object, logs, "The spool is more than half full: %.0f callbacks wait.", events))
		case events > 0:
			findings = append(findings, warningf(object, logs, "%.0f callbacks wait on the disk for the API server.", events))
		}
	}
	return append(findings, unchecked(unread...)...)
}
