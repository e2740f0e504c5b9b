// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package debug writes an archive that people can send with a question: the objects, pods, events and logs of an installation,
// without its secrets.
package debug

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	// redacted stands where something was left out.
	redacted = "[redacted]"
	// minSecret is the shortest value of a Secret that is searched for, in bytes: shorter ones are in every text.
	minSecret = 4
	// minLine is the shortest line of a value of several lines that is searched for by itself.
	minLine = 16
)

// Redactor removes values of Secrets from texts and objects.
type Redactor struct{ replacer *strings.Replacer }

// NewRedactor makes one that knows some values.
func NewRedactor(values [][]byte) *Redactor {
	forms := map[string]bool{}
	for _, value := range values {
		addForms(forms, value)
		addForms(forms, bytes.TrimSpace(value))
		lines := bytes.Split(value, []byte("\n"))
		for _, line := range lines {
			if line = bytes.TrimSpace(line); len(lines) > 1 && len(line) >= minLine {
				addForms(forms, line)
			}
		}
	}
	var sorted []string
	for form := range forms {
		sorted = append(sorted, form)
	}
	// Of several that begin at one place, the replacer takes the first: the longest must be it.
	slices.SortFunc(sorted, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	pairs := make([]string, 0, 2*len(sorted))
	for _, form := range sorted {
		pairs = append(pairs, form, redacted)
	}
	return &Redactor{replacer: strings.NewReplacer(pairs...)}
}

// addForms adds the ways in which a value is written.
func addForms(forms map[string]bool, value []byte) {
	if len(value) < minSecret {
		return
	}
	text := string(value)
	add := func(form string) {
		if len(form) >= minSecret {
			forms[form] = true
		}
	}
	add(text)
	add(url.QueryEscape(text))
	add(url.PathEscape(text))
	add(hex.EncodeToString(value))
	add(strings.ToUpper(hex.EncodeToString(value)))
	// Into JSON in a string of JSON, as in an annotation that is printed as JSON.
	for range 2 {
		quoted, err := json.Marshal(text)
		if err != nil {
			break
		}
		text = string(quoted[1 : len(quoted)-1])
		add(text)
	}
	for _, form := range base64Forms(value) {
		add(form)
		add(strings.NewReplacer("+", "-", "/", "_").Replace(form))
	}
}

// base64Forms are what base64 of any text that contains the value contains: three bytes become four characters, so there are
// three of them. The characters at the ends that depend on the bytes beside the value too are left out.
func base64Forms(value []byte) []string {
	forms := []string{base64.StdEncoding.EncodeToString(value)}
	for before := range 3 {
		padded := append(make([]byte, before), value...)
		encoded := base64.RawStdEncoding.EncodeToString(padded)
		first := (before*8 + 5) / 6 // characters that hold a bit of what stands before
		last := len(padded) * 8 / 6 // characters that hold bits of the value alone
		if inner := encoded[min(first, last):last]; len(inner) >= minSecret {
			forms = append(forms, inner)
		}
	}
	return forms
}

// Of what looks like a secret whatever its value is.
var (
	userInfo = regexp.MustCompile(`(\w+://)[^\s/@"']+@`)
	query    = regexp.MustCompile(`(\w+://[^\s?"'\\]+\?)[^\s"'\\]+`)
	bearer   = regexp.MustCompile(`(?i)(bearer\s+)[a-z0-9._~+/=-]+`)
	jwt      = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`)
)

// Text removes what is known to be secret, and what looks like it: credentials in URLs, their queries, and tokens.
func (r *Redactor) Text(text string) string {
	text = r.replacer.Replace(text)
	text = userInfo.ReplaceAllString(text, "${1}"+redacted+"@")
	text = query.ReplaceAllString(text, "${1}"+redacted)
	text = bearer.ReplaceAllString(text, "${1}"+redacted)
	return jwt.ReplaceAllString(text, redacted)
}

// Object removes from an object, in place, what may hold secrets whatever their values are: values of environment variables,
// annotations of others, managed fields, and the bodies of rejected callbacks. Then it treats every string as Text does.
func (r *Redactor) Object(object map[string]any) {
	if metadata, ok := object["metadata"].(map[string]any); ok {
		delete(metadata, "managedFields")
	}
	if spec, ok := object["spec"].(map[string]any); ok && object["kind"] == "RejectedCallback" {
		delete(spec, "body")
	}
	r.fields(object)
}

func (r *Redactor) fields(object map[string]any) {
	// A map that is ranged over may show what is added meanwhile, which would be redacted once more.
	for _, key := range slices.Sorted(maps.Keys(object)) {
		switch value := object[key].(type) {
		case map[string]any:
			if key == "annotations" {
				dropForeign(value)
			}
			r.fields(value)
		case []any:
			if key == "env" {
				dropValues(value)
			}
			r.items(value)
		case string:
			object[key] = r.Text(value)
		}
		if clean := r.Text(key); clean != key {
			object[clean] = object[key]
			delete(object, key)
		}
	}
}

func (r *Redactor) items(items []any) {
	for i, item := range items {
		switch item := item.(type) {
		case map[string]any:
			r.fields(item)
		case []any:
			r.items(item)
		case string:
			items[i] = r.Text(item)
		}
	}
}

// dropForeign keeps the operator's annotations. Those of others may hold anything: kubectl apply keeps whole objects in one.
func dropForeign(annotations map[string]any) {
	for key := range annotations {
		if !strings.HasPrefix(key, v1alpha1.GroupVersion.Group+"/") {
			annotations[key] = redacted
		}
	}
}

// dropValues leaves of environment variables their names and where their values are from.
func dropValues(variables []any) {
	for _, variable := range variables {
		if fields, ok := variable.(map[string]any); ok && fields["value"] != nil {
			fields["value"] = redacted
		}
	}
}
