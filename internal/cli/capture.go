// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// captured is a callback as somebody recorded it.
type captured struct {
	// method and target are those of the request line; empty when it was not captured.
	method, target string
	header         http.Header
	body           []byte
	// notes say what was done to get at the body.
	notes []string
}

// parseRequest reads a raw HTTP/1.1 request: request line, headers, an empty line, and the body to the end of the
// file. Lines may end as HTTP or as Unix has it.
func parseRequest(raw []byte) (*captured, error) {
	c, err := parseHeader(raw)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(c.header.Get("Transfer-Encoding"), "chunked") {
		body, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(c.body)))
		if err != nil {
			return nil, fmt.Errorf("the body is not chunked, though its Transfer-Encoding says so: %w", err)
		}
		c.body, c.notes = body, append(c.notes, "the body was put together from its chunks")
		return c, nil
	}
	c.cut()
	return c, nil
}

// cut keeps as much of the body as Content-Length says.
func (c *captured) cut() {
	length, err := strconv.Atoi(c.header.Get("Content-Length"))
	switch {
	case err != nil || length < 0 || length == len(c.body):
	case length < len(c.body):
		c.notes = append(c.notes, fmt.Sprintf("%d bytes after the %d of Content-Length were left out", len(c.body)-length, length))
		c.body = c.body[:length]
	default:
		c.notes = append(c.notes, fmt.Sprintf("the body has %d bytes, but Content-Length says %d: the capture is cut off, or was changed", len(c.body), length))
	}
}

// parseHeader reads headers, with or without a request line before them, up to an empty line or the end; the body is what
// follows. Empty lines before them are of the editor that the capture was pasted into.
func parseHeader(raw []byte) (*captured, error) {
	c := &captured{}
	raw = bytes.TrimLeft(raw, "\r\n")
	if line, after, found := bytes.Cut(raw, []byte("\n")); found {
		if fields := strings.Fields(string(line)); len(fields) == 3 && strings.HasPrefix(fields[2], "HTTP/") {
			c.method, c.target, raw = fields[0], fields[1], after
		}
	}
	reader := bufio.NewReader(bytes.NewReader(raw))
	header, err := textproto.NewReader(reader).ReadMIMEHeader()
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("not HTTP headers, which are one \"Name: value\" a line: %w", err)
	case len(header) == 0:
		return nil, errors.New("the request has no headers; write one \"Name: value\" a line, an empty line, and the body")
	}
	c.header = http.Header(header)
	c.body, err = io.ReadAll(reader)
	return c, err
}

// strayed says when the request went to another path than the source's; empty when it did not. That does not count for
// the response: somebody may have captured the callback elsewhere.
func (c *captured) strayed(source *v1alpha1.RecordingSource) string {
	if c.target == "" {
		return ""
	}
	path := sparkrtc.Path(source.Namespace, source.Name)
	segments := func(path string) []string { return strings.FieldsFunc(path, func(c rune) bool { return c == '/' }) }
	if u, err := url.ParseRequestURI(c.target); err == nil && slices.Equal(segments(u.EscapedPath()), segments(path)) {
		return ""
	}
	return fmt.Sprintf("the request is for %s; the operator takes it for this source at %s alone", c.target, path)
}
