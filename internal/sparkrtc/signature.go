// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package sparkrtc speaks SparkRTC's recording callback protocol: who sent a callback (signatures), and what it says
// (events). It knows nothing of HTTP servers or Kubernetes, and imports the standard library alone.
//
// The protocol's sources are the service's user guide ("Configuring Recording Callback"), its FAQ ("How Do I
// Authenticate a Recording Callback?") and its API reference ("Receiving a recording event callback notification").
package sparkrtc

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// The headers of a signed callback. The service sends all three, or none when the tenant has set no key.
const (
	HeaderRand      = "X-Rtc-Rand"
	HeaderTimestamp = "X-Rtc-Timestamp"
	HeaderSignature = "X-Rtc-Signature"
)

// The length of a private key in characters, as the service's console demands.
const (
	MinKeyLength = 32
	MaxKeyLength = 64
)

// maxHeaderLength bounds each of the three headers, in bytes. A signature has 64; the other two are numbers of at most 20
// digits in practice.
const maxHeaderLength = 256

// Why a callback is not authentic. Every error of this file wraps one of these.
var (
	// ErrUnsigned says that none of the three headers was sent.
	ErrUnsigned = errors.New("callback is not signed")
	// ErrHeaders says that a header is missing, empty, repeated or malformed.
	ErrHeaders = errors.New("callback is signed incompletely")
	// ErrSignature says that no key verifies the signature.
	ErrSignature = errors.New("signature does not match")
	// ErrNoKey says that there was no usable key to verify with. It is never a reason to let a callback in.
	ErrNoKey = errors.New("no usable key")
	// ErrKey says that a private key cannot be one of the service's.
	ErrKey = errors.New("private key is unusable")
)

// Key is a private key. Its zero value verifies nothing, and it never prints its secret.
type Key struct{ secret []byte }

// ParseKey takes a private key as a Secret holds it. One trailing newline is forgiven, because most editors and
// `echo` leave one. The error never holds any of the key.
func ParseKey(raw []byte) (Key, error) {
	text, found := strings.CutSuffix(string(raw), "\r\n")
	if !found {
		text = strings.TrimSuffix(text, "\n")
	}
	if !utf8.ValidString(text) {
		return Key{}, fmt.Errorf("%w: it is not UTF-8 text", ErrKey)
	}
	if n := utf8.RuneCountInString(text); n < MinKeyLength || n > MaxKeyLength {
		// Not how many it has: a status says this to people who may not read the Secret.
		return Key{}, fmt.Errorf("%w: it must have %d to %d characters", ErrKey, MinKeyLength, MaxKeyLength)
	}
	return Key{secret: []byte(text)}, nil
}

// GenerateKey makes a private key of 256 random bits, as 64 characters.
func GenerateKey() []byte {
	var random [MaxKeyLength / 2]byte
	_, _ = rand.Read(random[:]) // it never fails
	return hex.AppendEncode(nil, random[:])
}

// ID tells the key from others: 16 hexadecimal digits. It is for random keys: one that can be guessed could be recognized by it.
func (k Key) ID() string {
	return hex.EncodeToString(mac(k, "recording-operator key ID", "", nil)[:8])
}

// Text is the key as the service takes it, without a newline. Nothing else may see it.
func (k Key) Text() string { return string(k.secret) }

// Format hides the secret from every verb of fmt.
func (Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[private key]")) }

// Proof is what a callback offers to show where it comes from.
type Proof struct {
	Rand      string
	Timestamp string
	// Signature is the HMAC in hexadecimal, in lower or upper case.
	Signature string
}

// ProofFromHeader reads the three headers. A header that is sent twice is refused, as two fields or as one that a proxy
// has joined with a comma: whatever stands in front and this program might otherwise each believe another one.
func ProofFromHeader(header http.Header) (Proof, error) {
	var proof Proof
	var missing []string
	for _, field := range []struct {
		name  string
		value *string
	}{{HeaderRand, &proof.Rand}, {HeaderTimestamp, &proof.Timestamp}, {HeaderSignature, &proof.Signature}} {
		values := header.Values(field.name)
		switch {
		case len(values) > 1:
			return Proof{}, fmt.Errorf("%w: %s is sent %d times", ErrHeaders, field.name, len(values))
		case len(values) == 0 || values[0] == "":
			missing = append(missing, field.name)
		case len(values[0]) > maxHeaderLength:
			return Proof{}, fmt.Errorf("%w: %s is longer than %d bytes", ErrHeaders, field.name, maxHeaderLength)
		case strings.Contains(values[0], ","):
			return Proof{}, fmt.Errorf("%w: %s holds a comma, as when it is sent several times", ErrHeaders, field.name)
		case field.name != HeaderSignature && strings.ContainsFunc(values[0], notInProof):
			return Proof{}, fmt.Errorf("%w: %s holds a character other than letters, digits and . _ : + -", ErrHeaders, field.name)
		default:
			*field.value = values[0]
		}
	}
	switch len(missing) {
	case 0:
		return proof, nil
	case 3:
		return Proof{}, ErrUnsigned
	default:
		return Proof{}, fmt.Errorf("%w: %s is missing", ErrHeaders, strings.Join(missing, ", "))
	}
}

// notInProof says that a character is in no header of the service. The headers are signed together with the body, with
// nothing between them: were all characters allowed, a part of the body could be moved into a header.
func notInProof(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("._:+-", r)
}

// Verify reports whether one of the keys made the proof for the body, which has to be raw as it was received. It
// takes the same time wherever a signature is wrong, and tries every key whichever matches.
//
// The service signs X-Rtc-Rand, X-Rtc-Timestamp and the body with nothing between them, so digits can be moved from
// one header to the other under the same signature. That is why a timestamp can guard against a replay, but a
// signature alone (see Digest), not its headers, names a delivery.
func Verify(keys []Key, proof Proof, body []byte) error {
	signature, ok := proof.MAC()
	if !ok {
		return fmt.Errorf("%w: %s is not %d hexadecimal digits", ErrHeaders, HeaderSignature, 2*sha256.Size)
	}
	usable, verified := 0, false
	for _, key := range keys {
		if len(key.secret) == 0 {
			continue
		}
		usable++
		if hmac.Equal(signature[:], mac(key, proof.Rand, proof.Timestamp, body)) {
			verified = true
		}
	}
	switch {
	case usable == 0:
		return ErrNoKey
	case !verified:
		return ErrSignature
	default:
		return nil
	}
}

// Sign makes the proof that the service would send with the body: for tests, and for tools that replay callbacks.
func Sign(key Key, rand, timestamp string, body []byte) (Proof, error) {
	if len(key.secret) == 0 {
		return Proof{}, ErrNoKey
	}
	return Proof{Rand: rand, Timestamp: timestamp, Signature: hex.EncodeToString(mac(key, rand, timestamp, body))}, nil
}

// SetHeader puts the proof where ProofFromHeader reads it.
func (p Proof) SetHeader(header http.Header) {
	header.Set(HeaderRand, p.Rand)
	header.Set(HeaderTimestamp, p.Timestamp)
	header.Set(HeaderSignature, p.Signature)
}

// MAC is the signature's bytes, the same for both cases of its digits; ok is false when it is not well-formed.
func (p Proof) MAC() (mac [sha256.Size]byte, ok bool) {
	if len(p.Signature) != hex.EncodedLen(sha256.Size) {
		return mac, false
	}
	_, err := hex.Decode(mac[:], []byte(p.Signature))
	return mac, err == nil
}

// Unsigned is the Digest of a delivery that bears no signature.
const Unsigned = "unsigned"

// Digest names the delivery: the same callback sent again with the same signature has the same digest, whatever the
// case of its hexadecimal digits. It is 32 hexadecimal digits, or Unsigned when there is no well-formed signature.
func (p Proof) Digest() string {
	signature, ok := p.MAC()
	if !ok {
		return Unsigned
	}
	sum := sha256.Sum256(signature[:])
	return hex.EncodeToString(sum[:16])
}

func mac(key Key, rand, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, key.secret)
	// A hash never fails to write.
	_, _ = h.Write([]byte(rand))
	_, _ = h.Write([]byte(timestamp))
	_, _ = h.Write(body)
	return h.Sum(nil)
}
