// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// TestMain lets the test binary be the worker, the program in the sandbox, and a sandbox of one wall.
func TestMain(m *testing.M) {
	if len(os.Args) < 3 {
		os.Exit(m.Run())
	}
	args := os.Args[2:]
	switch os.Args[1] {
	case Subcommand:
		fmt.Println(Run(args))
		os.Exit(ExitCode)
	case wallSeccomp, wallLandlock:
		fmt.Println(runBehind(os.Args[1], args))
		os.Exit(ExitCode)
	case wallNoLandlock:
		fmt.Println(runWithoutLandlock(args))
		os.Exit(ExitCode)
	case "worker":
		fmt.Println(attackedWorker(args))
		os.Exit(0)
	case "attempt":
		fmt.Println(attempt(args[0], args[1:]...))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Walls that stand alone in a test.
const (
	wallSeccomp  = "seccomp"
	wallLandlock = "landlock"
	wallNone     = "none"
	// wallNoLandlock is the whole sandbox on a kernel that answers as if it had no Landlock.
	wallNoLandlock = "no landlock"
)

// runWithoutLandlock is Run on such a kernel.
func runWithoutLandlock(args []string) error {
	runtime.LockOSThread()
	filter := seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		Syscalls: []seccomp.SyscallGroup{{Action: seccomp.ActionErrno, Names: []string{
			"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}}},
	}}
	if err := seccomp.LoadFilter(filter); err != nil {
		return err
	}
	return Run(args)
}

// runBehind is Run with one wall only.
func runBehind(wall string, args []string) error {
	rules, argv, err := parse(args)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	if wall == wallSeccomp {
		err = restrictSystemCalls()
	} else {
		err = restrictFiles(rules, filepath.Dir(argv[0]))
	}
	if err != nil {
		return err
	}
	return unix.Exec(argv[0], argv, os.Environ())
}

// attempt does what a program might do that a recording has taken over.
func attempt(what string, args ...string) error {
	switch what {
	case "dial":
		_, err := net.Dial("tcp", args[0])
		return err
	case "socketpair":
		_, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		return err
	case "io_uring":
		_, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0)
		return errno
	case "unshare":
		return unix.Unshare(unix.CLONE_NEWUSER)
	case "ptrace":
		return unix.PtraceAttach(os.Getppid())
	case "read":
		_, err := os.ReadFile(args[0])
		return err
	case "write":
		return os.WriteFile(args[0], []byte("x"), 0o600)
	case "overwrite":
		return overwriteParent(args[0])
	}
	return attemptOnParent(what)
}

// attemptOnParent reaches for the process that started this one, without doing it harm.
func attemptOnParent(what string) error {
	parent := os.Getppid()
	switch what {
	case "kill":
		return unix.Kill(parent, 0)
	case "tgkill":
		return unix.Tgkill(parent, parent, 0)
	case "tkill":
		if _, _, errno := unix.Syscall(unix.SYS_TKILL, uintptr(parent), 0, 0); errno != 0 {
			return errno
		}
		return nil
	case "raise":
		return unix.Tgkill(os.Getpid(), unix.Gettid(), 0)
	case "setown", "setown high":
		read, _, err := os.Pipe()
		if err != nil {
			return err
		}
		command := uintptr(unix.F_SETOWN)
		if what == "setown high" {
			command |= 1 << 32 // the kernel ignores it
		}
		if _, _, errno := unix.Syscall(unix.SYS_FCNTL, read.Fd(), command, uintptr(parent)); errno != 0 {
			return errno
		}
		return nil
	case "prlimit":
		return unix.Prlimit(parent, unix.RLIMIT_NOFILE, nil, new(unix.Rlimit))
	case "fork":
		return exec.Command("/bin/true").Run()
	}
	return errors.New("unknown attempt")
}

// overwriteParent writes "owned" to an address of the parent's memory.
func overwriteParent(address string) error {
	at, err := strconv.ParseInt(address, 10, 64)
	if err != nil {
		return err
	}
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", os.Getppid()), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = memory.WriteAt([]byte("owned"), at)
	return err
}

// victim is what overwriteParent is aimed at.
var victim = [5]byte([]byte("whole"))

// attackedWorker starts a program behind a wall that tries to overwrite victim, and says what became of it. Its arguments
// are the wall, and "protected" if it protects its memory.
func attackedWorker(args []string) string {
	if slices.Contains(args, "protected") {
		if err := ProtectMemory(); err != nil {
			return err.Error()
		}
	}
	address := strconv.FormatUint(uint64(uintptr(unsafe.Pointer(&victim))), 10)
	argv := []string{"--", os.Args[0], "attempt", "overwrite", address}
	if args[0] == wallNone {
		argv = argv[2:]
	} else {
		argv = append([]string{args[0]}, argv...)
	}
	out, err := exec.Command(os.Args[0], argv...).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v: %s", err, out)
	}
	return fmt.Sprintf("%s: %s", victim, strings.TrimSpace(string(out)))
}

// output runs a command and gives what it printed.
func output(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// self is the test binary with other arguments.
func self(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(t.Context(), path, args...)
}

// asUser is self as a user that is not root, because root may do what the tests hold to be impossible.
func asUser(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	command := self(t, args...)
	if os.Getuid() == 0 {
		command.Path = readableByAll(t, command.Path)
		command.Args[0] = command.Path
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	}
	return command
}

// behind is an attempt behind one wall.
func behind(t *testing.T, wall string, args ...string) string {
	t.Helper()
	command := self(t, append([]string{wall, "--", "", "attempt"}, args...)...)
	command.Args[3] = command.Path
	return output(t, command)
}

// attempted is an attempt in the whole sandbox.
func attempted(t *testing.T, rules Rules, args ...string) string {
	t.Helper()
	path := self(t).Path
	return output(t, self(t, Args(rules, append([]string{path, "attempt"}, args...))...))
}

// readableByAll is a copy of the test binary that every user may run; TempDir is root's alone.
func readableByAll(t *testing.T, program string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sandbox-test-") //nolint:usetesting // t.TempDir is private to this user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "program")
	data, err := os.ReadFile(program)
	if err == nil {
		err = errors.Join(os.Chmod(dir, 0o755), os.WriteFile(path, data, 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSandbox_RefusesSystemCalls(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if err := attempt("dial", listener.Addr().String()); err != nil {
		t.Fatalf("without a sandbox, the attempt fails too: %v", err)
	}
	for _, args := range [][]string{{"dial", listener.Addr().String()}, {"socketpair"}, {"io_uring"}, {"unshare"}, {"ptrace"}} {
		t.Run(args[0], func(t *testing.T) {
			if got := attempted(t, Rules{}, args...); !strings.Contains(got, "operation not permitted") {
				t.Errorf("%s", got)
			}
		})
	}
}

// A program in the sandbox can neither signal nor limit the worker, and makes no processes, also without Landlock.
func TestSandbox_ReachesNoOtherProcess(t *testing.T) {
	for _, what := range []string{"kill", "tgkill", "tkill", "setown", "setown high", "prlimit", "fork"} {
		t.Run(what, func(t *testing.T) {
			if err := attempt(what); err != nil {
				t.Fatalf("without a sandbox, the attempt fails too: %v", err)
			}
			if got := behind(t, wallSeccomp, what); !strings.Contains(got, "operation not permitted") {
				t.Errorf("behind seccomp alone: %s", got)
			}
			if got := attempted(t, Rules{}, what); !strings.Contains(got, "operation not permitted") {
				t.Errorf("in the whole sandbox: %s", got)
			}
		})
	}
	if got := attempted(t, Rules{}, "raise"); got != "<nil>" {
		t.Errorf("a program cannot signal itself: %s", got)
	}
}

// Landlock alone stops signals too, from ABI 6 on.
func TestSandbox_LandlockStopsSignals(t *testing.T) {
	if LandlockABI() < 6 {
		t.Skipf("this kernel has Landlock ABI %d; signals are restricted from 6 on", LandlockABI())
	}
	if got := behind(t, wallLandlock, "kill"); !strings.Contains(got, "operation not permitted") {
		t.Errorf("%s", got)
	}
}

// The attack that seccomp alone does not stop: the program writes into the memory of the process that started it.
func TestProtectMemory_StopsWritesFromTheSandbox(t *testing.T) {
	if got := output(t, asUser(t, "worker", wallSeccomp)); !strings.HasPrefix(got, "owned") {
		t.Skipf("this kernel stops the attack by itself (Yama): %s", got)
	}
	for _, wall := range []string{wallNone, wallSeccomp} {
		if got := output(t, asUser(t, "worker", wall, "protected")); !strings.HasPrefix(got, "whole") || !strings.Contains(got, "permission denied") {
			t.Errorf("wall %s: %s", wall, got)
		}
	}
}

func TestRules_RequireLandlock(t *testing.T) {
	for _, required := range []bool{true, false} {
		rules, _, err := parse(Args(Rules{RequireLandlock: required}, []string{"/bin/true"})[1:])
		if err != nil || rules.RequireLandlock != required {
			t.Errorf("%+v, %v", rules, err)
		}
		if err := rules.checkLandlock(0); (err != nil) != required {
			t.Errorf("without Landlock, required %v: %v", required, err)
		}
		if err := rules.checkLandlock(1); err != nil {
			t.Errorf("with Landlock, required %v: %v", required, err)
		}
	}
}

// TestSandbox_RequiredLandlockIsNotGoneWithout: on a kernel without Landlock the program does not run where that is required,
// and elsewhere runs behind the other walls.
func TestSandbox_RequiredLandlockIsNotGoneWithout(t *testing.T) {
	for _, required := range []bool{true, false} {
		path := self(t).Path
		args := Args(Rules{RequireLandlock: required}, []string{path, "attempt", "socketpair"})
		command := self(t, append([]string{wallNoLandlock}, args[1:]...)...)
		said, err := command.CombinedOutput()
		if required && (command.ProcessState.ExitCode() != ExitCode || !strings.Contains(string(said), ErrSetup.Error())) {
			t.Errorf("the program runs without the Landlock that is required: %v, %s", err, said)
		}
		if !required && (err != nil || !strings.Contains(string(said), "operation not permitted")) {
			t.Errorf("the program does not run behind the other walls: %v, %s", err, said)
		}
	}
}

func TestSandbox_RestrictsFiles(t *testing.T) {
	dir := t.TempDir()
	readable, writable, other := filepath.Join(dir, "r"), filepath.Join(dir, "w"), filepath.Join(dir, "o")
	for _, each := range []string{readable, writable, other} {
		if err := os.Mkdir(each, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(each, "file"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rules := Rules{Read: []string{readable}, Write: []string{writable}}
	for _, args := range [][]string{{"read", filepath.Join(readable, "file")}, {"read", filepath.Join(writable, "file")}, {"write", filepath.Join(writable, "new")}} {
		if got := attempted(t, rules, args...); got != "<nil>" {
			t.Errorf("%v: %s", args, got)
		}
	}
	if LandlockABI() == 0 {
		t.Skip("this kernel has no Landlock")
	}
	for _, args := range [][]string{{"read", filepath.Join(other, "file")}, {"write", filepath.Join(readable, "new")}, {"read", "/etc/passwd"}} {
		if got := attempted(t, rules, args...); !strings.Contains(got, "permission denied") {
			t.Errorf("%v: %s", args, got)
		}
	}
}

func TestRun_RefusesWrongArguments(t *testing.T) {
	for _, args := range [][]string{nil, {"--"}, {"--", "ffmpeg"}, {"read=/tmp"}, {"--read", "/tmp", "--", "/bin/true"}} {
		if err := Run(args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

// A policy must assemble, and a misspelt name would silently allow the call.
func TestPolicy_NamesExist(t *testing.T) {
	known := map[string]bool{}
	for _, info := range []*arch.Info{arch.X86_64, arch.AARCH64} {
		for name := range info.SyscallNames {
			known[name] = true
		}
	}
	for _, name := range denied {
		if !known[name] {
			t.Errorf("%s is no system call", name)
		}
	}
	rules, err := numberPolicy()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rules.Assemble(); err != nil {
		t.Error(err)
	}
	if slices.Contains(rules.Syscalls[1].Names, "socket") || !slices.Contains(rules.Syscalls[1].Names, "read") {
		t.Error("the wrong calls are allowed")
	}
}
