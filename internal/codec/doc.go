// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package codec knows what has to be known of encodings to index recordings and to put their packets into an MP4: how a
// stream of bytes is cut into packets, where decoding can begin, and how a decoder is configured. It does not decode.
//
// Every parser takes bytes that nobody has checked: it reads only what it is given, in time that is linear in its
// length, and never panics.
package codec

import "errors"

// ErrInvalid is wrapped by the errors of all parsers of this package: the bytes are not what they should be.
var ErrInvalid = errors.New("invalid")
