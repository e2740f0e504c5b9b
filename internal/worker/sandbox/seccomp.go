// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"os"
	"slices"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// denied are the system calls that a program which turns files into files never needs.
var denied = []string{
	// The network, also by io_uring, which has sockets of its own.
	"socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg", "sendmmsg",
	"recvfrom", "recvmsg", "recvmmsg", "io_uring_setup", "io_uring_enter", "io_uring_register",
	// Other processes: their memory and their threads' properties.
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "pidfd_getfd", "pidfd_open",
	"kcmp", "perf_event_open", "migrate_pages", "move_pages", "setpriority", "ioprio_set", "sched_setscheduler",
	"sched_setparam", "sched_setattr", "sched_setaffinity",
	// Signals to other processes; argumentRules allow tgkill to itself, which abort(3) and threads need.
	"kill", "tkill", "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
	// New processes, which could leave the process group that is ended with the program; threads are made by clone.
	"fork", "vfork", "setsid", "setpgid",
	// What the containers of a pod share beside the network: System V and POSIX message queues and shared memory.
	"shmget", "msgget", "semget", "mq_open",
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

// missing is a system call that is answered as if the kernel did not have it (ENOSYS): the C library then makes threads
// by clone, whose flags a filter can see.
const missing = "clone3"

// argumentRules are the values of one argument that a system call is refused for.
func argumentRules(pid int) []seccomp.NameWithConditions {
	not := func(name string, argument uint32, allowed ...uint64) seccomp.NameWithConditions {
		rule := seccomp.NameWithConditions{Name: name}
		for _, value := range allowed {
			rule.Conditions = append(rule.Conditions, seccomp.Condition{Argument: argument, Operation: seccomp.NotEqual, Value: value})
		}
		return rule
	}
	return []seccomp.NameWithConditions{
		// Threads, no processes.
		{Name: "clone", Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: seccomp.BitsNotSet, Value: unix.CLONE_THREAD}}},
		not("tgkill", 0, uint64(pid)), //nolint:gosec // a process ID is positive
		// prlimit64 changes the limits of any process of the same user; getrlimit(3) is prlimit64 of 0, which is oneself.
		not("prlimit64", 0, 0),
		// F_SETOWN has the kernel send signals to another process.
		not("fcntl", 1, unix.F_DUPFD, unix.F_GETFD, unix.F_SETFD, unix.F_GETFL, unix.F_SETFL, unix.F_GETLK, unix.F_SETLK, unix.F_SETLKW,
			unix.F_DUPFD_CLOEXEC, unix.F_GETPIPE_SZ, unix.F_SETPIPE_SZ),
	}
}

// restrictSystemCalls loads several filters; the kernel applies the strictest answer of all. Each argument rule is a
// filter of its own, because the library compares the argument with the numbers of the system calls that follow in the
// same filter.
func restrictSystemCalls() error {
	numbers, err := numberPolicy()
	if err != nil {
		return err
	}
	policies := []seccomp.Policy{numbers}
	for _, rule := range argumentRules(os.Getpid()) {
		policies = append(policies, seccomp.Policy{
			DefaultAction: seccomp.ActionAllow,
			Syscalls:      []seccomp.SyscallGroup{{Action: seccomp.ActionErrno, NamesWithCondtions: []seccomp.NameWithConditions{rule}}},
		})
	}
	for _, policy := range policies {
		if err := seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: policy}); err != nil {
			return err
		}
	}
	return nil
}

// numberPolicy allows this architecture's own system calls less the denied ones, and refuses (EPERM) everything else. It
// is written as a list of what is allowed because the library gives the default action to foreign ABIs: with a list of
// what is denied, 32-bit system calls would pass.
func numberPolicy() (seccomp.Policy, error) {
	info, err := arch.GetInfo("")
	if err != nil {
		return seccomp.Policy{}, err
	}
	refused := map[string]bool{missing: true}
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
		Syscalls: []seccomp.SyscallGroup{
			{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: []string{missing}},
			{Action: seccomp.ActionAllow, Names: allowed},
		},
	}, nil
}
