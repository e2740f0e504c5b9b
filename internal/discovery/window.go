// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"hash/fnv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// The defaults of spec.discovery, which the API server fills in.
const (
	defaultInterval = time.Hour
	defaultMinAge   = 30 * time.Minute
)

const (
	// retryAfter is how soon a scan that failed is tried again, if its interval is not shorter.
	retryAfter = 5 * time.Minute
	// retryPart of the time that a window has grown to by failures: an object that fails for good has the others looked
	// at again and again, but ever more rarely.
	retryPart = 10
)

// Prefix is that of the keys that a source's discovery looks at: the location's folder, and in it discovery's own prefix.
func Prefix(location *v1alpha1.S3Location, spec *v1alpha1.Discovery) string {
	prefix := strings.TrimSuffix(location.Prefix, "/")
	if prefix != "" {
		prefix += "/"
	}
	if spec != nil {
		prefix += spec.Prefix
	}
	return prefix
}

// Window is what the next scan of a source looks at: what was written from the end of the last scan's window up to
// minAge ago. Windows touch and do not overlap, so that each state of an object is looked at by one scan that got to
// its end: nothing is missed, and a RecordingFile that is deleted later does not come back. What makes an object appear
// late in a listing (a long upload, clocks that differ) may take as long as minAge. Times are of whole seconds, like
// those of the status and of HTTP.
func Window(spec *v1alpha1.Discovery, status *v1alpha1.DiscoveryStatus, now time.Time) (from, to time.Time) {
	from, to = reached(status), now.Add(-orDefault(spec.MinAge, defaultMinAge)).Truncate(time.Second)
	if to.Before(from) {
		to = from // nothing is old enough yet
	}
	return from, to
}

// Due is when a source is to be scanned next: an interval after the last time that got to its end, and soon after one that
// failed, the less soon the longer none has succeeded. Sources are spread over a tenth of their interval by their UID, so that those that were made together are
// not scanned together.
func Due(spec *v1alpha1.Discovery, status *v1alpha1.DiscoveryStatus, failed bool, uid types.UID) time.Time {
	interval := orDefault(spec.Interval, defaultInterval)
	due := reached(status).Add(orDefault(spec.MinAge, defaultMinAge) + interval)
	if failed && status.LastTime != nil {
		interval = max(min(retryAfter, interval), status.LastTime.Sub(reached(status))/retryPart)
		due = status.LastTime.Add(interval)
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(uid))                                      // never fails
	return due.Add(time.Duration(hash.Sum64() % uint64(interval/10+1))) //nolint:gosec // less than the interval
}

// reached is the time up to which everything has been looked at.
func reached(status *v1alpha1.DiscoveryStatus) time.Time {
	if status.Through != nil {
		return status.Through.Time
	}
	return status.Since.Time
}

func orDefault(set *metav1.Duration, otherwise time.Duration) time.Duration {
	if set != nil {
		return set.Duration
	}
	return otherwise
}
