// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Archive copies a recording as it is: an MP4, or an HLS playlist with every segment. The playlist is published last. A
// damaged recording is archived too: the step's integrity and manifest.json say what is damaged.
type Archive struct{}
