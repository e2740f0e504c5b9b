// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	helm "helm.sh/helm/v4/pkg/cmd"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/jsonpath"
	kubectl "k8s.io/kubectl/pkg/cmd"
	"sigs.k8s.io/yaml"
)

// Every command of the documentation is parsed here by the program that it is for, and what it names has to exist: resources,
// fields, folders, targets of make. internal/cli does the same for the plugin's own commands. Those of docs/get-started.md,
// and those that install, upgrade and uninstall, are also typed at a cluster (cluster_test.go, test/e2e/upgrade_test.go), and so are all
// others that work at one (pages_cluster_test.go).

// notOurs are programs of others that the pages name in passing, and that this test does not have.
var notOurs = map[string]string{
	"docker": "builds and pushes images; the images' own tests build them",
	"skopeo": "pushes images to a registry of the reader's",
	"mkdir":  "of every system", "cp": "of every system",
	"for": "a loop; the commands in it are looked at", "done": "the end of a loop",
	"go": "tests; CI runs them", "export": "of every shell",
}

// exceptions are commands that cannot be checked, with the reason.
var exceptions = map[string]string{
	"kubectl describe workload":                                   "Kueue's kind",
	"kubectl get workflows -l recording.sparkrtc.dev/file=<name>": "Argo's kind",
}

// pageLine is a command line of a page.
type pageLine struct {
	text string
	// mention says that it stands in a sentence, where a reader does not type it as it is.
	mention bool
}

// pageLines are the command lines of a page: those of its code blocks, and those in the text.
func pageLines(page string) []pageLine {
	page = strings.ReplaceAll(page, "\\\n", " ")
	// A quoted text may go on over several lines.
	page = regexp.MustCompile(`(?m)^ {4,}kubectl [^'\n]*'[^']*'`).ReplaceAllStringFunc(page, func(line string) string {
		return strings.ReplaceAll(line, "\n", " ")
	})
	var found []pageLine
	add := func(line string, mention bool) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "$ ")
		for part := range strings.SplitSeq(line, "&&") {
			found = append(found, pageLine{strings.TrimSpace(part), mention})
		}
	}
	fences := regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```$")
	for _, fence := range fences.FindAllStringSubmatch(page, -1) {
		lines := strings.Split(fence[2], "\n")
		// A block whose first command has a prompt shows output as well.
		session := strings.HasPrefix(strings.TrimSpace(lines[0]), "$ ")
		for _, line := range lines {
			if fence[1] == "console" && strings.TrimSpace(line) != "" && (!session || strings.HasPrefix(strings.TrimSpace(line), "$ ")) {
				add(line, false)
			}
		}
	}
	text := fences.ReplaceAllString(page, "")
	for _, line := range regexp.MustCompile(`(?m)^ {4,}(\$ )?((kubectl|helm|make) .*)$`).FindAllStringSubmatch(text, -1) {
		add(line[2], false)
	}
	text = regexp.MustCompile(`(?m)^ {4,}.*$`).ReplaceAllString(text, "")
	for _, span := range regexp.MustCompile("`((?:kubectl|helm|make) [^`]*)`").FindAllStringSubmatch(text, -1) {
		add(strings.Join(strings.Fields(strings.ReplaceAll(span[1], `\|`, "|")), " "), true)
	}
	return found
}

// words splits a line as a shell does, and ends where another command or a comment begins.
func words(line string) []string {
	var found []string
	var word strings.Builder
	quote, begun := rune(0), false
	end := func() {
		if begun {
			found = append(found, word.String())
		}
		word.Reset()
		begun = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, begun = r, true
		case r == ' ':
			end()
		case strings.ContainsRune("|;&", r) || r == '#' && !begun:
			end()
			return found
		case r == '>' && !strings.Contains(word.String(), "<"):
			end()
			return found
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	end()
	return found
}

// checker knows what commands may name.
type checker struct {
	crds map[string]*apiextensionsv1.CustomResourceDefinition
	// resources are the names that kubectl has for kinds.
	resources map[string]bool
	targets   []string
}

func newChecker(t *testing.T) *checker {
	t.Helper()
	c := &checker{crds: map[string]*apiextensionsv1.CustomResourceDefinition{}, resources: map[string]bool{}}
	files, err := filepath.Glob(filepath.Join("..", "..", "config", "crd", "bases", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		crd := &apiextensionsv1.CustomResourceDefinition{}
		content, err := os.ReadFile(file)
		if err == nil {
			err = yaml.Unmarshal(content, crd)
		}
		if err != nil {
			t.Fatal(err)
		}
		names := crd.Spec.Names
		for _, name := range slices.Concat([]string{names.Plural, names.Singular}, names.ShortNames) {
			c.crds[name], c.resources[name] = crd, true
		}
		for _, category := range names.Categories {
			c.resources[category] = true
		}
	}
	for kind := range scheme.Scheme.AllKnownTypes() {
		lower := strings.ToLower(kind.Kind)
		c.resources[lower], c.resources[lower+"s"], c.resources[strings.TrimSuffix(lower, "y")+"ies"], c.resources[lower+"es"] = true, true, true, true
	}
	for _, short := range []string{"crd", "crds", "pvc", "ns", "po", "svc", "deploy"} {
		c.resources[short] = true
	}
	makefile, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range regexp.MustCompile(`(?m)^([a-z0-9-]+):`).FindAllSubmatch(makefile, -1) {
		c.targets = append(c.targets, string(target[1]))
	}
	return c
}

// check is what is wrong with a command line.
func (c *checker) check(line pageLine) error {
	text := regexp.MustCompile(`^([A-Z_]+=(\$\([^)]*\)|\S*) )+`).ReplaceAllString(line.text, "")
	all := words(text)
	if len(all) == 0 || exceptions[text] != "" || strings.HasPrefix(text+" ", "kubectl recordings ") {
		return nil
	}
	switch program := all[0]; {
	case program == "kubectl":
		root := kubectl.NewKubectlCommand(kubectl.KubectlOptions{IOStreams: genericiooptions.NewTestIOStreamsDiscard(), Arguments: all})
		return c.kubectl(root, all[1:], line.mention)
	case program == "helm":
		root, err := helm.NewRootCmd(io.Discard, all[1:], func(bool) {})
		if err != nil {
			return err
		}
		_, _, err = parseCommand(root, all[1:], line.mention)
		return err
	case program == "make":
		return c.make(all[1:])
	case notOurs[program] != "":
		return nil
	default:
		return errors.New("a program that this test does not know")
	}
}

// parseCommand finds the command of a program, and has it parse its flags.
func parseCommand(root *cobra.Command, arguments []string, mention bool) (*cobra.Command, []string, error) {
	command, rest, err := root.Find(arguments)
	if err != nil {
		return nil, nil, err
	}
	if !command.Runnable() || command == root {
		return nil, nil, errors.New("no such command")
	}
	if err := command.ParseFlags(rest); err != nil && !errors.Is(err, pflag.ErrHelp) {
		return nil, nil, err
	}
	given := command.Flags().Args()
	if command.Args != nil && !mention {
		err = command.Args(command, given)
	}
	return command, given, err
}

func (c *checker) make(arguments []string) error {
	for _, argument := range arguments {
		if !strings.Contains(argument, "=") && !slices.Contains(c.targets, argument) {
			return errors.New("no such target")
		}
	}
	return nil
}

// typed are the commands whose first argument names kinds.
var typed = []string{"get", "describe", "delete", "edit", "label", "wait", "patch", "scale", "explain", "status", "restart", "undo", "port-forward"}

func (c *checker) kubectl(root *cobra.Command, arguments []string, mention bool) error {
	command, given, err := parseCommand(root, arguments, mention)
	if err != nil {
		return err
	}
	flag := func(name string) string {
		if f := command.Flags().Lookup(name); f != nil {
			return strings.Trim(f.Value.String(), "[]")
		}
		return ""
	}
	if _, err := labels.Parse(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(flag("selector"), "x")); err != nil {
		return err
	}
	if folder := flag("kustomize"); folder != "" && folder != "deploy" {
		if _, err := os.Stat(filepath.Join("..", "..", folder, "kustomization.yaml")); err != nil {
			return err
		}
	}
	if file := flag("filename"); file != "" && !slices.Contains([]string{"install.yaml", "operator.yaml", "crds.yaml", "first.yaml", "-"}, file) {
		return errors.New("nothing makes the file " + file)
	}
	if !slices.Contains(typed, command.Name()) || len(given) == 0 {
		return nil
	}
	return c.names(command.Name(), given, flag)
}

// names checks the kinds that a command names, and fields of ours.
func (c *checker) names(verb string, given []string, flag func(string) string) error {
	for kind := range strings.SplitSeq(given[0], ",") {
		kind, _, _ = strings.Cut(kind, "/")
		kind, path, _ := strings.Cut(kind, ".")
		if !c.resources[kind] {
			return errors.New("no kind is called " + kind)
		}
		crd := c.crds[kind]
		if crd == nil {
			continue
		}
		if verb == "explain" && !c.hasField(crd, path) {
			return errors.New("no field " + path)
		}
		if err := c.output(crd, flag("output")); err != nil {
			return err
		}
		selector, err := fields.ParseSelector(flag("field-selector"))
		if err != nil {
			return err
		}
		for _, one := range selector.Requirements() {
			if !slices.ContainsFunc(crd.Spec.Versions[0].SelectableFields, func(f apiextensionsv1.SelectableField) bool { return f.JSONPath == "."+one.Field }) {
				return errors.New("no selectable field " + one.Field)
			}
		}
	}
	return nil
}

// output checks the paths of -o jsonpath.
func (c *checker) output(crd *apiextensionsv1.CustomResourceDefinition, format string) error {
	template, isPath := strings.CutPrefix(format, "jsonpath=")
	if !isPath {
		return nil
	}
	if err := jsonpath.New("page").Parse(template); err != nil {
		return err
	}
	for _, path := range regexp.MustCompile(`\{(\.[^}]*)\}`).FindAllStringSubmatch(template, -1) {
		plain := regexp.MustCompile(`\[[^]]*\]`).ReplaceAllString(path[1], "")
		if !c.hasField(crd, strings.TrimPrefix(plain, ".")) {
			return errors.New("no field " + plain)
		}
	}
	return nil
}

// hasField follows a path through the schema of a kind, into what lists and maps have.
func (c *checker) hasField(crd *apiextensionsv1.CustomResourceDefinition, path string) bool {
	schema := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	for field := range strings.SplitSeq(path, ".") {
		for schema.Items != nil {
			schema = schema.Items.Schema
		}
		below, has := schema.Properties[field]
		if !has {
			return field == "" || schema.XPreserveUnknownFields != nil || strings.HasPrefix(path, "metadata.")
		}
		schema = &below
	}
	return true
}

// TestPages_CommandsAreKnown: every command of the documentation exists, with its flags, and so does what it names.
func TestPages_CommandsAreKnown(t *testing.T) {
	c := newChecker(t)
	checked := 0
	for name, page := range allPages(t) {
		for _, line := range pageLines(page) {
			checked++
			if err := c.check(line); err != nil {
				t.Errorf("%s: %s: %v", name, line.text, err)
			}
		}
	}
	t.Logf("%d commands", checked)
	if checked < 300 {
		t.Errorf("looked at %d commands", checked)
	}
}

func allPages(t *testing.T) map[string]string {
	t.Helper()
	root := os.DirFS(filepath.Join("..", ".."))
	pages := map[string]string{}
	for _, start := range []string{"README.md", "SECURITY.md", "docs", "contrib"} {
		err := fs.WalkDir(root, start, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".md") {
				return err
			}
			content, err := fs.ReadFile(root, path)
			pages[path] = string(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return pages
}

// TestPages_MistakesAreFound: the test of the commands can fail.
func TestPages_MistakesAreFound(t *testing.T) {
	c := newChecker(t)
	for line, want := range map[string]string{
		"kubectl gett rec":                            "unknown command",
		"kubectl get rec --watch-for-me":              "unknown flag",
		"kubectl -n media get recordingfilez":         "no kind is called recordingfilez",
		"kubectl get rec --field-selector spec.x=1":   "no selectable field spec.x",
		"kubectl get rec -o jsonpath='{.status.x}'":   "no field .status.x",
		"kubectl explain recordingfile.spec.nothing":  "no field spec.nothing",
		"kubectl apply -k config/nothing":             "no such file",
		"kubectl apply -f nothing.yaml":               "nothing makes the file",
		"kubectl -n media recordings tree camera":     "unknown command",
		"helm install recording-operator x --version": "flag needs an argument",
		"make nothing": "no such target",
		"frobnicate":   "does not know",
	} {
		if err := c.check(pageLine{text: line}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", line, err, want)
		}
	}
	page := "```console\nkubectl apply \\\n  -f install.yaml # it\n```\n\n    $ kubectl get rec\n    NAME\n\nRun `kubectl describe\nrec x`.\n"
	want := []pageLine{{"kubectl apply    -f install.yaml # it", false}, {"kubectl get rec", false}, {"kubectl describe rec x", true}}
	if got := pageLines(page); !slices.Equal(got, want) {
		t.Errorf("the commands are %v", got)
	}
	if got := strings.Join(words(`kubectl get rec <name> -o jsonpath='{.a[?(@.b=="c")]}' > file`), "|"); got != `kubectl|get|rec|<name>|-o|jsonpath={.a[?(@.b=="c")]}` {
		t.Errorf("the words are %s", got)
	}
}
