// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const cgroupFS = "/sys/fs/cgroup"

// cgroupHierarchies are the mounted hierarchies: one in version 2, in version 1
// one per controller.
func cgroupHierarchies() []string {
	if _, err := os.Stat(filepath.Join(cgroupFS, "cgroup.controllers")); err == nil {
		return []string{cgroupFS}
	}
	found, _ := filepath.Glob(filepath.Join(cgroupFS, "*", "cgroup.procs"))
	var dirs []string
	for _, f := range found {
		dirs = append(dirs, filepath.Dir(f))
	}
	return dirs
}

// makeCgroups makes the root under which the kubelet puts every pod.
func makeCgroups() error {
	for _, hierarchy := range cgroupHierarchies() {
		if hierarchy == cgroupFS {
			for _, controller := range []string{"cpuset", "cpu", "io", "memory", "hugetlb", "pids"} {
				// Those that the kernel lacks, or has given away already, stay as they are.
				_ = os.WriteFile(filepath.Join(cgroupFS, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
			}
		}
		dir := filepath.Join(hierarchy, cgroupName)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("make the pods' cgroup: %w", err)
		}
		// A cpuset of version 1 starts empty, and then takes no process.
		for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
			if all, err := os.ReadFile(filepath.Join(hierarchy, name)); err == nil {
				_ = os.WriteFile(filepath.Join(dir, name), all, 0o644)
			}
		}
	}
	return nil
}

// ourCgroups lists every cgroup of ours, the deepest first.
func ourCgroups() []string {
	var dirs []string
	for _, hierarchy := range cgroupHierarchies() {
		_ = filepath.WalkDir(filepath.Join(hierarchy, cgroupName), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil // what vanishes while it is looked at needs no removal
		})
	}
	slices.SortFunc(dirs, func(a, b string) int { return strings.Count(b, "/") - strings.Count(a, "/") })
	return dirs
}

// removeCgroups kills all that runs in the pods' cgroups and removes them.
func removeCgroups() error {
	var left []string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		left = nil
		for _, dir := range ourCgroups() {
			for _, pid := range pidsIn(dir) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
				left = append(left, dir)
			}
		}
		if len(left) == 0 {
			return nil
		}
	}
	return fmt.Errorf("these cgroups cannot be removed: %s", strings.Join(left, ", "))
}

func pidsIn(cgroup string) []int {
	data, _ := os.ReadFile(filepath.Join(cgroup, "cgroup.procs"))
	var pids []int
	for field := range strings.FieldsSeq(string(data)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 1 {
			pids = append(pids, pid)
		}
	}
	return pids
}
