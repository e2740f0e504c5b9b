// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// A claim is a file that says which recording and step writes to a folder, from before its first file until its
// manifest is there. It is removed when publish ends, in whatever way; a container that is killed leaves it. The next
// attempt of the same step takes it over. For others it holds for claimMaxAge, which is longer than any copy of a
// recording takes: so a folder is free again after a day, also when the recording that claimed it never comes back.
// Before the manifest is written the claim is made again, and fails if the folder has been given to another meanwhile.
const (
	claimName    = ".recording-claim"
	claimVersion = "recording.sparkrtc.dev/claim.v1"
	claimMaxAge  = 24 * time.Hour
	// maxClaimBytes bounds what is read of a claim.
	maxClaimBytes = 4 << 10
	// releaseTimeout bounds what is tidied up when the container is stopped.
	releaseTimeout = 15 * time.Second
)

// Claim is what a claim holds: the same for every attempt of a step.
type Claim struct {
	Version   string            `json:"version"`
	Recording ManifestRecording `json:"recording"`
	Step      string            `json:"step"`
}

func (p *publisher) claimant() ([]byte, error) {
	spec := p.Step
	data, err := json.Marshal(Claim{
		Version: claimVersion, Recording: ManifestRecording{Namespace: spec.Namespace, Name: spec.File, UID: spec.UID}, Step: spec.Step,
	})
	if err != nil {
		return nil, fmt.Errorf("encode the claim: %w", err)
	}
	return append(data, '\n'), nil
}

// claim makes the folder this recording's, or says whose it is.
func (p *publisher) claim(ctx context.Context) error {
	owner, err := p.claimant()
	if err != nil {
		return err
	}
	uri := p.writer.URI(claimName)
	holder, err := p.writer.Claim(ctx, claimName, owner, claimMaxAge)
	if err != nil {
		return fmt.Errorf("claim the folder by %s: %w", uri, err)
	}
	switch {
	case bytes.Equal(holder, owner):
		return nil
	case len(holder) == 0:
		return failure.Transient(workerapi.ReasonDestinationTaken, "the folder is being claimed by another recording, says %s", uri)
	}
	var other Claim
	if err := json.Unmarshal(holder, &other); err != nil || other.Version != claimVersion {
		return failure.Permanent(workerapi.ReasonDestinationTaken, "%s exists and is not the claim of a recording", uri)
	}
	return failure.Permanent(workerapi.ReasonDestinationTaken,
		"step %.40q of recording %.80q (uid %.40q) is being written to the folder, says %s; choose another path for this step's output",
		other.Step, other.Recording.Namespace+"/"+other.Recording.Name, other.Recording.UID, uri)
}

// release removes the claim, if it is still this recording's. That it stays behind is no failure.
func (p *publisher) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	owner, err := p.claimant()
	if err != nil {
		return
	}
	found, err := p.writer.Read(ctx, claimName, maxClaimBytes)
	if err == nil && bytes.Equal(found, owner) {
		err = p.writer.Remove(ctx, claimName)
	}
	if err != nil && failure.Of(err).Reason != workerapi.ReasonNotFound {
		p.Log.Warn("Could not remove the claim of the folder; it expires after a day", "claim", p.writer.URI(claimName), "error", err.Error())
	}
}
