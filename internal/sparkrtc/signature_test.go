// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sparkrtc

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const secret = "0123456789abcdef0123456789abcdef"

func mustKey(tb testing.TB, text string) Key {
	tb.Helper()
	key, err := ParseKey([]byte(text))
	if err != nil {
		tb.Fatalf("ParseKey: %v", err)
	}
	return key
}

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

// Every line of signatures.tsv was signed by an independent implementation.
func TestVerifyFixtures(t *testing.T) {
	lines := bufio.NewScanner(strings.NewReader(string(fixture(t, "signatures.tsv"))))
	verified := 0
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") || lines.Text() == "" {
			continue
		}
		column := strings.Split(lines.Text(), "\t")
		if len(column) != 5 {
			t.Fatalf("line has %d columns: %q", len(column), lines.Text())
		}
		key, body := mustKey(t, column[0]), fixture(t, column[3])
		proof := Proof{Rand: column[1], Timestamp: column[2], Signature: column[4]}
		if err := Verify([]Key{key}, proof, body); err != nil {
			t.Errorf("%s at %s: %v", column[3], column[2], err)
		}
		signed, err := Sign(key, column[1], column[2], body)
		if err != nil || signed != proof {
			t.Errorf("%s at %s: Sign made %v, %v", column[3], column[2], signed, err)
		}
		at, err := ParseTimestamp(column[2])
		if err != nil || at.Unix() != 1619600282 {
			t.Errorf("%s: read as %v, %v", column[2], at, err)
		}
		verified++
	}
	if verified != 10 {
		t.Errorf("verified %d lines, want 10", verified)
	}
}

func TestVerify(t *testing.T) {
	key, other := mustKey(t, secret), mustKey(t, strings.Repeat("x", 64))
	body := []byte(`{"event_type":"X"}`)
	good, err := Sign(key, "1", "1619600282", body)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*Proof)) Proof { p := good; change(&p); return p }
	for name, c := range map[string]struct {
		keys  []Key
		proof Proof
		body  []byte
		want  error
	}{
		"the key":                 {[]Key{key}, good, body, nil},
		"one of two keys":         {[]Key{other, key}, good, body, nil},
		"beside an empty key":     {[]Key{{}, key}, good, body, nil},
		"upper case":              {[]Key{key}, with(func(p *Proof) { p.Signature = strings.ToUpper(p.Signature) }), body, nil},
		"another key":             {[]Key{other}, good, body, ErrSignature},
		"no key":                  {nil, good, body, ErrNoKey},
		"an empty key":            {[]Key{{}}, good, body, ErrNoKey},
		"another body":            {[]Key{key}, good, []byte(`{"event_type":"Y"}`), ErrSignature},
		"a newline more":          {[]Key{key}, good, append([]byte(nil), append(body, '\n')...), ErrSignature},
		"another rand":            {[]Key{key}, with(func(p *Proof) { p.Rand = "2" }), body, ErrSignature},
		"another timestamp":       {[]Key{key}, with(func(p *Proof) { p.Timestamp = "1619600283" }), body, ErrSignature},
		"a wrong digit":           {[]Key{key}, with(func(p *Proof) { p.Signature = strings.Repeat("0", 64) }), body, ErrSignature},
		"a short signature":       {[]Key{key}, with(func(p *Proof) { p.Signature = p.Signature[:62] }), body, ErrHeaders},
		"a long signature":        {[]Key{key}, with(func(p *Proof) { p.Signature += "00" }), body, ErrHeaders},
		"an odd signature":        {[]Key{key}, with(func(p *Proof) { p.Signature = p.Signature[:63] }), body, ErrHeaders},
		"no hexadecimal":          {[]Key{key}, with(func(p *Proof) { p.Signature = "g" + p.Signature[1:] }), body, ErrHeaders},
		"an empty signature":      {[]Key{key}, with(func(p *Proof) { p.Signature = "" }), body, ErrHeaders},
		"a signature with spaces": {[]Key{key}, with(func(p *Proof) { p.Signature = " " + p.Signature }), body, ErrHeaders},
	} {
		t.Run(name, func(t *testing.T) {
			if err := Verify(c.keys, c.proof, c.body); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// TestParseKey_TellsNoLength: a status says the error to people who may not read the Secret. Of whatever Secret is named, it
// says that it is no key, and not how long it is.
func TestParseKey_TellsNoLength(t *testing.T) {
	said := map[string]bool{}
	for length := range 4 * MaxKeyLength {
		if length >= MinKeyLength && length <= MaxKeyLength {
			continue
		}
		_, err := ParseKey([]byte(strings.Repeat("k", length)))
		if err == nil {
			t.Fatalf("a key of %d characters", length)
		}
		said[err.Error()] = true
	}
	if len(said) != 1 {
		t.Errorf("the error tells lengths apart: %v", said)
	}
}

func TestParseKey(t *testing.T) {
	for name, c := range map[string]struct {
		raw  string
		good bool
	}{
		"32":                   {strings.Repeat("k", 32), true},
		"64":                   {strings.Repeat("k", 64), true},
		"64 wide characters":   {strings.Repeat("密", 64), true},
		"a newline":            {secret + "\n", true},
		"a DOS newline":        {secret + "\r\n", true},
		"empty":                {"", false},
		"a newline alone":      {"\n", false},
		"31":                   {strings.Repeat("k", 31), false},
		"31 and a newline":     {strings.Repeat("k", 31) + "\n", false},
		"65":                   {strings.Repeat("k", 65), false},
		"invalid UTF-8":        {strings.Repeat("\xff", 32), false},
		"64 and two newlines":  {strings.Repeat("k", 64) + "\n\n", false},
		"64 and a lone return": {strings.Repeat("k", 64) + "\r", false},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := ParseKey([]byte(c.raw))
			if (err == nil) != c.good || (err != nil && !errors.Is(err, ErrKey)) {
				t.Fatalf("got %v", err)
			}
			if err != nil && len(c.raw) > 2 && strings.Contains(err.Error(), strings.TrimSpace(c.raw)) {
				t.Errorf("the error tells the key: %v", err)
			}
			if c.good && strings.TrimRight(c.raw, "\r\n") != string(key.secret) {
				t.Errorf("key is %q", key.secret)
			}
		})
	}
	key := mustKey(t, secret)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if text := fmt.Sprintf(verb, key); strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
			t.Errorf("%s tells the key: %s", verb, text)
		}
		if text := fmt.Sprintf(verb, []Key{key}); strings.Contains(text, secret) {
			t.Errorf("%s of a list tells the key: %s", verb, text)
		}
	}
}

func TestProofFromHeader(t *testing.T) {
	full := Proof{Rand: "1", Timestamp: "2", Signature: strings.Repeat("ab", 32)}
	for name, c := range map[string]struct {
		change func(http.Header)
		want   error
	}{
		"all three":         {func(http.Header) {}, nil},
		"none":              {func(h http.Header) { clear(h) }, ErrUnsigned},
		"empty ones":        {func(h http.Header) { Proof{}.SetHeader(h) }, ErrUnsigned},
		"no signature":      {func(h http.Header) { h.Del(HeaderSignature) }, ErrHeaders},
		"an empty rand":     {func(h http.Header) { h.Set(HeaderRand, "") }, ErrHeaders},
		"two signatures":    {func(h http.Header) { h.Add(HeaderSignature, "x") }, ErrHeaders},
		"two timestamps":    {func(h http.Header) { h.Add(HeaderTimestamp, "2") }, ErrHeaders},
		"two rands":         {func(h http.Header) { h.Add(HeaderRand, "1") }, ErrHeaders},
		"joined rands":      {func(h http.Header) { h.Set(HeaderRand, "1, 1") }, ErrHeaders},
		"joined times":      {func(h http.Header) { h.Set(HeaderTimestamp, "2,2") }, ErrHeaders},
		"joined proofs":     {func(h http.Header) { h.Set(HeaderSignature, full.Signature+", "+full.Signature) }, ErrHeaders},
		"a huge rand":       {func(h http.Header) { h.Set(HeaderRand, strings.Repeat("1", 10_000)) }, ErrHeaders},
		"an unknown header": {func(h http.Header) { h.Set("X-Rtc-Other", "1") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			header := http.Header{}
			full.SetHeader(header)
			c.change(header)
			got, err := ProofFromHeader(header)
			if !errors.Is(err, c.want) || (err == nil && got != full) {
				t.Errorf("got %v, %v; want %v", got, err, c.want)
			}
			if err != nil && len(err.Error()) > 200 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestDigest(t *testing.T) {
	lower := Proof{Signature: strings.Repeat("ab", 32)}
	upper := Proof{Signature: strings.Repeat("AB", 32), Rand: "1"}
	if lower.Digest() != upper.Digest() || len(lower.Digest()) != 32 {
		t.Errorf("%q and %q", lower.Digest(), upper.Digest())
	}
	for _, signature := range []string{"", "xyz", strings.Repeat("ab", 31)} {
		if got := (Proof{Signature: signature}).Digest(); got != Unsigned {
			t.Errorf("%q: %q", signature, got)
		}
	}
}

func TestCheckTimestamp(t *testing.T) {
	now := time.Unix(1619600282, 0)
	for name, c := range map[string]struct {
		text string
		good bool
	}{
		"now in seconds":           {"1619600282", true},
		"now in milliseconds":      {"1619600282123", true},
		"before, within":           {"1619599382", true},
		"before, without":          {"1619599381", false},
		"after, within":            {"1619601182", true},
		"after, without":           {"1619601183", false},
		"milliseconds long before": {"1519600282123", false},
		"empty":                    {"", false},
		"text":                     {"now", false},
		"negative":                 {"-1619600282", false},
		"signed":                   {"+1619600282", false},
		"fraction":                 {"1619600282.5", false},
		"huge":                     {"99999999999999999999999", false},
		"beyond the year 9999":     {"253402300800000", false},
		"nanoseconds":              {"1619600282123456789", false},
	} {
		t.Run(name, func(t *testing.T) {
			err := CheckTimestamp(c.text, 15*time.Minute, now)
			if (err == nil) != c.good || (err != nil && !errors.Is(err, ErrTimestamp)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestObserveTimestamp(t *testing.T) {
	now := time.Unix(1619600282, 0)
	for text, want := range map[string]struct {
		unit Unit
		skew time.Duration
	}{
		"1619600282":             {Seconds, 0},
		"1619600222":             {Seconds, -time.Minute},
		"1619643482":             {Seconds, 12 * time.Hour},
		"1619600282500":          {Milliseconds, 500 * time.Millisecond},
		"1619600222000":          {Milliseconds, -time.Minute},
		"":                       {UnknownUnit, 0},
		"now":                    {UnknownUnit, 0},
		"61960028":               {UnknownUnit, 0},
		"1519600282":             {UnknownUnit, 0},
		"161960028200":           {UnknownUnit, 0},
		"1619600282123456789":    {UnknownUnit, 0},
		"9999999999999999999999": {UnknownUnit, 0},
	} {
		if unit, skew := ObserveTimestamp(text, now); unit != want.unit || skew != want.skew {
			t.Errorf("%q: %s, %s; want %s, %s", text, unit, skew, want.unit, want.skew)
		}
	}
}

func FuzzVerify(f *testing.F) {
	key := mustKey(f, secret)
	f.Add("5577006791947779410", "1619600282", "59667f8e399fe0b4cde334567ccae539a5977a82924f0020a89ce100d4cb5f72", fixture(f, "complete-hls.json"))
	f.Add("", "", "", []byte(nil))
	f.Add("1", "2", strings.Repeat("00", 32), []byte("{}"))
	f.Add("1", "x", strings.Repeat("AF", 32), []byte("\xff"))
	f.Fuzz(func(t *testing.T, rand, timestamp, signature string, body []byte) {
		offered := Proof{Rand: rand, Timestamp: timestamp, Signature: signature}
		signed, err := Sign(key, rand, timestamp, body)
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify([]Key{key}, signed, body); err != nil {
			t.Errorf("its own signature: %v", err)
		}
		if err := Verify([]Key{key}, offered, body); (err == nil) != strings.EqualFold(signature, signed.Signature) {
			t.Errorf("offered %q: %v", signature, err)
		}
		at, parseErr := ParseTimestamp(timestamp)
		if parseErr == nil && (at.Year() < 1970 || at.Year() > 9999) {
			t.Errorf("timestamp %q is read as %s", timestamp, at)
		}
		if unit, skew := ObserveTimestamp(timestamp, time.Unix(1619600282, 0)); skew.Abs() > theseDays || (parseErr != nil && unit != UnknownUnit) {
			t.Errorf("timestamp %q is observed as %s, %s", timestamp, unit, skew)
		}
		if _, ok := offered.MAC(); ok == (offered.Digest() == Unsigned) {
			t.Errorf("signature %q: well-formed is %v, digest is %s", signature, ok, offered.Digest())
		}
	})
}

// TestGenerateKey_IsUsable: the service and the receiver take it, and no two are the same.
func TestGenerateKey_IsUsable(t *testing.T) {
	ids := map[string]bool{}
	for range 100 {
		text := GenerateKey()
		key, err := ParseKey(text)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) != MaxKeyLength {
			t.Errorf("%d characters", len(text))
		}
		if strings.Contains(string(text), key.ID()) || len(key.ID()) != 16 {
			t.Errorf("the ID is part of the key, or no ID: %q", key.ID())
		}
		ids[key.ID()] = true
	}
	if len(ids) != 100 {
		t.Errorf("%d different keys of 100", len(ids))
	}
}
