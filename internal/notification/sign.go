// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Signatures are those of Standard Webhooks, version 1, with a symmetric key
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
const (
	headerWebhookID        = "Webhook-Id"
	headerWebhookTimestamp = "Webhook-Timestamp"
	headerWebhookSignature = "Webhook-Signature"
	keyPrefix              = "whsec_"
	// minKey and maxKey bound a key, in bytes, as the specification does.
	minKey, maxKey = 24, 64
	// maxKeys bounds how many keys sign one request.
	maxKeys = 4
)

// signingKeys sign requests. They are never printed.
type signingKeys [][]byte

// Format hides the keys from every verb of fmt.
func (signingKeys) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[signing keys]")) }

var (
	errNoKey      = errors.New("it is empty")
	errTooMany    = fmt.Errorf("it has more than %d lines", maxKeys)
	errKeyForm    = fmt.Errorf("each line must be %s and %d to %d bytes in base64", keyPrefix, minKey, maxKey)
	base64Lenient = base64.RawStdEncoding
)

// parseKeys reads the entry of a Secret: one key a line. Its error holds nothing of it.
func parseKeys(entry []byte) (signingKeys, error) {
	if len(entry) > maxKeys*(len(keyPrefix)+2*maxKey) {
		return nil, errTooMany
	}
	lines := strings.Fields(string(entry))
	switch {
	case len(lines) == 0:
		return nil, errNoKey
	case len(lines) > maxKeys:
		return nil, errTooMany
	}
	keys := make(signingKeys, len(lines))
	for i, line := range lines {
		text, found := strings.CutPrefix(line, keyPrefix)
		key, err := base64Lenient.DecodeString(strings.TrimRight(text, "="))
		if !found || err != nil || len(key) < minKey || len(key) > maxKey {
			return nil, errKeyForm
		}
		keys[i] = key
	}
	return keys, nil
}

// sign adds the headers of a signature with every key.
func (k signingKeys) sign(header http.Header, id string, body []byte, now time.Time) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	signatures := make([]string, len(k))
	for i, key := range k {
		mac := hmac.New(sha256.New, key)
		_, _ = fmt.Fprintf(mac, "%s.%s.", id, timestamp) // a hash takes everything
		_, _ = mac.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	header.Set(headerWebhookID, id)
	header.Set(headerWebhookTimestamp, timestamp)
	header.Set(headerWebhookSignature, strings.Join(signatures, " "))
}
