// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"cmp"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Limits bound what clients can make the receiver hold or do. A zero field means its default.
type Limits struct {
	// BodyBytes is the longest body. A callback has about 1 KiB. Default MaxBodyBytes.
	BodyBytes int64
	// HeaderBytes is the longest header, beside the 4 KiB that net/http adds. A callback's is below 1 KiB. Default 16 KiB.
	HeaderBytes int
	// Connections that are open at one time; more of them wait to be accepted. Default 1024.
	Connections int
	// Reading is how many bodies are read at the same time, or wait for one of InFlight. Default 1024: as many as there are
	// connections, so that over HTTP/1 slow senders need all connections to keep others from sending.
	Reading int
	// InFlight is how many callbacks are handled at the same time. With Reading it bounds memory to so many bodies, also
	// over HTTP/2, where one connection carries many. Default 512: at 5 ms each, 100 000 a second.
	InFlight int
	// Throttled is how many callbacks of throttled clients are read and handled at the same time. Default 16: at 5 ms each,
	// 3200 a second.
	Throttled int
	// Queue is how many callbacks wait for each of these when it is full. Default 512; negative for none.
	Queue int
	// QueueTimeout is how long a callback waits for a slot. Default 3 s: when an outage begins, the first hold their slots
	// for the 2 s that the API server is given, and until they are synced to disk. What is left of ReadTimeout is enough
	// for the body.
	QueueTimeout time.Duration
	// ReadTimeout cuts slow senders off: it is for header and body together, from the first byte on. They fit into one
	// packet. Default 5 s.
	ReadTimeout time.Duration
	// HandleTimeout is for verifying and writing, after the body is read. Default 8 s: senders rarely wait longer.
	HandleTimeout time.Duration
	// IdleTimeout closes a connection that sends nothing, so that idle ones leave room for others. A callback that is on
	// its way just then is lost, so an ingress should be the one that closes. Default 2 minutes: nginx and the load
	// balancers of clouds mostly do after 60 s, Traefik and what else is written in Go after 90 s.
	IdleTimeout time.Duration
	// ShutdownDelay is how long the server still serves, no longer ready, after it was told to stop: until then, the
	// Service's endpoints may still send callers here. Default 5 s; negative for none.
	ShutdownDelay time.Duration
	// DrainTimeout is how long answers that are under way may take after that. Default 20 s: more than ReadTimeout and
	// HandleTimeout together, and with the delay less than the 30 s that the process has.
	DrainTimeout time.Duration
}

// MaxBodyBytes is the longest body that the receiver accepts by default. A callback with the longest text in each field
// that is stored has 36 KiB.
const MaxBodyBytes = 64 << 10

const (
	// maxStreams bounds the callbacks that one HTTP/2 connection sends at one time.
	maxStreams = 64
	// streamBytes is how much of a body net/http holds over HTTP/2 until it is read, which a callback that waits for a
	// slot is not. A client may send as much before it has heard of any other bound; with a lower one, the first long body
	// on a connection would be an error of the protocol. All streams together fit into the connection's bound, so that none
	// of them keeps the others from sending.
	streamBytes     = 64<<10 - 1
	connectionBytes = maxStreams * streamBytes
	// frameBytes is the longest frame of HTTP/2, for which each connection keeps room once it was sent one: the least that
	// the protocol allows.
	frameBytes = 16 << 10
)

// perClient is which part of Reading the bodies of one address may take up while they come, before it is throttled.
const perClient = 8

// withDefaults fills in what is zero.
func (l Limits) withDefaults() Limits {
	l.BodyBytes = cmp.Or(l.BodyBytes, MaxBodyBytes)
	l.HeaderBytes = cmp.Or(l.HeaderBytes, 16<<10)
	l.Connections = cmp.Or(l.Connections, 1024)
	l.Reading = cmp.Or(l.Reading, 1024)
	l.InFlight = cmp.Or(l.InFlight, 512)
	l.Throttled = cmp.Or(l.Throttled, 16)
	l.Queue = max(cmp.Or(l.Queue, 512), 0)
	l.QueueTimeout = cmp.Or(l.QueueTimeout, 3*time.Second)
	l.ReadTimeout = cmp.Or(l.ReadTimeout, 5*time.Second)
	l.HandleTimeout = cmp.Or(l.HandleTimeout, 8*time.Second)
	l.IdleTimeout = cmp.Or(l.IdleTimeout, 2*time.Minute)
	l.ShutdownDelay = cmp.Or(l.ShutdownDelay, 5*time.Second)
	l.DrainTimeout = cmp.Or(l.DrainTimeout, 20*time.Second)
	return l
}

// bounded keeps at most so many entries and evicts the least recently used one.
func bounded[K comparable, V any](entries int) *lru.Cache[K, V] {
	memory, err := lru.New[K, V](entries)
	if err != nil {
		panic(err) // for no entries at all
	}
	return memory
}
