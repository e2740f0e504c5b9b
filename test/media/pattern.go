// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"math"
)

// Every picture shows its number: 6 by 3 cells in the upper five sixths, the first white, the second black, then
// twelve bits of the number and four of a checksum, the most significant first. Below lies noise, so that a picture
// has some bytes to lose.
const (
	columns, rows = 6, 3
	numberBits    = 12
	checkBits     = 4
	maxNumber     = 1<<numberBits - 1
)

// checksum of a number: a picture that is mixed from two hardly ever has a valid one.
func checksum(number int) int {
	return (number*7 + number>>4*5 + number>>8*3 + 9) & (1<<checkBits - 1)
}

// cells says which cells are white.
func cells(number int) [columns * rows]bool {
	word := number<<checkBits | checksum(number)
	var white [columns * rows]bool
	white[0] = true
	for i := range numberBits + checkBits {
		white[2+i] = word>>(numberBits+checkBits-1-i)&1 == 1
	}
	return white
}

// drawPicture is the picture of a number as planar YUV 4:2:0.
func drawPicture(number, width, height int) []byte {
	chroma := ((width + 1) / 2) * ((height + 1) / 2)
	out := make([]byte, width*height+2*chroma)
	for i := width * height; i < len(out); i++ {
		out[i] = 128
	}
	white := cells(number)
	bottom := height * 5 / 6
	for y := range height {
		for x := range width {
			value := byte(40)
			if y < bottom {
				if white[(y*rows/bottom)*columns+x*columns/width] {
					value = 210
				}
			} else {
				seed := uint32(x/4*7919+y/3*104729+number*15485863) * 2654435761
				value = byte(90 + seed>>26)
			}
			out[y*width+x] = value
		}
	}
	return out
}

// Numbers that a picture may show besides its own.
const (
	pictureBlack   = -1 // no cell is white: a picture that was inserted where there is none
	pictureGarbled = -2
)

// readPicture reads the number from a gray picture; the pattern fills the rectangle at x, y with width w and height h.
func readPicture(gray []byte, stride int, x, y, w, h float64) int {
	levels := make([]float64, columns*rows)
	for i := range levels {
		cw, ch := w/columns, h*5/6/rows
		cx, cy := x+(float64(i%columns)+0.5)*cw, y+(float64(i/columns)+0.5)*ch
		sum, count := 0.0, 0.0
		for py := int(cy - ch/6); py <= int(cy+ch/6); py++ {
			for px := int(cx - cw/6); px <= int(cx+cw/6); px++ {
				if at := py*stride + px; at >= 0 && at < len(gray) {
					sum, count = sum+float64(gray[at]), count+1
				}
			}
		}
		levels[i] = sum / max(count, 1)
	}
	white, black := levels[0], levels[1]
	if white < 60 {
		for _, level := range levels {
			if level > 60 {
				return pictureGarbled
			}
		}
		return pictureBlack
	}
	if white-black < 60 {
		return pictureGarbled
	}
	word := 0
	for _, level := range levels[2:] {
		word <<= 1
		if level > (white+black)/2 {
			word |= 1
		}
	}
	if number := word >> checkBits; checksum(number) == word&(1<<checkBits-1) {
		return number
	}
	return pictureGarbled
}

// The sound is a tone whose frequency rises evenly, so that its frequency tells the position: a millisecond is 0.04 Hz.
const (
	chirpStart   = 500.0 // Hz at position 0
	chirpSlope   = 40.0  // Hz in a second
	chirpSeconds = 64.0
	chirpLevel   = 0.4
)

// chirp is the sound from position 0, one channel, 16 bits.
func chirp(rate int, length float64) []int16 {
	out := make([]int16, int(length*float64(rate)))
	for i := range out {
		t := float64(i) / float64(rate)
		out[i] = int16(chirpLevel * 32767 * math.Sin(2*math.Pi*(chirpStart*t+chirpSlope*t*t/2)))
	}
	return out
}

// readSound gives the position that a window of sound tells for its middle, and its level. ok is false when it is no
// clean tone of ours.
func readSound(window []int16, rate int) (position, level float64, ok bool) {
	sum := 0.0
	for _, v := range window {
		sum += float64(v) * float64(v)
	}
	level = math.Sqrt(sum/float64(len(window))) / 32768
	if level < chirpLevel/8 {
		return 0, level, false
	}
	// Times of the upward zero crossings lie on a parabola; a fit of n = a + b t + c t^2 with the known c leaves a line.
	var times []float64
	for i := 1; i < len(window); i++ {
		if a, b := float64(window[i-1]), float64(window[i]); a < 0 && b >= 0 {
			times = append(times, (float64(i-1)+a/(a-b)-float64(len(window))/2)/float64(rate))
		}
	}
	if len(times) < 8 {
		return 0, level, false
	}
	var st, sn, stt, stn float64
	n := float64(len(times))
	for i, t := range times {
		v := float64(i) - chirpSlope*t*t/2
		st, sn, stt, stn = st+t, sn+v, stt+t*t, stn+t*v
	}
	frequency := (n*stn - st*sn) / (n*stt - st*st)
	offset := (sn - frequency*st) / n
	for i, t := range times {
		if math.Abs(offset+frequency*t+chirpSlope*t*t/2-float64(i)) > 0.1 {
			return 0, level, false
		}
	}
	return (frequency - chirpStart) / chirpSlope, level, true
}
