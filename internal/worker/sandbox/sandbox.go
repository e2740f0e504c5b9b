// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package sandbox takes the network, most of the file system and other processes away from a program before it runs.
// ffmpeg reads untrusted recordings; the sandbox bounds what a flaw in it can reach.
//
// Three walls:
//
//   - seccomp, which must stand: no sockets, no new processes, no signals to others, no other processes' memory, no
//     namespaces. System calls of foreign ABIs are refused whole.
//   - ProtectMemory, for the program that starts the sandbox: what runs beside it as the same user cannot open its
//     /proc/PID/mem.
//   - Landlock, where the kernel has it: no files but those of the Rules, and from ABI 6 on no signals and abstract
//     sockets to processes outside. Rules.RequireLandlock refuses to run without it.
package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Subcommand is the worker's hidden subcommand that runs Run.
const Subcommand = "sandbox"

// ExitCode is the subcommand's exit code when the sandbox could not be set up; the program never ran.
const ExitCode = 125

// ErrSetup says that a program was not run because its sandbox could not be set up.
var ErrSetup = errors.New("cannot set up the sandbox")

// requireLandlock is the argument for Rules.RequireLandlock.
const requireLandlock = "landlock=required"

// Rules say which folders a program may use beside the system's own programs and libraries.
type Rules struct {
	// Read are folders that may be read.
	Read []string
	// Write are folders that may be read and written.
	Write []string
	// RequireLandlock refuses to run the program on a kernel without Landlock.
	RequireLandlock bool
}

// Args is the command line, after the worker's own path, that runs argv under the rules.
func Args(rules Rules, argv []string) []string {
	args := []string{Subcommand}
	if rules.RequireLandlock {
		args = append(args, requireLandlock)
	}
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
	// no_new_privs is set for this thread, and the filter then synchronized from it to the others.
	runtime.LockOSThread()
	if err := restrictFiles(rules, filepath.Dir(argv[0])); err != nil {
		return fmt.Errorf("%w: Landlock: %w", ErrSetup, err)
	}
	if err := restrictSystemCalls(); err != nil {
		return fmt.Errorf("%w: seccomp: %w", ErrSetup, err)
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
		case "landlock":
			rules.RequireLandlock = arg == requireLandlock
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
			return Rules{}, nil, fmt.Errorf("sandbox does not know %q; it takes landlock=required, read=DIR, write=DIR, --, and a program", arg)
		}
	}
	return Rules{}, nil, errors.New("sandbox needs -- and a program")
}
