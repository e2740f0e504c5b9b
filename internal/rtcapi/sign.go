// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rtcapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The algorithm SDK-HMAC-SHA256, as "API Request Signing Guide: AK/SK Signing and Authentication Algorithm" of Huawei Cloud
// documents it. docs/architecture.md says why the official SDK is not used; test/rtcsdk compares with it.
const (
	algorithm  = "SDK-HMAC-SHA256"
	dateFormat = "20060102T150405Z"

	headerDate          = "X-Sdk-Date"
	headerProject       = "X-Project-Id"
	headerAuthorization = "Authorization"
)

// sign adds the headers X-Sdk-Date and Authorization to a request, for the access key and the time. Signed are the method,
// the path, the body, the host, and the headers X-Sdk-Date and X-Project-Id. The client's requests have no query, and their
// paths nothing that would have to be escaped (appIDForm).
func sign(request *http.Request, body []byte, accessKeyID, secretAccessKey string, now time.Time) {
	date := now.UTC().Format(dateFormat)
	request.Header.Set(headerDate, date)
	const list = "host;x-project-id;x-sdk-date"
	headers := fmt.Sprintf("host:%s\nx-project-id:%s\nx-sdk-date:%s\n", request.Host, request.Header.Get(headerProject), date)
	canonical := strings.Join([]string{
		request.Method, request.URL.Path + "/", "", headers, list, hash(body),
	}, "\n")
	toSign := strings.Join([]string{algorithm, date, hash([]byte(canonical))}, "\n")
	mac := hmac.New(sha256.New, []byte(secretAccessKey))
	_, _ = mac.Write([]byte(toSign)) // a hash never fails to write
	request.Header.Set(headerAuthorization, fmt.Sprintf("%s Access=%s, SignedHeaders=%s, Signature=%s",
		algorithm, accessKeyID, list, hex.EncodeToString(mac.Sum(nil))))
}

func hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
