// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/rtcapi"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const (
	// checkInterval is how often what is registered is compared.
	checkInterval = 10 * time.Minute
	// settleTime is how long the next key is in its Secret before it is registered. Receivers look once a minute for sources
	// whose keys rotate, and read them within seconds.
	settleTime = 3 * time.Minute
	// overlapTime is how long the old key verifies after the first callback of the next one: for callbacks that were signed
	// before, and are sent again.
	overlapTime = 10 * time.Minute
)

// action is what a decision asks for. There is at most one, and each leaves a state from which the next decision goes on.
type action int

const (
	// nothing is to be done.
	nothing action = iota
	// register registers decision.callback with the service.
	register
	// beginRotation writes a next key into the Secret.
	beginRotation
	// endRotation has the next key replace the current one in the Secret.
	endRotation
)

// observation is all that a decision depends on.
type observation struct {
	source *v1alpha1.RecordingSource
	// current is the key of the source, and next the one that is to replace it; its zero value: there is none.
	current, next sparkrtc.Key
	rotating      bool
	credentials   rtcapi.Credentials
	// shown is what the service has.
	shown rtcapi.Callback
	// elsewhere says that shown is the callback of a source of another namespace, which registers the app too.
	elsewhere bool
	// used says that a callback was seen which the next key signed.
	used bool
	now  time.Time
}

// decision is what follows from an observation.
type decision struct {
	action   action
	callback rtcapi.Callback
	// found and status are what the source's status says once the action has succeeded.
	found  finding
	status v1alpha1.RegistrationStatus
	// wait is how long it is until the next look.
	wait time.Duration
}

// decide is pure. How far a rotation is follows from the Secret, the service and the times in the status: whatever step was
// cut off is done again, and a step that was done without its status being written is found done.
func decide(o observation) decision {
	d := decision{action: nothing, status: o.status(), wait: checkInterval}
	want := o.want(&d.status)
	known := d.status.AppID == o.source.Spec.AppID
	switch {
	case same(o.shown, want):
		o.recordRegistered(&d, want)
		o.rotate(&d, want)
	case !known || o.isLast(&d.status):
		o.registerNow(&d, want)
	case o.elsewhere: // that one would take it back, and so on
		d.found = problem(v1alpha1.ReasonDrifted,
			"spec.appID: a RecordingSource of another namespace has registered this app since, and an app has one callback URL; remove spec.service from one of the two")
	case o.source.Spec.Service.OnDrift == v1alpha1.OnDriftRepair:
		o.registerNow(&d, want)
	default:
		d.found = problem(v1alpha1.ReasonDrifted, "the service has another %s than the operator registered; change it back, or set spec.service.onDrift to Repair",
			strings.Join(differences(o.shown, want), " and another "))
	}
	return d
}

// status is the source's, with the rotation that the Secret shows.
func (o *observation) status() v1alpha1.RegistrationStatus {
	var status v1alpha1.RegistrationStatus
	if was := o.source.Status.Registration; was != nil {
		status = *was.DeepCopy()
	}
	switch {
	case !o.rotating:
		status.Rotation = nil
	case status.Rotation == nil || o.nextReplaced(&status):
		o.started(&status)
	}
	return status
}

// nextReplaced says that a person replaced the next key after it was registered. Receivers have to read the replacement first,
// so the rotation begins again.
func (o *observation) nextReplaced(status *v1alpha1.RegistrationStatus) bool {
	return status.Rotation.RegisteredTime != nil && o.isLast(status) && o.shown.Key != rtcapi.Key(o.next.Text())
}

// started notes that the next key is in the Secret now.
func (o *observation) started(status *v1alpha1.RegistrationStatus) {
	status.Rotation = &v1alpha1.KeyRotation{StartTime: metav1.NewTime(o.now)}
	status.RotateKey = o.source.Spec.Service.RotateKey
}

// want is what the service should have.
func (o *observation) want(status *v1alpha1.RegistrationStatus) rtcapi.Callback {
	key := o.current
	if rotation := status.Rotation; rotation != nil && (rotation.RegisteredTime != nil || !o.now.Before(rotation.StartTime.Add(settleTime))) {
		key = o.next
	}
	return rtcapi.Callback{URL: callbackURL(o.source), Key: rtcapi.Key(key.Text())}
}

// callbackURL is where SparkRTC is to call the source: its own path, whatever publicURL says.
func callbackURL(source *v1alpha1.RecordingSource) string {
	return strings.TrimSuffix(source.Spec.Service.PublicURL, "/") + sparkrtc.Path(source.Namespace, source.Name)
}

// isLast says whether the service has what the operator registered last, so that only the operator's own wish has changed.
func (o *observation) isLast(status *v1alpha1.RegistrationStatus) bool {
	return status.URL == o.shown.URL && hmac.Equal([]byte(status.Fingerprint), []byte(o.fingerprint(o.shown.Key)))
}

// fingerprint tells a key from others, and nothing else to who does not have the secret access key.
func (o *observation) fingerprint(key rtcapi.Key) string {
	mac := hmac.New(sha256.New, []byte(o.credentials.SecretAccessKey))
	_, _ = mac.Write([]byte("recording-operator fingerprint\x00" + string(key))) // a hash never fails to write
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// registerNow decides to register a callback.
func (o *observation) registerNow(d *decision, want rtcapi.Callback) {
	d.action, d.callback = register, want
	if d.status.AppID != o.source.Spec.AppID || d.status.Fingerprint != o.fingerprint(want.Key) {
		d.status.KeyTime = nil
	}
	o.recordRegistered(d, want)
	d.wait = o.untilNext(&d.status)
}

// recordRegistered notes that the service has a callback.
func (o *observation) recordRegistered(d *decision, is rtcapi.Callback) {
	now := metav1.NewTime(o.now)
	d.status.AppID, d.status.URL, d.status.Fingerprint = o.source.Spec.AppID, is.URL, o.fingerprint(is.Key)
	if rotation := d.status.Rotation; rotation != nil && rotation.RegisteredTime == nil && is.Key == rtcapi.Key(o.next.Text()) {
		rotation.RegisteredTime, d.status.KeyTime = &now, &now
	}
	if d.status.KeyTime == nil {
		d.status.KeyTime = &now
	}
	d.found = registered(d.status.Rotation)
}

// rotate decides what a rotation needs next, while the service has what it should have.
func (o *observation) rotate(d *decision, is rtcapi.Callback) {
	rotation, now := d.status.Rotation, metav1.NewTime(o.now)
	switch {
	case rotation == nil && o.due(&d.status):
		d.action = beginRotation
		o.started(&d.status)
	case rotation == nil || is.Key != rtcapi.Key(o.next.Text()):
	case rotation.UsedTime == nil && o.used:
		rotation.UsedTime = &now
	case rotation.UsedTime != nil && !o.now.Before(rotation.UsedTime.Add(overlapTime)):
		d.action, d.status.Rotation = endRotation, nil
	}
	d.found = registered(d.status.Rotation)
	d.wait = o.untilNext(&d.status)
}

// due says whether a rotation is to begin.
func (o *observation) due(status *v1alpha1.RegistrationStatus) bool {
	service := o.source.Spec.Service
	if service.RotateKey != "" && service.RotateKey != status.RotateKey {
		return true
	}
	return service.RotateAfter != nil && !o.now.Before(status.KeyTime.Add(service.RotateAfter.Duration))
}

// untilNext is how long it is until the time alone makes a difference, at most checkInterval.
func (o *observation) untilNext(status *v1alpha1.RegistrationStatus) time.Duration {
	at := o.now.Add(checkInterval)
	earlier := func(other time.Time) {
		if other.Before(at) {
			at = other
		}
	}
	switch rotation := status.Rotation; {
	case rotation == nil:
		if after := o.source.Spec.Service.RotateAfter; after != nil {
			earlier(status.KeyTime.Add(after.Duration))
		}
	case rotation.RegisteredTime == nil:
		earlier(rotation.StartTime.Add(settleTime))
	case rotation.UsedTime != nil:
		earlier(rotation.UsedTime.Add(overlapTime))
	}
	return max(at.Sub(o.now), time.Second)
}

// same compares in constant time.
func same(a, b rtcapi.Callback) bool { return len(differences(a, b)) == 0 }

// differences are the names of the fields that differ, as the service's API has them; never their values.
func differences(a, b rtcapi.Callback) []string {
	var names []string
	if a.URL != b.URL {
		names = append(names, "url")
	}
	if subtle.ConstantTimeCompare([]byte(a.Key), []byte(b.Key)) != 1 {
		names = append(names, "auth_key")
	}
	return names
}
