/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package media

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
