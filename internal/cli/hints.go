// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"

	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// A variant is what an input becomes by one usual mistake.
type variant struct {
	// mistake says what is wrong; empty for the input as it is.
	mistake string
	bytes   []byte
}

// findHints looks for a usual mistake, or a pair of them, with which the signature would match, and says what they
// are; nil when there is none. The key is as its Secret holds it; nothing of it is in what is returned.
func findHints(rawKey []byte, proof sparkrtc.Proof, body []byte) []string {
	signature, note := decodeSignature(proof.Signature)
	if signature == nil {
		return nil
	}
	keys, bodies := keyVariants(rawKey), bodyVariants(body)
	var found []string
	for _, key := range keys {
		for _, b := range bodies {
			for _, message := range messageVariants(proof, b.bytes) {
				mistakes := nonEmpty(note, key.mistake, b.mistake, message.mistake)
				if len(mistakes) == 0 || (found != nil && len(mistakes) >= len(found)) {
					continue
				}
				if hmac.Equal(signature, hmacOf(key.bytes, message.bytes)) {
					found = mistakes
				}
			}
		}
	}
	return found
}

func hmacOf(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(message)
	return h.Sum(nil)
}

func nonEmpty(texts ...string) []string {
	var filled []string
	for _, text := range texts {
		if text != "" {
			filled = append(filled, text)
		}
	}
	return filled
}

// decodeSignature reads a signature however it is written, and says so when it is not written as it should be.
func decodeSignature(text string) (signature []byte, mistake string) {
	trimmed := strings.TrimSpace(text)
	cut, prefixed := strings.CutPrefix(strings.ToLower(trimmed), "sha256=")
	if signature, err := hex.DecodeString(cut); err == nil && len(signature) == sha256.Size {
		switch {
		case prefixed:
			return signature, `the signature begins with "sha256="; it should be the hexadecimal digits alone`
		case trimmed != text:
			return signature, "the signature has white space around it"
		default:
			return signature, ""
		}
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if signature, err := encoding.DecodeString(trimmed); err == nil && len(signature) == sha256.Size {
			return signature, "the signature is written in base64; it should be hexadecimal"
		}
	}
	return nil, ""
}

// keyVariants are what a key may have been taken for. One trailing newline of the Secret is no part of the key.
func keyVariants(raw []byte) []variant {
	key := bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
	variants := []variant{
		{"", key},
		{"the sender's key ends with a newline", append(bytes.Clone(key), '\n')},
		{"the sender's key ends with a carriage return and a newline", append(bytes.Clone(key), "\r\n"...)},
		{"the sender's key ends with a space", append(bytes.Clone(key), ' ')},
		{"the key in the Secret has white space around it that the sender's has not", bytes.TrimSpace(raw)},
		{"the key in the Secret has quotation marks around it that the sender's has not", bytes.Trim(key, `"'`)},
		{"the sender's key is the base64 form of the one in the Secret", []byte(base64.StdEncoding.EncodeToString(key))},
		{"the sender's key is the base64 form of the one in the Secret, with a newline", []byte(base64.StdEncoding.EncodeToString(append(bytes.Clone(key), '\n')))},
		{"the sender's key is the one in the Secret in lower case", bytes.ToLower(key)},
		{"the sender's key is the one in the Secret in upper case", bytes.ToUpper(key)},
		{"the sender's key is empty", nil},
	}
	if decoded, err := base64.StdEncoding.DecodeString(string(key)); err == nil {
		variants = append(variants, variant{"the key in the Secret is the base64 form of the sender's: it was encoded twice", decoded},
			variant{"the key in the Secret is the base64 form of the sender's, with a newline: it was encoded twice", bytes.TrimSpace(decoded)})
	}
	if decoded, err := hex.DecodeString(string(key)); err == nil {
		variants = append(variants, variant{"the sender took the key's hexadecimal digits for bytes", decoded})
	}
	return distinct(variants)
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// bodyVariants are what the body may have been when it was signed, before an editor, a proxy or a copy changed it.
func bodyVariants(body []byte) []variant {
	variants := []variant{
		{"", body},
		{"the captured body ends with a newline that was not signed", bytes.TrimSuffix(body, []byte("\n"))},
		{"the captured body ends with a carriage return and a newline that were not signed", bytes.TrimSuffix(body, []byte("\r\n"))},
		{"the captured body has white space around it that was not signed", bytes.TrimSpace(body)},
		{"the captured body lacks the newline that was signed at its end", append(bytes.Clone(body), '\n')},
		{"the captured body lacks the carriage return and the newline that were signed at its end", append(bytes.Clone(body), "\r\n"...)},
		{"the lines of the captured body end with CR LF, but with LF when it was signed", bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))},
		{"the lines of the captured body end with LF, but with CR LF when it was signed", bytes.ReplaceAll(bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))},
		{"the captured body begins with a byte order mark that was not signed", bytes.TrimPrefix(body, byteOrderMark)},
		{"the captured body lacks the byte order mark that was signed", append(bytes.Clone(byteOrderMark), body...)},
		{"the signature leaves the body out", nil},
	}
	var compact bytes.Buffer
	if json.Compact(&compact, bytes.TrimPrefix(body, byteOrderMark)) == nil {
		variants = append(variants,
			variant{"the captured body was reformatted: it was compact JSON when it was signed", compact.Bytes()},
			variant{`the captured body was reformatted: it was JSON of one line with a space after each "," and ":" when it was signed`, spaced(compact.Bytes())})
	}
	return distinct(variants)
}

// spaced is compact JSON with a space after each comma and colon, as the service's guide shows bodies.
func spaced(compact []byte) []byte {
	var b bytes.Buffer
	inString, escaped := false, false
	for _, c := range compact {
		b.WriteByte(c)
		switch {
		case escaped:
			escaped = false
		case inString && c == '\\':
			escaped = true
		case c == '"':
			inString = !inString
		case !inString && (c == ',' || c == ':'):
			b.WriteByte(' ')
		}
	}
	return b.Bytes()
}

// messageVariants are what may have been signed of rand, timestamp and body.
func messageVariants(proof sparkrtc.Proof, body []byte) []variant {
	join := func(parts ...string) []byte { return []byte(strings.Join(parts, "")) }
	text := string(body)
	return []variant{
		{"", join(proof.Rand, proof.Timestamp, text)},
		{"rand and timestamp are swapped: " + sparkrtc.HeaderRand + " comes first", join(proof.Timestamp, proof.Rand, text)},
		{"the body comes first; it should come after rand and timestamp", join(text, proof.Rand, proof.Timestamp)},
		{"the body alone is signed, without rand and timestamp", []byte(text)},
		{"the timestamp is not signed", join(proof.Rand, text)},
		{"the rand is not signed", join(proof.Timestamp, text)},
		{"there are newlines between rand, timestamp and body; there should be nothing", join(proof.Rand, "\n", proof.Timestamp, "\n", text)},
	}
}

// distinct drops variants that are the same as one before.
func distinct(variants []variant) []variant {
	var kept []variant
	for _, v := range variants {
		known := false
		for _, k := range kept {
			known = known || bytes.Equal(k.bytes, v.bytes)
		}
		if !known {
			kept = append(kept, v)
		}
	}
	return kept
}
