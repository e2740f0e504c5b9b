// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// notArguments are a comment behind a command line and what is the shell's.
var notArguments = regexp.MustCompile(`\s+(#.*|>.*|&)$`)

// commandsOf are the plugin's command lines in a page: lines of code blocks that begin with it, with what a backslash continues.
func commandsOf(page string) []string {
	var found []string
	for line := range strings.SplitSeq(strings.ReplaceAll(page, "\\\n", " "), "\n") {
		line = strings.TrimPrefix(strings.TrimSpace(line), "$ ")
		if strings.HasPrefix(line, "kubectl recordings ") && !strings.ContainsAny(line, "[|`…") {
			found = append(found, notArguments.ReplaceAllString(line, ""))
		}
	}
	return found
}

// TestPages_HaveCommandsThatThePluginKnows: the plugin has each command of the documentation, with those flags.
func TestPages_HaveCommandsThatThePluginKnows(t *testing.T) {
	pages := []string{filepath.Join("..", "..", "README.md")}
	err := filepath.WalkDir(filepath.Join("..", "..", "docs"), func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, page := range pages {
		content, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandsOf(string(content)) {
			checked++
			words := strings.Fields(line)[2:]
			root := newRoot(Environment{})
			root.SetArgs(words)
			command, rest, err := root.Find(words)
			if err == nil && command == root && words[0] != "--help" {
				t.Errorf("%s: %s: no such command", page, line)
				continue
			}
			if err == nil {
				err = command.ParseFlags(rest)
			}
			if errors.Is(err, pflag.ErrHelp) {
				continue
			}
			if err == nil && command.Args != nil {
				err = command.Args(command, command.Flags().Args())
			}
			if err != nil {
				t.Errorf("%s: %s: %v", page, line, err)
			}
		}
	}
	if checked < 30 {
		t.Errorf("looked at %d commands", checked)
	}
}
