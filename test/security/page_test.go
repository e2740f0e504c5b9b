// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package security

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
)

// TestSecurityPage_IsTrue: docs/security.md names tests that exist, one or more for every threat, and every resource that the operator's accounts have a right to.
func TestSecurityPage_IsTrue(t *testing.T) {
	g := NewWithT(t)
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "security.md"))
	g.Expect(err).NotTo(HaveOccurred())
	declared := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for _, root := range []string{"api", "cmd", "hack", "internal", "test"} {
		g.Expect(filepath.WalkDir(filepath.Join("..", "..", root), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, match := range function.FindAllStringSubmatch(string(source), -1) {
				declared[match[1]] = true
			}
			return err
		})).To(Succeed())
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(string(page), -1)
	g.Expect(named).NotTo(BeEmpty())
	g.Expect(len(threats(string(page)))).To(BeNumerically(">", 40))
	for _, match := range named {
		g.Expect(declared).To(HaveKey(match[1]), "docs/security.md names a test that does not exist")
	}
	for _, row := range threats(string(page)) {
		g.Expect(regexp.MustCompile("`(Test|Fuzz)\\w+`").MatchString(row)).To(BeTrue(), "docs/security.md names no test for: %s", row)
	}
	_, rights, _ := strings.Cut(string(page), "\n## Rights\n")
	rights, _, _ = strings.Cut(rights, "\n## ")
	for _, role := range []string{"recording-operator-receiver", "recording-operator-manager", secretsRole, keysRole} {
		for _, rule := range find[rbacv1.ClusterRole](t, "default", "ClusterRole", role).Rules {
			for _, resource := range rule.Resources {
				g.Expect(rights).To(ContainSubstring("`"+resource+"`"), "docs/security.md gives no reason for the right")
			}
		}
	}
}

// TestControllers_GiveNamespacesTurns: every controller that the operator registers has the queue in which namespaces take
// turns.
func TestControllers_GiveNamespacesTurns(t *testing.T) {
	g := NewWithT(t)
	made := regexp.MustCompile(`NewControllerManagedBy\(|\bcontroller\.New(Typed)?(Unmanaged)?\(`)
	queued := regexp.MustCompile(`WithOptions\((queue\.Fair\(|r\.options\(\))`)
	controllers := 0
	for _, root := range []string{"cmd", "internal"} {
		g.Expect(filepath.WalkDir(filepath.Join("..", "..", root), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			// Each statement by itself: one queue does not stand for two controllers of a file.
			for _, registered := range made.FindAllIndex(source, -1) {
				controllers++
				statement, _, _ := strings.Cut(string(source[registered[0]:]), "\n}")
				statement, _, _ = strings.Cut(statement, "Complete(")
				g.Expect(queued.MatchString(statement)).To(BeTrue(), "%s: a controller without turns", path)
			}
			return err
		})).To(Succeed())
	}
	g.Expect(controllers).To(BeNumerically(">=", 10))
}

// threats are the rows of the table of threats, without those that name an attacker alone.
func threats(page string) []string {
	_, table, _ := strings.Cut(page, "\n| Who, and what they try |")
	table, _, _ = strings.Cut(table, "\n\n")
	var rows []string
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| **") && !strings.HasPrefix(line, "| ---") {
			rows = append(rows, line)
		}
	}
	return rows
}
