// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
)

func named(namespace string, i int) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: fmt.Sprint(i)}
}

// TestSubjects_AreBoundedInEachNamespace: what finds no room is not kept, takes nothing from other namespaces, and is asked
// for when there is room again.
func TestSubjects_AreBoundedInEachNamespace(t *testing.T) {
	g := NewWithT(t)
	var known subjects
	for i := range maxSubjects {
		g.Expect(known.offer(named("flood", i), "s", true)).To(BeTrue())
	}
	for i := range 10_000 {
		g.Expect(known.offer(named("flood", maxSubjects+i), "s", true)).To(BeFalse())
	}
	g.Expect(known.namespaces["flood"].subjects).To(HaveLen(maxSubjects))
	g.Expect(known.offer(named("quiet", 0), "s", true)).To(BeTrue())
	g.Expect(known.of("flood", "s")).To(HaveLen(maxSubjects))
	refills := 0
	for i := range maxSubjects {
		one, fresh := known.get(named("flood", i))
		g.Expect(fresh).To(BeTrue())
		known.look(one)
		if known.leave(named("flood", i)) {
			refills++
			g.Expect(i).To(Equal(maxSubjects/2-1), "as soon as half is free")
		}
	}
	g.Expect(refills).To(Equal(1))
	g.Expect(known.namespaces).To(HaveLen(1), "a namespace without objects is forgotten")
}

// TestSubjects_ChangeDuringALookIsNotForgotten: what is offered while an object is looked at has it looked at again.
func TestSubjects_ChangeDuringALookIsNotForgotten(t *testing.T) {
	g := NewWithT(t)
	var known subjects
	name := named("media", 1)
	g.Expect(known.offer(name, "s", true)).To(BeTrue())
	one, _ := known.get(name)
	known.look(one)
	g.Expect(known.offer(name, "s", false)).To(BeFalse(), "the walk comes by: it is there already")
	g.Expect(known.offer(name, "s", true)).To(BeTrue(), "a change has it looked at")
	known.leave(name)
	again, fresh := known.get(name)
	g.Expect(again).To(BeIdenticalTo(one))
	g.Expect(fresh).To(BeTrue())
	known.look(one)
	known.leave(name)
	_, fresh = known.get(name)
	g.Expect(fresh).To(BeTrue(), "one that is not known is new")
}
