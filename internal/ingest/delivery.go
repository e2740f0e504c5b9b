// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// deliveryOf names the delivery of a START; ok is false when nothing tells one delivery from another.
func deliveryOf(d Delivery) (digest string, ok bool) {
	if d.Digest == "" || d.Digest == sparkrtc.Unsigned {
		return sparkrtc.Unsigned, false
	}
	return d.Digest, true
}

// cachedDigits is how much of the digest of a START the cache has to keep. A digest of its own costs a file 400 bytes,
// as the map around it has room for eight annotations; of these beginnings there are no more than 4096, for files to
// share. The price is that a START reads a file live whose digest begins like its own: once in 4096 files.
const cachedDigits = 3

// CachedDelivery is what the cache has to keep of AnnotationStartDelivery.
func CachedDelivery(digest string) string { return digest[:min(len(digest), cachedDigits)] }

// recognizable are the cached files, but read live where the cache has too little to tell whether the START began them:
// one that is not recognized when it comes again would open a file that is none.
func (i *Ingester) recognizable(ctx context.Context, key Key, cached []*v1alpha1.RecordingFile, d Delivery) ([]*v1alpha1.RecordingFile, error) {
	digest, named := deliveryOf(d)
	if !named {
		return cached, nil
	}
	files := make([]*v1alpha1.RecordingFile, len(cached))
	for n, file := range cached {
		files[n] = file
		known, started := file.Annotations[v1alpha1.AnnotationStartDelivery]
		if !started || known != CachedDelivery(digest) || KeyOfFile(file) != key {
			continue
		}
		fresh, found, err := i.get(ctx, file.Namespace, file.Name)
		if err != nil {
			return nil, err
		}
		if found {
			files[n] = fresh
		}
	}
	return files, nil
}
