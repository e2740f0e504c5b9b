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

package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// TestMain lets the test binary be both the program that confines and the one that is confined.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == Subcommand {
		fmt.Println(Run(os.Args[2:]))
		os.Exit(1)
	}
	if len(os.Args) > 2 && os.Args[1] == "attempt" {
		fmt.Println(attempt(os.Args[2], os.Args[3:]...))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// attempt does what a program might do that a file has taken over.
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
	}
	return errors.New("unknown attempt")
}

// confined runs an attempt under the rules and gives what it printed.
func confined(t *testing.T, rules Rules, args ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), self, Args(rules, append([]string{self, "attempt"}, args...))...)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestSystemCalls(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if err := attempt("dial", listener.Addr().String()); err != nil {
		t.Fatalf("unconfined, the attempt fails too: %v", err)
	}
	for _, args := range [][]string{{"dial", listener.Addr().String()}, {"socketpair"}, {"io_uring"}, {"unshare"}, {"ptrace"}} {
		t.Run(args[0], func(t *testing.T) {
			if got := confined(t, Rules{}, args...); !strings.Contains(got, "operation not permitted") {
				t.Errorf("%s", got)
			}
		})
	}
}

func TestFiles(t *testing.T) {
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
		if got := confined(t, rules, args...); got != "<nil>" {
			t.Errorf("%v: %s", args, got)
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, 1); errno != 0 {
		t.Skipf("this kernel has no Landlock: %v", errno)
	}
	for _, args := range [][]string{{"read", filepath.Join(other, "file")}, {"write", filepath.Join(readable, "new")}, {"read", "/etc/passwd"}} {
		if got := confined(t, rules, args...); !strings.Contains(got, "permission denied") {
			t.Errorf("%v: %s", args, got)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	for _, args := range [][]string{nil, {"--"}, {"--", "ffmpeg"}, {"read=/tmp"}, {"--read", "/tmp", "--", "/bin/true"}} {
		if err := Run(args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

// The policy must assemble, and a misspelt name would silently allow the call.
func TestDeniedNamesExist(t *testing.T) {
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
	rules, err := policy()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rules.Assemble(); err != nil {
		t.Error(err)
	}
	if slices.Contains(rules.Syscalls[0].Names, "socket") || !slices.Contains(rules.Syscalls[0].Names, "read") {
		t.Error("the wrong calls are allowed")
	}
}
