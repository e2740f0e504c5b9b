// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"cmp"
	"slices"
)

// movedPictures are pictures of a stream that are shown at other times than its file says, in the order of their numbers.
type movedPictures []movedPicture

type movedPicture struct {
	number int
	by     int64
}

func (m movedPictures) find(number int) (at int, found bool) {
	return slices.BinarySearchFunc(m, number, func(m movedPicture, number int) int { return cmp.Compare(m.number, number) })
}

// by is how much later than its file says a picture is shown.
func (m movedPictures) by(number int) int64 {
	if at, found := m.find(number); found {
		return m[at].by
	}
	return 0
}

// move moves a picture, which may have been moved before.
func (m *movedPictures) move(number int, by int64) {
	at, found := m.find(number)
	if !found {
		*m = slices.Insert(*m, at, movedPicture{number: number})
	}
	(*m)[at].by += by
}
