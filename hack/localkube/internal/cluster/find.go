// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sparkrtc.dev/recording-operator/hack/localkube/internal/proc"
)

// What a cluster has put on the machine is found by names that only it uses, not
// by what was written down: so it is found after any accident.

// found is a process of the cluster.
type found struct {
	program string
	proc.Record
}

// findProcesses finds the components, with or without a record, and the shims
// that hold containers.
func findProcesses(state string) []found {
	var all []found
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		cmdline, err := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if err != nil || !isOurs(cmdline, state) {
			continue
		}
		if r, err := proc.Of(pid); err == nil && r.Alive() {
			all = append(all, found{program(cmdline), r})
		}
	}
	return all
}

func program(cmdline []byte) string {
	first, _, _ := bytes.Cut(cmdline, []byte{0})
	return filepath.Base(string(first))
}

// isOurs looks at a command line as /proc shows it: words that end in a NUL each.
func isOurs(cmdline []byte, state string) bool {
	name := program(cmdline)
	switch {
	case strings.HasPrefix(name, "containerd-shim"):
		return bytes.Contains(cmdline, []byte("\x00"+containerdSocket()+"\x00"))
	case slices.Contains(componentNames(), name):
		return bytes.Contains(cmdline, []byte("="+state+"/"))
	}
	return false
}

// mountPoints lists what is mounted below the directories, the deepest first.
func mountPoints(dirs ...string) []string {
	data, _ := os.ReadFile("/proc/self/mountinfo")
	points := parseMounts(string(data), dirs...)
	slices.Reverse(points)
	return points
}

// parseMounts reads mount points in the order in which they were mounted.
func parseMounts(mountinfo string, dirs ...string) []string {
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var points []string
	for line := range strings.Lines(mountinfo) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		point := unescape.Replace(fields[4])
		if slices.ContainsFunc(dirs, func(dir string) bool { return strings.HasPrefix(point, dir+"/") || point == dir }) {
			points = append(points, point)
		}
	}
	return points
}
