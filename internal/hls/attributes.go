// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package hls

import (
	"fmt"
	"strings"
)

// parseAttributes reads an attribute list, RFC 8216, 4.2: NAME=value,NAME="quoted, value".
func parseAttributes(list string) (map[string]string, error) {
	attributes := map[string]string{}
	for rest := list; rest != ""; {
		name, after, found := strings.Cut(rest, "=")
		name = strings.TrimLeft(name, " ")
		if !found || name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			return nil, fmt.Errorf("attribute list %.40q", rest)
		}
		if _, twice := attributes[name]; twice {
			return nil, fmt.Errorf("attribute %s twice", name)
		}
		var value string
		if quoted, isQuoted := strings.CutPrefix(after, `"`); isQuoted {
			if value, after, found = strings.Cut(quoted, `"`); !found {
				return nil, fmt.Errorf("attribute %s: the quote does not end", name)
			}
			if after, found = strings.CutPrefix(after, ","); !found && after != "" {
				return nil, fmt.Errorf("attribute %s: text after the quote", name)
			}
		} else {
			value, after, _ = strings.Cut(after, ",")
		}
		attributes[name] = value
		rest = after
	}
	return attributes, nil
}
