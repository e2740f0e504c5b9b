// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"net"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// idleListener gives the first request of a connection as long to arrive as any later one. net/http applies the timeout
// of a header from the moment a connection is accepted (or its TLS handshake is over), so that it would close the
// connections that a load balancer opens ahead of time, and the callback that is just sent over one would be lost.
type idleListener struct {
	net.Listener
	tls    bool
	limits Limits
	clock  clock.PassiveClock
}

func newIdleListener(listener net.Listener, tls bool, limits Limits, clk clock.PassiveClock) net.Listener {
	return &idleListener{Listener: listener, tls: tls, limits: limits, clock: clk}
}

// Accept waits for a connection.
func (l *idleListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	state := awaitingRequest
	if l.tls {
		state = awaitingHandshake
	}
	return &idleConn{Conn: connection, limits: l.limits, clock: l.clock, state: state, accepted: l.clock.Now()}, nil
}

// idleState is how far a connection has come.
type idleState int

const (
	// awaitingHandshake: TLS is being negotiated. net/http clears the deadline when that is over.
	awaitingHandshake idleState = iota
	// awaitingRequest: no byte of the first request has arrived. HTTP/2 sets no deadline then, and stays in this state.
	awaitingRequest
	// armed: net/http has set the deadline of the first request's header.
	armed
	// requested: the first request is arriving.
	requested
)

// idleConn is a connection whose first request has IdleTimeout to begin, and ReadTimeout from its first byte on.
type idleConn struct {
	net.Conn
	limits   Limits
	clock    clock.PassiveClock
	accepted time.Time

	mu    sync.Mutex
	state idleState
	// until is the deadline of the first request.
	until time.Time
}

// SetReadDeadline sets the deadline of net/http, except for the first request. net/http counts its body's deadline from
// when the connection was accepted, too. A deadline before that is how net/http interrupts a read.
func (c *idleConn) SetReadDeadline(deadline time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.state == awaitingHandshake && deadline.IsZero():
		c.state = awaitingRequest
	case c.state == awaitingRequest && deadline.After(c.accepted):
		c.state = armed
		deadline = c.clock.Now().Add(c.limits.IdleTimeout)
	case c.state == requested && deadline.After(c.accepted) && deadline.Before(c.until):
		deadline = c.until
	}
	return c.Conn.SetReadDeadline(deadline)
}

// SetDeadline sets both deadlines.
func (c *idleConn) SetDeadline(deadline time.Time) error {
	if err := c.SetReadDeadline(deadline); err != nil {
		return err
	}
	return c.SetWriteDeadline(deadline)
}

// Read reads, and starts the timeout of the first request with its first byte.
func (c *idleConn) Read(into []byte) (int, error) {
	n, err := c.Conn.Read(into)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 && c.state == armed {
		c.state, c.until = requested, c.clock.Now().Add(c.limits.ReadTimeout)
		if deadlineErr := c.Conn.SetReadDeadline(c.until); err == nil {
			err = deadlineErr
		}
	}
	return n, err
}
