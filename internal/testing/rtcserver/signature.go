// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rtcserver

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// authorization is the header of a signed request.
var authorization = regexp.MustCompile(`^SDK-HMAC-SHA256 Access=([^,]+), SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$`)

// maxClockSkew is how far from the server's time a request may be made.
const maxClockSkew = 15 * time.Minute

// verify checks a request's signature. It shares no code with the client: it follows the algorithm's documentation from
// the side of the server, and signs the headers that the request names.
func verify(r *http.Request, body []byte, keys map[string]string, now time.Time) error {
	parts := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if parts == nil {
		return errors.New("the header Authorization is missing or malformed")
	}
	secret, known := keys[parts[1]]
	if !known {
		return errors.New("the access key is unknown")
	}
	date := r.Header.Get("X-Sdk-Date")
	made, err := time.Parse("20060102T150405Z", date)
	if err != nil || made.Sub(now).Abs() > maxClockSkew {
		return errors.New("the header X-Sdk-Date is missing, or not of now")
	}
	names := strings.Split(parts[2], ";")
	if !slices.Contains(names, "x-sdk-date") {
		return errors.New("the header X-Sdk-Date is not signed")
	}
	if !slices.IsSorted(names) {
		return errors.New("the signed headers are not sorted")
	}
	canonical := sha256.New()
	_, _ = fmt.Fprintf(canonical, "%s\n%s\n\n", r.Method, path(r.URL)) // the API's requests have no query
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		_, _ = fmt.Fprintf(canonical, "%s:%s\n", name, strings.TrimSpace(value))
	}
	_, _ = fmt.Fprintf(canonical, "\n%s\n%x", parts[2], sha256.Sum256(body))
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(mac, "SDK-HMAC-SHA256\n%s\n%x", date, canonical.Sum(nil))
	if !hmac.Equal(fmt.Appendf(nil, "%x", mac.Sum(nil)), []byte(parts[3])) {
		return errors.New("the signature is wrong")
	}
	return nil
}

// path is the canonical path: each part escaped, and a slash at the end. QueryEscape differs from RFC 3986 in the blank alone.
func path(u *url.URL) string {
	parts := strings.Split(strings.TrimSuffix(u.Path, "/"), "/")
	for i, part := range parts {
		parts[i] = strings.ReplaceAll(url.QueryEscape(part), "+", "%20")
	}
	return strings.Join(parts, "/") + "/"
}
