// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	cryptorand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/callbacks"
)

const (
	appID  = "app"
	bucket = "recordings"
)

// source is a RecordingSource, and the app that calls it.
type source struct {
	namespace, name string
	// enforce says that timestamps must be right; unit is theirs.
	enforce bool
	unit    time.Duration

	mu sync.Mutex
	// key signs; retired keys sign no more.
	key     *signingKey
	retired []*signingKey
	// skew is how wrong the sender's clock is.
	skew time.Duration
}

// signingKey is a callback key, and the Secret that holds it.
type signingKey struct {
	secret, text string
	key          sparkrtc.Key
	// inFlight are the copies of deliveries that it signed and that are not answered with 200 yet.
	inFlight sync.WaitGroup
}

func newKey(secret string) *signingKey {
	text := cryptorand.Text() + cryptorand.Text()
	key, err := sparkrtc.ParseKey([]byte(text))
	if err != nil {
		panic(err) // it is of the right length
	}
	return &signingKey{secret: secret, text: text, key: key}
}

func (s *source) path() string { return sparkrtc.Path(s.namespace, s.name) }

// sign signs a body as the source's app does now.
func (s *source) sign(body []byte) (*signingKey, sparkrtc.Proof) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key, proofOf(s.key, time.Now().Add(s.skew), s.unit, body)
}

func proofOf(key *signingKey, at time.Time, unit time.Duration, body []byte) sparkrtc.Proof {
	proof, err := sparkrtc.Sign(key.key, cryptorand.Text(), strconv.FormatInt(at.UnixNano()/int64(unit), 10), body)
	if err != nil {
		panic(err) // the random text and the number are well-formed
	}
	return proof
}

// delivery is one event as it is sent, each time with the same signature.
type delivery struct {
	source *source
	body   []byte
	// copies is how many senders send it.
	copies int

	once  sync.Once
	key   *signingKey
	proof sparkrtc.Proof
	safe  atomic.Bool
}

func (d *delivery) sign() {
	d.once.Do(func() {
		d.key, d.proof = d.source.sign(d.body)
		d.key.inFlight.Add(d.copies)
	})
}

// load is the senders.
type load struct {
	fleet  *fleet
	ledger *ledger
	tally  *tally
	client *http.Client
	limit  *rate.Limiter
	// captured is a delivery that was answered with 200, for those who listened in.
	captured atomic.Pointer[delivery]
}

func newLoad(f *fleet, perSecond int) *load {
	return &load{
		fleet: f, ledger: newLedger(), tally: newTally(), client: callbacks.NewClient(""),
		limit: rate.NewLimiter(rate.Limit(perSecond), perSecond),
	}
}

// run generates jobs and sends their events until generating ends, and returns when the last of them was answered with
// 200 or the context ended. Some twenty jobs are under way at a time.
func (l *load) run(ctx, generating context.Context, g *generator, senders int, seed uint64) {
	const jobs = 20
	work := make(chan *delivery)
	var group sync.WaitGroup
	for n := range senders {
		group.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(n)))
			for d := range work {
				l.deliver(ctx, d, random)
			}
		})
	}
	var current [][]*delivery
	for {
		for len(current) < jobs && generating.Err() == nil {
			current = append(current, g.job())
		}
		if len(current) == 0 || l.limit.Wait(ctx) != nil {
			break
		}
		n := g.random.IntN(len(current))
		d := current[n][0]
		if current[n] = current[n][1:]; len(current[n]) == 0 {
			current = slices.Delete(current, n, n+1)
		}
		d.sign()
		work <- d
	}
	close(work)
	group.Wait()
}

// deliver sends a delivery until it is answered with 200.
func (l *load) deliver(ctx context.Context, d *delivery, random *rand.Rand) {
	const shortest, longest = 50 * time.Millisecond, 2 * time.Second
	for pause := shortest; ; pause = min(2*pause, longest) {
		code, _, err := callbacks.Post(ctx, l.client, l.fleet.pick(random).callbacks+d.source.path(), d.body, d.proof)
		if code == http.StatusOK {
			l.tally.add("answered 200")
			d.safe.Store(true)
			d.key.inFlight.Done()
			l.captured.Store(d)
			return
		}
		if err != nil {
			l.tally.add("repeated after no answer")
		} else {
			l.tally.add(fmt.Sprintf("repeated after %d", code))
		}
		if wait(ctx, pause/2+time.Duration(random.Int64N(int64(pause)))) != nil {
			return
		}
	}
}

// tally counts what happened, by what it is.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func newTally() *tally { return &tally{counts: map[string]int{}} }

func (t *tally) add(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[what]++
}
