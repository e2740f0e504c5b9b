// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package media proves the worker's media processing with recordings whose contents are known by construction.
//
// A few elementary streams are encoded once (sources.go): every picture shows its own number as a pattern, and the
// frequency of the sound at any moment tells its position. Shapes put their coded frames into MPEG-TS and MP4 files
// with writers of this package (ts.go, mp4.go), at times that the shape chooses, and damage them. So the truth of a
// shape is the list of frames and times that it was made from (truth.go), not what a probe says about it.
//
// The checker decodes a published result with ffmpeg (decode.go), reads numbers and positions back from pictures and
// sound, and compares them with the truth (check.go). It shares no code with the worker's index, timeline or
// comparison.
package media
