// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/rtcapi"
)

// finding is what the condition Registered says.
type finding struct {
	status          metav1.ConditionStatus
	reason, message string
}

// problem is a finding that something keeps the source from being registered. As an error it ends a look.
func problem(reason, format string, args ...any) finding {
	return finding{status: metav1.ConditionFalse, reason: reason, message: fmt.Sprintf(format, args...)}
}

// registered says that the service has what it should have, and how far a rotation is.
func registered(rotation *v1alpha1.KeyRotation) finding {
	f := finding{status: metav1.ConditionTrue, reason: v1alpha1.ReasonRegistered, message: "SparkRTC has the callback URL and the key"}
	switch {
	case rotation == nil:
	case rotation.RegisteredTime == nil:
		f.message += "; the next key is in the Secret, and is registered when every receiver has read it"
	case rotation.UsedTime == nil:
		f.message += "; the next key is registered, and the old one verifies until a callback is seen that the next one signed"
	default:
		f.message += "; callbacks are signed with the next key, and the old one is removed in some minutes"
	}
	return f
}

// Error makes a finding an error, so that what finds it can return it.
func (f finding) Error() string { return f.message }

// ofService is what an error of the service means.
func ofService(err error) finding {
	failure, ok := errors.AsType[*rtcapi.Error](err)
	if !ok {
		return problem(v1alpha1.ReasonUnreachable, "spec.service.endpoint: the request failed")
	}
	switch failure.Kind {
	case rtcapi.URLUnavailable:
		return problem(v1alpha1.ReasonURLUnavailable, "spec.service.publicURL: %v", failure)
	case rtcapi.Forbidden:
		return problem(v1alpha1.ReasonRefused, "spec.service.credentialsSecretRef: %v", failure)
	case rtcapi.Refused:
		return problem(v1alpha1.ReasonRefused, "spec.appID, spec.service.projectID: %v", failure)
	case rtcapi.Unavailable:
		return problem(v1alpha1.ReasonUnavailable, "spec.service.endpoint: %v", failure)
	case rtcapi.Denied:
		return problem(v1alpha1.ReasonEndpointDenied, "spec.service.endpoint: %v", failure)
	default:
		return problem(v1alpha1.ReasonUnreachable, "spec.service.endpoint: %v", failure)
	}
}
