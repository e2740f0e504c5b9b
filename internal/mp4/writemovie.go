// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"math"

	"sparkrtc.dev/recording-operator/internal/media"
)

// fileType writes ftyp (ISO/IEC 14496-12, 4.3).
func (l *layout) fileType(w *headerWriter) {
	brands := []string{"isom", "iso2", "mp41"}
	negative := false
	for _, p := range l.plans {
		negative = negative || p.negative
		for _, entry := range p.Entries {
			if name := string(entry[4:7]); name == "avc" && len(brands) == 3 {
				brands = append(brands, "avc1")
			}
		}
	}
	if negative {
		brands = append(brands, "iso4") // negative composition offsets
	}
	w.box("ftyp", func() {
		w.string("isom")
		w.uint32(0x200)
		for _, brand := range brands {
			w.string(brand)
		}
	})
}

// movie writes moov (8.2). Its time scale is media.Clock, so that edits keep their ticks. There is no time of creation:
// the same recording gives the same bytes.
func (l *layout) movie(w *headerWriter) {
	duration := int64(0)
	for _, p := range l.plans {
		duration = max(duration, p.shown())
	}
	w.box("moov", func() {
		version := durationVersion(duration)
		w.fullBox("mvhd", version, 0, func() {
			w.times(version, media.Clock, duration)
			w.uint32(0x10000) // rate
			w.uint16(0x100)   // volume
			w.zeros(10)
			w.matrix(identity)
			w.zeros(24)
			w.uint32(uint32(len(l.plans)) + 1) //nolint:gosec // next track ID
		})
		for i, p := range l.plans {
			w.box("trak", func() { l.track(w, p, uint32(i)+1) }) //nolint:gosec // a track's number
		}
	})
}

func durationVersion(duration int64) byte {
	if duration >= math.MaxUint32 {
		return 1
	}
	return 0
}

// times writes the times of mvhd and mdhd.
func (w *headerWriter) times(version byte, timescale uint32, duration int64) {
	if version == 1 {
		w.zeros(16)
		w.uint32(timescale)
		w.uint64(uint64(duration)) //nolint:gosec // a sum of durations
		return
	}
	w.zeros(8)
	w.uint32(timescale)
	w.uint32(uint32(duration)) //nolint:gosec // by its version
}

func (w *headerWriter) matrix(matrix [9]int32) {
	if matrix == [9]int32{} {
		matrix = identity
	}
	for _, value := range matrix {
		w.uint32(uint32(value)) //nolint:gosec // signed fixed-point number
	}
}

// track writes the content of trak (8.3).
func (l *layout) track(w *headerWriter, p *plan, id uint32) {
	duration := p.shown()
	version := durationVersion(duration)
	flags := uint32(3) // enabled, in the movie
	if p.Disabled {
		flags = 2
	}
	group, volume := uint16(0), uint16(0)
	if p.Kind == media.Audio {
		group, volume = 1, 0x100
	}
	w.fullBox("tkhd", version, flags, func() {
		if version == 1 {
			w.zeros(16)
			w.uint32(id)
			w.zeros(4)
			w.uint64(uint64(duration)) //nolint:gosec // a sum of durations
		} else {
			w.zeros(8)
			w.uint32(id)
			w.zeros(4)
			w.uint32(uint32(duration)) //nolint:gosec // by its version
		}
		w.zeros(10) // reserved, layer
		w.uint16(group)
		w.uint16(volume)
		w.zeros(2)
		w.matrix(p.Matrix)
		w.uint32(p.width)
		w.uint32(p.height)
	})
	if len(p.edits) > 0 {
		w.box("edts", func() { p.editList(w) })
	}
	w.box("mdia", func() { l.media(w, p) })
}

// editList writes elst (8.6.6).
func (p *plan) editList(w *headerWriter) {
	version := byte(0)
	for _, edit := range p.edits {
		if edit.duration > math.MaxUint32 || edit.time > math.MaxInt32 {
			version = 1
		}
	}
	w.fullBox("elst", version, 0, func() {
		w.uint32(uint32(len(p.edits))) //nolint:gosec // a list in memory
		for _, edit := range p.edits {
			if version == 1 {
				w.uint64(uint64(edit.duration)) //nolint:gosec // not negative
				w.uint64(uint64(edit.time))     //nolint:gosec // signed
			} else {
				w.uint32(uint32(edit.duration)) //nolint:gosec // by the version
				w.uint32(uint32(edit.time))     //nolint:gosec // by the version
			}
			w.uint32(0x10000) // rate
		}
	})
}

// media writes the content of mdia (8.4).
func (l *layout) media(w *headerWriter, p *plan) {
	version := durationVersion(p.length)
	w.fullBox("mdhd", version, 0, func() {
		w.times(version, p.Timescale, p.length)
		w.uint16(packLanguage(p.Language))
		w.zeros(2)
	})
	handler, name := "meta", "DataHandler\x00"
	switch p.Kind {
	case media.Video:
		handler, name = "vide", "VideoHandler\x00"
	case media.Audio:
		handler, name = "soun", "SoundHandler\x00"
	default:
	}
	w.fullBox("hdlr", 0, 0, func() {
		w.zeros(4)
		w.string(handler)
		w.zeros(12)
		w.string(name)
	})
	w.box("minf", func() {
		switch p.Kind {
		case media.Video:
			w.fullBox("vmhd", 0, 1, func() { w.zeros(8) })
		case media.Audio:
			w.fullBox("smhd", 0, 0, func() { w.zeros(4) })
		default:
			w.fullBox("nmhd", 0, 0, func() {})
		}
		w.box("dinf", func() {
			w.fullBox("dref", 0, 0, func() {
				w.uint32(1)
				w.fullBox("url ", 0, 1, func() {}) // in this file
			})
		})
		w.box("stbl", func() { l.sampleTables(w, p) })
	})
}

// packLanguage is a code of three letters in 15 bits (8.4.2.3).
func packLanguage(language string) uint16 {
	if len(language) != 3 {
		language = "und"
	}
	packed := uint16(0)
	for i := range 3 {
		packed = packed<<5 | uint16(language[i]-0x60)&31
	}
	return packed
}
