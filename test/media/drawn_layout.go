// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

// style is how the transport stream is written.
func (d *drawing) style(m material) tsStyle {
	return tsStyle{
		restart: d.one(4), lengths: d.one(2), packets: 1 + d.IntN(8), tables: d.IntN(2) * 30,
		stuffing: d.one(6), adtsCRC: d.one(6), bare: d.one(6), clockAlone: d.one(6), endless: d.one(6), fields: m.video == "h264-paff" && d.one(2),
	}
}

// layout lets the pictures of a take come back on another PID or the same, at once or after a while without a camera, and the
// tables name only what comes.
func (d *drawing) layout(t *take, m material, from float64) {
	t.changing, t.style.growing = true, d.one(2)
	last, found := t.lastPicture()
	if !found || !d.one(2) {
		return
	}
	pid, away := uint16(videoPID+0x20+d.IntN(4)), d.between(0.5, 6)
	if d.one(3) {
		pid = videoPID
	}
	d.say("camera off for %.1f s, then on PID %d", away, pid)
	d.away = true
	first := int(from*30) + 200
	count := 20 + d.IntN(60)
	t.videoOn(pid, m.video, first, count-count%getSource(m.video).group, every(last+away, 25))
	d.openEnd = max(d.openEnd, 1.0/25)
}

// tags announces other clocks where none begins.
func (d *drawing) tags(r *recording) {
	for i, s := range r.segments {
		if i > 0 && !s.discontinuity && d.one(6) {
			d.say("tag before segment %d", i)
			s.discontinuity = true
		}
	}
}
