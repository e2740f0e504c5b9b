// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestTurns_EndWhenTheyAreGivenBack(t *testing.T) {
	g := NewWithT(t)
	var taken Turns
	g.Expect(taken.Take("a", 2)).To(BeTrue())
	g.Expect(taken.Take("a", 2)).To(BeTrue())
	g.Expect(taken.Take("a", 2)).To(BeFalse())
	g.Expect(taken.Take("b", 2)).To(BeTrue())
	taken.GiveBack("a")
	g.Expect(taken.Take("a", 2)).To(BeTrue())
	taken.GiveBack("a")
	taken.GiveBack("a")
	taken.GiveBack("b")
	g.Expect(taken.held).To(BeEmpty(), "a namespace without workers is forgotten")
}
