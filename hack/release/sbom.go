// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// part is what an SBOM lists: a module or a package that is in a program.
type part struct{ name, version, url string }

// shipped is something that is delivered, and the commands that are in it.
type shipped struct {
	name      string
	commands  []string
	platforms []platform
	// ffmpeg says that the worker's ffmpeg is in it.
	ffmpeg bool
}

// sboms writes an SPDX document for the plugin and for each image: the Go modules that the commands import on their
// platforms, Go itself, and the worker's ffmpeg with the libraries that are linked into it. Nothing else is in the images.
func (r *release) sboms(ctx context.Context) ([]string, error) {
	linux := []platform{{"linux", "amd64"}}
	var files []string
	for _, s := range []shipped{
		{name: "kubectl-recordings", commands: []string{"./cmd/kubectl-recordings"}, platforms: platforms},
		{name: "recording-operator", commands: []string{"./cmd/receiver", "./cmd/manager"}, platforms: linux},
		{name: "recording-worker", commands: []string{"./cmd/worker"}, platforms: linux, ffmpeg: true},
		{name: "recording-trigger", commands: []string{"./cmd/trigger"}, platforms: linux},
	} {
		parts, err := r.parts(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("SBOM of %s: %w", s.name, err)
		}
		content := &bytes.Buffer{}
		if err := spdxjson.Write(r.document(s.name, parts), content, spdxjson.Indent(" ")); err != nil {
			return nil, fmt.Errorf("SBOM of %s: %w", s.name, err)
		}
		name, err := r.write(s.name+".spdx.json", content.Bytes())
		if err != nil {
			return nil, err
		}
		files = append(files, name)
	}
	return files, nil
}

// parts of what is shipped, each once.
func (r *release) parts(ctx context.Context, s shipped) ([]part, error) {
	seen := map[part]bool{}
	var parts []part
	add := func(p part) {
		if !seen[p] {
			seen[p] = true
			parts = append(parts, p)
		}
	}
	toolchain := strings.TrimPrefix(runtime.Version(), "go")
	add(part{name: "stdlib", version: toolchain, url: "pkg:golang/stdlib@" + toolchain})
	for _, p := range s.platforms {
		modules, err := r.modules(ctx, p, s.commands)
		if err != nil {
			return nil, err
		}
		for _, module := range modules {
			add(module)
		}
	}
	if !s.ffmpeg {
		return parts, nil
	}
	ffmpeg, err := r.ffmpegParts()
	return append(parts, ffmpeg...), err
}

// modules are those that the commands import, and only those.
func (r *release) modules(ctx context.Context, p platform, commands []string) ([]part, error) {
	list := exec.CommandContext(ctx, "go", append([]string{"list", "-deps", "-json=Module"}, commands...)...)
	list.Dir, list.Stderr = r.repo, os.Stderr
	list.Env = append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch, "CGO_ENABLED=0")
	output, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var modules []part
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var one struct {
			Module *struct {
				Path, Version string
				Main          bool
			}
		}
		if err := decoder.Decode(&one); errors.Is(err, io.EOF) {
			return modules, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if one.Module != nil && !one.Module.Main {
			modules = append(modules, part{one.Module.Path, one.Module.Version, "pkg:golang/" + one.Module.Path + "@" + one.Module.Version})
		}
	}
}

// ffmpegParts are ffmpeg and the Debian packages of the libraries in it, whose versions its build does not note.
func (r *release) ffmpegParts() ([]part, error) {
	if r.ffmpeg == "" {
		return nil, errors.New("-ffmpeg must be the folder that hack/ffmpeg/build.sh prints")
	}
	version, err := os.ReadFile(filepath.Join(r.ffmpeg, "version"))
	if err != nil {
		return nil, err
	}
	packages, err := os.ReadDir(filepath.Join(r.ffmpeg, "copyright"))
	if err != nil {
		return nil, err
	}
	var parts []part
	for _, entry := range packages {
		p := part{name: entry.Name(), url: "pkg:deb/debian/" + entry.Name()}
		if p.name == "ffmpeg" {
			p.version = strings.TrimSpace(string(version))
			p.url += "@" + p.version
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// notInID are the characters that an SPDX identifier cannot have.
var notInID = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

func (r *release) document(name string, parts []part) *v2_3.Document {
	id := common.ElementID("Package-" + name)
	document := &v2_3.Document{
		SPDXVersion:       v2_3.Version,
		DataLicense:       v2_3.DataLicense,
		SPDXIdentifier:    "DOCUMENT",
		DocumentName:      name + " " + r.version,
		DocumentNamespace: "https://sparkrtc.dev/recording-operator/sbom/" + r.version + "/" + name,
		CreationInfo: &v2_3.CreationInfo{
			Created:  r.time.Format(time.RFC3339),
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "recording-operator-release-" + r.version}},
		},
		Packages: []*v2_3.Package{spdxPackage(id, part{name: name, version: r.version, url: "pkg:generic/" + name + "@" + r.version})},
		Relationships: []*v2_3.Relationship{{
			RefA: common.MakeDocElementID("", "DOCUMENT"), RefB: common.MakeDocElementID("", string(id)),
			Relationship: common.TypeRelationshipDescribe,
		}},
	}
	for _, p := range parts {
		partID := common.ElementID("Package-" + notInID.ReplaceAllString(p.name+"-"+p.version, "-"))
		document.Packages = append(document.Packages, spdxPackage(partID, p))
		document.Relationships = append(document.Relationships, &v2_3.Relationship{
			RefA: common.MakeDocElementID("", string(id)), RefB: common.MakeDocElementID("", string(partID)),
			Relationship: common.TypeRelationshipContains,
		})
	}
	return document
}

func spdxPackage(id common.ElementID, p part) *v2_3.Package {
	return &v2_3.Package{
		PackageSPDXIdentifier:   id,
		PackageName:             p.name,
		PackageVersion:          p.version,
		PackageDownloadLocation: "NOASSERTION",
		PackageExternalReferences: []*v2_3.PackageExternalReference{
			{Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: p.url},
		},
	}
}
