// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command release writes what a release consists of: manifests, the Helm chart, archives of the kubectl plugin with a krew
// manifest, SBOMs and checksums. `make dist` runs it; docs/releasing.md says what to do with the files.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// release is what the files are made for.
type release struct {
	// repo is the project's folder, out the one that is written to.
	repo, out string
	// version is that of the images, such as v0.1.0.
	version string
	// registry is put before the images' names, such as registry.example.com/media.
	registry string
	// downloads is the URL that the plugin's archives will be under.
	downloads string
	// ffmpeg is the folder that hack/ffmpeg/build.sh printed, or "".
	ffmpeg string
	// time is in the files that have one.
	time time.Time
	// digests of the images that were built, by name.
	digests map[string]string
}

// images are the project's, by the names that config has them by.
var images = []string{"recording-operator", "recording-worker", "recording-trigger"}

func main() {
	// Helm notes each symbolic link of the chart.
	slog.SetLogLoggerLevel(slog.LevelWarn)
	r := release{}
	flag.StringVar(&r.repo, "repo", ".", "the project's `folder`")
	flag.StringVar(&r.out, "out", "dist", "the `folder` to write to")
	flag.StringVar(&r.version, "version", "", "the release's `version`, such as v0.1.0")
	flag.StringVar(&r.registry, "registry", "", "the `registry` and path of the images, such as registry.example.com/media")
	flag.StringVar(&r.downloads, "downloads", "", "the `URL` under which the plugin's archives will be, for the krew manifest")
	flag.StringVar(&r.ffmpeg, "ffmpeg", "", "the `folder` of the worker's ffmpeg, for its SBOM")
	seconds := flag.Int64("time", 0, "the time in the files, in Unix `seconds`")
	flag.Parse()
	r.time = time.Unix(*seconds, 0).UTC()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := r.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// version of a release, by https://semver.org and with the v of Go and of images' tags.
var version = regexp.MustCompile(`^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?$`)

func (r *release) run(ctx context.Context) error {
	if !version.MatchString(r.version) {
		return fmt.Errorf("-version must be like v0.1.0, not %q", r.version)
	}
	if r.registry == "" || strings.ContainsAny(r.registry, " @") || strings.HasSuffix(r.registry, "/") {
		return fmt.Errorf("-registry must be like registry.example.com/media, not %q", r.registry)
	}
	if r.downloads == "" {
		return fmt.Errorf("-downloads must be the URL of the folder that the plugin's archives will be in")
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	var files []string
	for _, make := range []func(context.Context) ([]string, error){r.layouts, r.manifests, r.chart, r.plugins, r.sboms} {
		made, err := make(ctx)
		if err != nil {
			return err
		}
		files = append(files, made...)
	}
	sums, err := r.checksums(files)
	if err != nil {
		return err
	}
	for _, name := range append(files, sums) {
		fmt.Println(filepath.Join(r.out, name))
	}
	return nil
}

// write writes a file of the release and returns its name.
func (r *release) write(name string, content []byte) (string, error) {
	return name, os.WriteFile(filepath.Join(r.out, name), content, 0o644)
}
