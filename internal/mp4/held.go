// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

// heldCursor reads samples ahead, so that some can be changed by those that follow.
type heldCursor struct {
	inner cursor
	// held are the samples that were read, and given is how many of them were given.
	held  []Sample
	given int
	// read is the last one; it is here so that reading allocates nothing.
	read Sample
}

func (c *heldCursor) rest() int64 { return c.inner.rest() + int64(len(c.held)-c.given) }

// hold reads so many samples in place of those it holds, or fewer: up to one that is the last, or the end.
func (c *heldCursor) hold(most int, isLast func(*Sample) bool) error {
	c.held, c.given = c.held[:0], 0
	for len(c.held) < most {
		ok, err := c.inner.next(&c.read)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		c.held = append(c.held, c.read)
		if isLast(&c.read) {
			break
		}
	}
	return nil
}

// give gives the next sample that is held. false: there is none.
func (c *heldCursor) give(s *Sample) bool {
	if c.given == len(c.held) {
		return false
	}
	*s = c.held[c.given]
	c.given++
	return true
}
