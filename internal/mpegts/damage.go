// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import (
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// damageList adds to File.Damage, and counts what repeats at once.
type damageList struct {
	// packet and offset are of the last evidence that the last entry counts.
	packet int
	offset int64
}

func (l *damageList) add(file *media.File, kind media.DamageKind, stream, packet int, offset int64) {
	const near = 64 << 10 // bytes, for what belongs to no stream
	if last := len(file.Damage) - 1; last >= 0 {
		entry := &file.Damage[last]
		repeats := entry.Kind == kind && entry.Stream == stream && packet >= l.packet && packet <= l.packet+1 &&
			(stream >= 0 || offset-l.offset <= near)
		if repeats || len(file.Damage) == media.MaxDamage {
			entry.Count++
			l.packet, l.offset = packet, offset
			return
		}
	}
	file.Damage = append(file.Damage, media.Damage{Kind: kind, Stream: stream, Packet: packet, Offset: offset, Count: 1})
	l.packet, l.offset = packet, offset
}

// noteUnreadable notes that a stream of sound or of pictures is left out.
func (d *demuxer) noteUnreadable(isSound bool) {
	kind := media.Video
	if isSound {
		kind = media.Audio
	}
	if !slices.Contains(d.file.Unreadable, kind) {
		d.file.Unreadable = append(d.file.Unreadable, kind)
	}
}

// ignore notes what is left out of File.Streams.
func (d *demuxer) ignore(why string) {
	if len(d.file.Ignored) < maxIgnored && !slices.Contains(d.file.Ignored, why) {
		d.file.Ignored = append(d.file.Ignored, why)
	}
}
