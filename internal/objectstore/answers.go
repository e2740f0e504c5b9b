// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package objectstore

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

const (
	// maxHeaderBytes bounds the headers of an answer: S3 allows user metadata of 2 KB, and others hold no more.
	maxHeaderBytes = 64 << 10
	// maxPageBytes and maxPageTags bound a page of a listing: for each object a key of 1024 bytes, all of them escaped,
	// and some ten elements. Each tag may cost a hundred times its own size once it is decoded.
	maxPageBytes = PageSize * 5 << 10
	maxPageTags  = PageSize * 50
)

var errAnswerTooLarge = errors.New("the answer is larger than a page of a listing can be")

// boundedAnswers keeps a server from filling the operator's memory with an answer that does not end: the client decodes
// a page as a whole.
type boundedAnswers struct{ http.RoundTripper }

// RoundTrip bounds every body but those of objects, which are asked for by ranges and read no further.
func (b boundedAnswers) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(request)
	if err == nil && request.Header.Get("Range") == "" {
		response.Body = &boundedPage{ReadCloser: response.Body, bytes: maxPageBytes, tags: maxPageTags}
	}
	return response, err
}

// boundedPage is a body of XML, and what may still come of it.
type boundedPage struct {
	io.ReadCloser
	bytes, tags int
}

func (p *boundedPage) Read(into []byte) (int, error) {
	n, err := p.ReadCloser.Read(into)
	p.bytes -= n
	p.tags -= bytes.Count(into[:n], []byte{'<'})
	if p.bytes < 0 || p.tags < 0 {
		return 0, errAnswerTooLarge
	}
	return n, err
}
