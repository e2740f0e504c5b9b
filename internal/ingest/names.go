// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"path"
	"strings"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// The name of an object is the lock between replicas, and between versions of the operator: it must be a pure function
// of what the object is, and must never change. testdata/names.tsv holds it.
const (
	nameVersion = "v1"
	maxName     = 63
	// maxTaskSlug is enough of a task's ID to recognize it: the rest of it would only make tables wide.
	maxTaskSlug = 16
	// shortHash and longHash are bytes of the hash in a name: 80 bits, and 160 for the name that is used when another
	// object holds the first one.
	shortHash = 10
	longHash  = 20
)

// FileNames are the names that the RecordingFile of an object may have, the usual one first. The second one is for an
// object whose first name is taken by another.
func FileNames(source string, object v1alpha1.ObjectIdentity) [2]string {
	base := path.Base(object.Key + object.URL)
	return names(strings.TrimSuffix(base, path.Ext(base)), "file", source, object.Bucket, object.Key, object.URL)
}

// TaskNames are the names that the RecordingTask of a task may have, the usual one first.
func TaskNames(source, taskID string) [2]string {
	return names(slug(taskID, maxTaskSlug), "task", source, taskID)
}

// names are a slug that people recognize and a hash of the kind and the identity.
func names(text string, identity ...string) [2]string {
	h := sha256.New()
	for _, field := range append([]string{nameVersion}, identity...) {
		// Every field goes in with its length, so that no two lists read the same.
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(field)))
		_, _ = h.Write(length[:])
		_, _ = h.Write([]byte(field))
	}
	sum := h.Sum(nil)
	name := func(size int) string {
		hash := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:size]))
		return slug(text, maxName-1-len(hash)) + "-" + hash
	}
	return [2]string{name(shortHash), name(longHash)}
}

// slug keeps the letters and digits of a text that a name may have, up to a length.
func slug(text string, limit int) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		if b.Len() == limit {
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

// ObjectOf is the identity of a reported file: bucket and key, or the URL with its scheme and host in lower case and
// without user, query and fragment, which differ from report to report.
func ObjectOf(file sparkrtc.File) v1alpha1.ObjectIdentity {
	if file.Object != "" {
		return v1alpha1.ObjectIdentity{Bucket: file.Bucket, Key: file.Object}
	}
	scheme, rest, _ := strings.Cut(file.DownloadURL, "://")
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	host, tail, found := strings.Cut(rest, "/")
	if found {
		tail = "/" + tail
	}
	host = host[strings.LastIndex(host, "@")+1:]
	return v1alpha1.ObjectIdentity{URL: lower(scheme) + "://" + lower(host) + tail}
}

// lower changes ASCII letters alone: what else a host holds stays as long as it is.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, text)
}
