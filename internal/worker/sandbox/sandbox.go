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

// Package sandbox takes the network and most of the file system away from a program before it runs. ffmpeg reads what
// strangers sent; what a flaw in it can reach is bounded here, not in ffmpeg.
//
// Two walls: seccomp, which must stand (no sockets, no other processes' memory, no new namespaces, no kernel doors;
// foreign system call ABIs are refused whole), and Landlock, which stands where the kernel has it (files).
package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/landlock-lsm/go-landlock/landlock"
)

// Subcommand is the worker's hidden subcommand that runs Run.
const Subcommand = "sandbox"

// Rules say which folders a program may use beside the system's own programs and libraries.
type Rules struct {
	// Read are folders that may be read.
	Read []string
	// Write are folders that may be read and written.
	Write []string
}

// Args is the command line, after the worker's own path, that runs argv under the rules.
func Args(rules Rules, argv []string) []string {
	args := []string{Subcommand}
	for _, dir := range rules.Read {
		args = append(args, "read="+dir)
	}
	for _, dir := range rules.Write {
		args = append(args, "write="+dir)
	}
	return append(append(args, "--"), argv...)
}

// Run does what Args says: args are those after Subcommand. It returns only an error; on success the process has
// become the program. The program gets this process's environment.
func Run(args []string) error {
	rules, argv, err := parse(args)
	if err != nil {
		return err
	}
	// no_new_privs is set for this thread, and the filter then synchronised from it to the others.
	runtime.LockOSThread()
	if err := restrictFiles(rules, filepath.Dir(argv[0])); err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	if err := restrictSystemCalls(); err != nil {
		return fmt.Errorf("seccomp: %w", err)
	}
	if err := syscall.Exec(argv[0], argv, os.Environ()); err != nil { //nolint:gosec // running the given program is this subcommand's purpose
		return fmt.Errorf("run %s: %w", argv[0], err)
	}
	return nil
}

func parse(args []string) (Rules, []string, error) {
	var rules Rules
	for i, arg := range args {
		kind, dir, _ := strings.Cut(arg, "=")
		switch kind {
		case "read":
			rules.Read = append(rules.Read, dir)
		case "write":
			rules.Write = append(rules.Write, dir)
		case "--":
			argv := args[i+1:]
			if len(argv) == 0 || !filepath.IsAbs(argv[0]) {
				return Rules{}, nil, errors.New("sandbox needs the absolute path of a program after --")
			}
			return rules, argv, nil
		default:
			return Rules{}, nil, fmt.Errorf("sandbox does not know %q; it takes read=DIR, write=DIR, --, and a program", arg)
		}
	}
	return Rules{}, nil, errors.New("sandbox needs -- and a program")
}

// restrictFiles is best effort: a kernel without Landlock restricts nothing, and that is not an error, because a
// container's own root file system is read-only and holds no secrets in the process container.
func restrictFiles(rules Rules, programDir string) error {
	return landlock.V5.BestEffort().RestrictPaths(
		landlock.RODirs("/usr", "/lib", "/lib64", "/bin", "/sys/devices/system/cpu", programDir).IgnoreIfMissing(),
		landlock.ROFiles("/etc/ld.so.cache", "/etc/ld.so.conf", "/dev/urandom", "/proc/cpuinfo", "/proc/stat").IgnoreIfMissing(),
		landlock.RWFiles("/dev/null").IgnoreIfMissing(),
		landlock.RODirs(rules.Read...),
		landlock.RWDirs(rules.Write...),
	)
}

// denied are the system calls that a program which turns files into files never needs.
var denied = []string{
	// The network, also by io_uring, which has sockets of its own.
	"socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg", "sendmmsg",
	"recvfrom", "recvmsg", "recvmmsg", "io_uring_setup", "io_uring_enter", "io_uring_register",
	// Other processes.
	"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "pidfd_open", "kcmp", "perf_event_open",
	// Namespaces and mounts.
	"unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig",
	"fsmount", "fspick", "mount_setattr", "open_by_handle_at", "name_to_handle_at",
	// The kernel itself.
	"bpf", "userfaultfd", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot",
	"swapon", "swapoff", "syslog", "acct", "quotactl", "quotactl_fd", "iopl", "ioperm", "settimeofday",
	"clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname", "vhangup", "personality",
	// Keys and credentials.
	"keyctl", "add_key", "request_key", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid",
	"setgroups", "setfsuid", "setfsgid", "capset",
}

func restrictSystemCalls() error {
	policy, err := policy()
	if err != nil {
		return err
	}
	return seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: policy})
}

// policy allows this architecture's own system calls less the denied ones, and refuses (EPERM) everything else. It is
// written as a list of what is allowed because the library gives the default action to foreign ABIs: with a list of
// what is denied, 32-bit system calls would pass.
func policy() (seccomp.Policy, error) {
	info, err := arch.GetInfo("")
	if err != nil {
		return seccomp.Policy{}, err
	}
	refused := make(map[string]bool, len(denied))
	for _, name := range denied {
		refused[name] = true
	}
	var allowed []string
	for name := range info.SyscallNames {
		if !refused[name] {
			allowed = append(allowed, name)
		}
	}
	slices.Sort(allowed)
	return seccomp.Policy{
		DefaultAction: seccomp.ActionErrno,
		Syscalls:      []seccomp.SyscallGroup{{Action: seccomp.ActionAllow, Names: allowed}},
	}, nil
}
