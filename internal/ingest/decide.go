// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"cmp"
	"slices"

	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// action is the one write, or none, that follows from a delivery.
type action int

const (
	// actNone changes nothing.
	actNone action = iota
	// actConfirm changes nothing, provided that decision.file is still open on the API server.
	actConfirm
	// actCreate creates the next file of the chain.
	actCreate
	// actUpdate changes decision.file, provided that nobody has changed it since.
	actUpdate
)

// decision is what follows from a delivery, given a chain.
type decision struct {
	action  action
	outcome Outcome
	// file is the known file that the decision is about; nil for actCreate, or when there is none.
	file *v1alpha1.RecordingFile
	// spec is what the file's is to be, for actCreate and actUpdate.
	spec v1alpha1.RecordingFileSpec
	// annotations are what a file begins with, for actCreate.
	annotations map[string]string
	// reported says, for actUpdate, that the file is not known from a sweep alone any more.
	reported bool
}

// places says whether the decision gives a file to an object that had none.
func (d decision) places() bool {
	return d.outcome == Claimed || d.action == actCreate && d.spec.File != nil
}

// member is a file of a chain.
type member struct {
	// number is -1 for a file that a person named: it is known, but never claimed, since its name locks nothing.
	number int
	file   *v1alpha1.RecordingFile
}

// open says whether the file waits for its COMPLETE. One that is being deleted waits for nothing.
func (m member) open() bool {
	return m.number >= 0 && m.file.Spec.File == nil && m.file.DeletionTimestamp.IsZero()
}

// chain is what is known of a chain, in the order of the files' numbers. The files are shared with the cache: they
// are never changed.
type chain struct {
	key     Key
	names   [2]string
	members []member
	// loose are files outside any chain that bear the delivery's object: a sweep or a person made them. One whose
	// identity is complete may be a member as well.
	loose []*v1alpha1.RecordingFile
}

// newChain sorts out what the indexes found: the files of the chain, and those that bear the delivery's object.
func newChain(key Key, files, bearers []*v1alpha1.RecordingFile) chain {
	c := chain{key: key, names: key.names()}
	for _, file := range files {
		// The index finds others too; only an equal key is the chain's own.
		if KeyOfFile(file) != key {
			continue
		}
		n, ok := number(c.names, file.Name)
		if !ok {
			n = -1
		}
		c.members = append(c.members, member{number: n, file: file})
	}
	slices.SortFunc(c.members, func(a, b member) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.file.Name, b.file.Name))
	})
	for _, file := range bearers {
		if !numbered(file) {
			c.loose = append(c.loose, file)
		}
	}
	slices.SortFunc(c.loose, func(a, b *v1alpha1.RecordingFile) int { return cmp.Compare(a.Name, b.Name) })
	return c
}

// numbered says whether the file's name is a place in its chain. Then what makes up the name must not change.
func numbered(file *v1alpha1.RecordingFile) bool {
	_, ok := number(KeyOfFile(file).names(), file.Name)
	return ok
}

// last is the file of the highest number.
func (c chain) last() (member, bool) {
	if len(c.members) == 0 || c.members[len(c.members)-1].number < 0 {
		return member{}, false
	}
	return c.members[len(c.members)-1], true
}

// next is the number of the file after the last one that is known.
func (c chain) next() int {
	if last, ok := c.last(); ok {
		return last.number + 1
	}
	return 0
}

// decide is pure: what follows from a START or a COMPLETE, given what is known of its chain.
func decide(c chain, d Delivery) decision {
	if d.Event.Type == sparkrtc.Complete {
		return decideComplete(c, d)
	}
	return decideStart(c, d)
}

// decideStart begins a file, unless it is begun already. A START says neither which file it begins nor when, so these
// rules are chosen for what they come to in the end: with every COMPLETE delivered, no file stays open that is none.
//
// Why: a START creates a file only when the chain is empty or its last file was created by a START, so the files that
// STARTs created come first in the chain. Were a file open after the last COMPLETE, each of the N recorded files
// before it would have been created by a START of its own, and this one by one more: but there are only N. (Which
// is also why a START that comes again has to be recognized, and why unsigned ones cannot be held to this.)
func decideStart(c chain, d Delivery) decision {
	digest, named := deliveryOf(d)
	for _, m := range c.members {
		if named && m.file.Annotations[v1alpha1.AnnotationStartDelivery] == digest {
			return decision{action: actNone, outcome: Duplicate, file: m.file}
		}
	}
	if last, ok := c.last(); ok {
		if last.open() {
			// The same START again, or the COMPLETE of the file before is late: then that one creates the next file.
			return decision{action: actConfirm, outcome: Duplicate, file: last.file}
		}
		if _, started := last.file.Annotations[v1alpha1.AnnotationStartDelivery]; !started && last.file.Spec.File != nil {
			// Its COMPLETE came first; this is its late START.
			return decision{action: actNone, outcome: Duplicate, file: last.file}
		}
	}
	return decision{action: actCreate, outcome: Created, spec: identitySpec(d),
		annotations: map[string]string{v1alpha1.AnnotationStartDelivery: digest}}
}

// decideComplete finds the reported object in the chain or outside of it, or gives it a file.
func decideComplete(c chain, d Delivery) decision {
	reported := identitySpec(d)
	reported.File = factsOf(d.Event.File)
	for _, m := range c.members {
		if bears(m.file, reported.File) {
			return decideKnown(m.file, reported)
		}
	}
	for _, file := range c.loose {
		if bears(file, reported.File) && file.DeletionTimestamp.IsZero() {
			return decideKnown(file, reported)
		}
	}
	for _, m := range c.members {
		if m.open() {
			return change(Claimed, m.file, claim(m.file.Spec, reported))
		}
	}
	return decision{action: actCreate, outcome: Created, spec: reported}
}

// decideKnown lets a file grow by a report. One outside any chain also gets what it lacks of its identity, and is
// then no longer known from a sweep alone. Facts never shrink, so a file of the cache that has them all will have them
// still.
func decideKnown(file *v1alpha1.RecordingFile, reported v1alpha1.RecordingFileSpec) decision {
	spec := file.Spec.DeepCopy()
	spec.File = grow(file.Spec.File, reported.File)
	if !numbered(file) {
		identify(spec, reported)
	}
	if apiequality.Semantic.DeepEqual(*spec, file.Spec) {
		return decision{action: actNone, outcome: Duplicate, file: file}
	}
	decided := change(Grown, file, *spec)
	decided.reported = true
	return decided
}

// identify fills in what a file lacks of its identity; what is there stays.
func identify(spec *v1alpha1.RecordingFileSpec, reported v1alpha1.RecordingFileSpec) {
	spec.AppID = cmp.Or(spec.AppID, reported.AppID)
	spec.JobID = cmp.Or(spec.JobID, reported.JobID)
	spec.RoomID = cmp.Or(spec.RoomID, reported.RoomID)
	spec.StreamName = cmp.Or(spec.StreamName, reported.StreamName)
	spec.Format = cmp.Or(spec.Format, reported.Format)
}

// change is an update of a file's spec.
func change(outcome Outcome, file *v1alpha1.RecordingFile, spec v1alpha1.RecordingFileSpec) decision {
	return decision{action: actUpdate, outcome: outcome, file: file, spec: spec}
}

// claim gives an open file its facts. Whether the job was over before that is forgotten, so that a finished file is
// the same whatever came first.
func claim(open, reported v1alpha1.RecordingFileSpec) v1alpha1.RecordingFileSpec {
	spec := open.DeepCopy()
	spec.File = reported.File
	spec.JobOver = false
	spec.RoomID = cmp.Or(spec.RoomID, reported.RoomID)
	return *spec
}

// identitySpec is the part of a file's spec that says which recording it is of.
func identitySpec(d Delivery) v1alpha1.RecordingFileSpec {
	return v1alpha1.RecordingFileSpec{
		SourceRef:  v1alpha1.LocalReference{Name: d.Source},
		AppID:      d.Event.AppID,
		JobID:      d.Event.JobID,
		RoomID:     d.Event.RoomID,
		StreamName: d.Event.StreamName,
		Format:     d.Event.Format,
	}
}

// decideOver says whether an OVER concerns the file: it waits for its COMPLETE, and is of that job. An app that one
// of them does not name is no difference.
func decideOver(file *v1alpha1.RecordingFile, d Delivery) decision {
	spec := &file.Spec
	sameApp := spec.AppID == "" || d.Event.AppID == "" || spec.AppID == d.Event.AppID
	if spec.SourceRef.Name != d.Source || spec.JobID != d.Event.JobID || !sameApp || spec.File != nil || spec.JobOver {
		return decision{action: actNone, outcome: Duplicate, file: file}
	}
	over := spec.DeepCopy()
	over.JobOver = true
	return change(JobOver, file, *over)
}
