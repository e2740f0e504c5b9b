// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Key names a chain: the files that one recording job makes of one stream in one format. Nothing that is not part of
// the key may enter a file's name, because the name is the lock between replicas.
type Key struct {
	Namespace string
	Source    string
	App       string
	Job       string
	Stream    string
	Format    string
}

// keyOf is the chain that a delivery speaks of.
func keyOf(d Delivery) Key {
	return Key{Namespace: d.Namespace, Source: d.Source,
		App: d.Event.AppID, Job: d.Event.JobID, Stream: d.Event.StreamName, Format: d.Event.Format}
}

// KeyOfFile is the chain that a file belongs to.
func KeyOfFile(file *v1alpha1.RecordingFile) Key {
	spec := &file.Spec
	return Key{Namespace: file.Namespace, Source: spec.SourceRef.Name,
		App: spec.AppID, Job: spec.JobID, Stream: spec.StreamName, Format: spec.Format}
}

// hexHash digests the key.
func (k Key) hexHash() string {
	return hexHash(k.Namespace, k.Source, k.App, k.Job, k.Stream, k.Format)
}

// hexHash digests fields. Every field goes in with its length, so that no two lists read the same.
func hexHash(fields ...string) string {
	h := sha256.New()
	for _, field := range fields {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(field)))
		// A hash never fails to write.
		_, _ = h.Write(length[:])
		_, _ = h.Write([]byte(field))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// The parts of a name. A name becomes a label, so it has at most 63 characters: slug, dash, the longer hash, dash and
// nine digits are 63.
const (
	maxSlug   = 36
	shortHash = 8
	longHash  = 16
	maxNumber = 999_999_999
)

// names are the prefixes of a chain's names, the one to try first first. The second one is for the day when another
// chain with the same slug and the same short hash holds the name.
func (k Key) names() [2]string {
	slug, hash := k.slug(), k.hexHash()
	return [2]string{slug + "-" + hash[:shortHash] + "-", slug + "-" + hash[:longHash] + "-"}
}

// slug is what a person recognizes: the stream, or else the job. (Not the room: it is no part of the key.)
func (k Key) slug() string {
	text := k.Stream
	if text == "" {
		text = k.Job
	}
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		if b.Len() == maxSlug {
			break
		}
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	if slug := strings.TrimRight(b.String(), "-"); slug != "" {
		return slug
	}
	return "recording"
}

// number is the place of a file in its chain, read from its name. A file that a person named has none.
func number(names [2]string, name string) (int, bool) {
	for _, prefix := range names {
		digits, found := strings.CutPrefix(name, prefix)
		if !found {
			continue
		}
		n, err := strconv.Atoi(digits)
		if err == nil && n >= 0 && n <= maxNumber && strconv.Itoa(n) == digits {
			return n, true
		}
	}
	return 0, false
}
