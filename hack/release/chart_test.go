// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	chartutil "helm.sh/helm/v4/pkg/chart/common/util"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"sparkrtc.dev/recording-operator/hack/release/render"
)

var chartDir = filepath.Join("..", "..", "config", "chart")

// TestMain keeps Helm from noting each symbolic link of the chart.
func TestMain(m *testing.M) {
	slog.SetLogLoggerLevel(slog.LevelWarn)
	os.Exit(m.Run())
}

func loadChart(t *testing.T, path string) *v2.Chart {
	t.Helper()
	loaded, err := loader.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// renderChart is what `helm template` prints with these values, and NOTES.txt.
func renderChart(loaded *v2.Chart, values string) (objects string, notes string, err error) {
	set := map[string]any{}
	if err := yaml.Unmarshal([]byte(values), &set); err != nil {
		return "", "", err
	}
	options := common.ReleaseOptions{Name: "recordings", Namespace: "recording-system", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(loaded, set, options, common.DefaultCapabilities)
	if err != nil {
		return "", "", err
	}
	files, err := engine.Render(loaded, all)
	if err != nil {
		return "", "", err
	}
	for path, content := range files {
		switch {
		case strings.HasSuffix(path, "NOTES.txt"):
			notes = content
		case strings.HasSuffix(path, ".yaml"):
			objects += "\n---\n" + content
		}
	}
	return objects, notes, nil
}

func mustRender(t *testing.T, values string) []render.Object {
	t.Helper()
	objects, _, err := renderChart(loadChart(t, chartDir), values)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, []byte(objects))
}

func kustomized(t *testing.T, names ...string) []render.Object {
	t.Helper()
	var all []render.Object
	for _, name := range names {
		objects, err := render.Kustomization(filepath.Join("..", "..", "config", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			if object.Kind() != "Namespace" { // Helm's: --create-namespace
				all = append(all, object)
			}
		}
	}
	return all
}

// takeLabels takes the labels that the objects of a chart alone have from a set of labels, and returns them.
func takeLabels(all map[string]any) map[string]any {
	taken := map[string]any{}
	for _, name := range []string{"app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart"} {
		if value, found := all[name]; found {
			taken[name] = value
			delete(all, name)
		}
	}
	return taken
}

// chartLabels are those of the release that renderChart makes.
func chartLabels(loaded *v2.Chart) map[string]any {
	return map[string]any{
		"app.kubernetes.io/instance": "recordings", "app.kubernetes.io/managed-by": "Helm",
		"app.kubernetes.io/version": loaded.Metadata.AppVersion, "helm.sh/chart": "recording-operator-" + loaded.Metadata.Version,
	}
}

// takeChartLabels checks that an object and its pods have the labels that the objects of a chart alone have, and takes them. They
// change with an upgrade, so that no selector may have them.
func takeChartLabels(t *testing.T, object render.Object, want map[string]any) {
	t.Helper()
	places := [][]string{{"metadata", "labels"}}
	if slices.Contains([]string{"Deployment", "StatefulSet"}, object.Kind()) {
		places = append(places, []string{"spec", "template", "metadata", "labels"})
	}
	for _, place := range places {
		found, _, err := unstructured.NestedFieldNoCopy(object, place...)
		labels, isMap := found.(map[string]any)
		if err != nil || !isMap || labels["app.kubernetes.io/name"] != "recording-operator" {
			t.Errorf("%s %s has at %v: %v %v", object.Kind(), object.Name(), place, found, err)
			continue
		}
		if got := takeLabels(labels); !reflect.DeepEqual(got, want) {
			t.Errorf("%s %s has at %v: %v, want %v", object.Kind(), object.Name(), place, got, want)
		}
	}
}

// TestChart_HelpersAreItsOwn: named templates are global, and a chart that has this one as a dependency may have an "image".
func TestChart_HelpersAreItsOwn(t *testing.T) {
	for _, file := range loadChart(t, chartDir).Templates {
		for _, define := range regexp.MustCompile(`define "[^"]*"`).FindAllString(string(file.Data), -1) {
			if !strings.HasPrefix(define, `define "recording-operator.`) {
				t.Errorf("%s: %s", file.Name, define)
			}
		}
	}
}

// TestChart_IsWhatKustomizeHas: the two ways to install make the same objects, but for the labels of Helm's releases.
func TestChart_IsWhatKustomizeHas(t *testing.T) {
	for name, c := range map[string]struct {
		values  string
		configs []string
	}{
		"default":          {"", []string{"crd", "default"}},
		"namespaced":       {"namespaces: [media]", []string{"crd", "namespaced"}},
		"persistent spool": {"receiver: {spool: {persistent: {enabled: true}}}", []string{"crd", "persistent-spool"}},
		"without definitions, with monitoring": {
			"{crds: {install: false}, serviceMonitor: {enabled: true}, prometheusRule: {enabled: true}, grafanaDashboard: {enabled: true}}",
			[]string{"default", "prometheus", "grafana"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, want := byName(t, mustRender(t, c.values)), byName(t, kustomized(t, c.configs...))
			labels := chartLabels(loadChart(t, chartDir))
			for key, object := range got {
				takeChartLabels(t, object, labels)
				if object.Kind() == "CustomResourceDefinition" {
					annotations := object["metadata"].(map[string]any)["annotations"].(map[string]any)
					if annotations["helm.sh/resource-policy"] != "keep" {
						t.Errorf("%s is deleted with the release", key)
					}
					delete(annotations, "helm.sh/resource-policy")
				}
				if want[key] == nil {
					t.Errorf("the chart alone has %s", key)
				}
			}
			for key, object := range want {
				if got[key] == nil {
					t.Errorf("the chart has no %s", key)
				} else if !reflect.DeepEqual(got[key], object) {
					t.Errorf("%s\n     chart %v\nkustomize %v", key, got[key], object)
				}
			}
		})
	}
}

// TestChart_Values: each value does what it says.
func TestChart_Values(t *testing.T) {
	all := len(mustRender(t, ""))
	for values, has := range map[string]string{
		"images: {registry: r.example.com/m}":                                                 "image: r.example.com/m/recording-operator:dev\n",
		"images: {worker: {repository: w, tag: v2}}":                                          "worker: w:v2\n",
		"images: {trigger: {digest: 'sha256:" + strings.Repeat("a", 64) + "'}}":               "trigger: recording-trigger@sha256:aaaa",
		"images: {pullSecrets: [pull]}":                                                       "imagePullSecrets:\n      - name: pull\n",
		"receiver: {replicas: 5}":                                                             "replicas: 5\n",
		"manager: {replicas: 1}":                                                              "replicas: 1\n",
		"receiver: {extraArgs: [--log-level=debug]}":                                          `- "--log-level=debug"`,
		"manager: {resources: {limits: {memory: 1Gi}}}":                                       "memory: 1Gi\n",
		"receiver: {spool: {sizeLimit: 2Gi}}":                                                 "emptyDir: {sizeLimit: 2Gi}",
		"receiver: {spool: {persistent: {enabled: true, size: 3Gi, storageClassName: fast}}}": "storageClassName: fast\n",
		"namespaces: [a, b]":                                                                  "- --namespaces=a,b\n",
		"serviceMonitor: {enabled: true, labels: {release: prometheus}}":                      "release: prometheus\n",
		"prometheusRule: {enabled: true}":                                                     "kind: PrometheusRule\n",
		"grafanaDashboard: {enabled: true}":                                                   "grafana_dashboard: \"1\"\n",
	} {
		objects, notes, err := renderChart(loadChart(t, chartDir), values)
		if err != nil {
			t.Errorf("%s: %v", values, err)
		} else if !strings.Contains(objects, has) {
			t.Errorf("%s: no %q", values, has)
		}
		parse(t, []byte(objects))
		if !strings.Contains(notes, "recording-system") {
			t.Errorf("%s: NOTES.txt is %q", values, notes)
		}
	}
	for values, kind := range map[string]string{
		"admission: {enabled: false}":     "ValidatingAdmissionPolicy",
		"networkPolicy: {enabled: false}": "NetworkPolicy",
		"crds: {install: false}":          "CustomResourceDefinition",
	} {
		objects := mustRender(t, values)
		if len(objects) >= all {
			t.Errorf("%s leaves nothing out", values)
		}
		for _, object := range objects {
			if object.Kind() == kind {
				t.Errorf("%s: there is %s %s", values, kind, object.Name())
			}
		}
	}
}

// TestChart_RefusesWrongValues: the schema finds what would otherwise fail later, or nowhere.
func TestChart_RefusesWrongValues(t *testing.T) {
	for values, field := range map[string]string{
		"receivers: {}":                                   "receivers",
		"receiver: {replicas: 0}":                         "/receiver/replicas",
		"receiver: {replicas: two}":                       "/receiver/replicas",
		"receiver: {resources: {limits: {memory: null}}}": "memory",
		"receiver: {extraArgs: [verbose]}":                "/receiver/extraArgs",
		"receiver: {spool: {sizeLimit: much}}":            "/receiver/spool/sizeLimit",
		"images: {registry: r.example.com/}":              "/images/registry",
		"images: {worker: {digest: abc}}":                 "/images/worker/digest",
		"namespaces: [Media]":                             "/namespaces",
		"namespaces: media":                               "/namespaces",
		"admission: {enabled: 'no'}":                      "/admission/enabled",
	} {
		if _, _, err := renderChart(loadChart(t, chartDir), values); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v, want an error that names %s", values, err, field)
		}
	}
}

// TestChart_Lints holds that `helm lint` has nothing to say, but that the chart has no icon.
func TestChart_Lints(t *testing.T) {
	for _, values := range []map[string]any{
		nil,
		{
			"namespaces": []any{"media"}, "receiver": map[string]any{"spool": map[string]any{"persistent": map[string]any{"enabled": true}}},
			"serviceMonitor":   map[string]any{"enabled": true, "labels": map[string]any{"release": "prometheus"}},
			"prometheusRule":   map[string]any{"enabled": true},
			"grafanaDashboard": map[string]any{"enabled": true},
		},
	} {
		for _, message := range lint.RunAll(chartDir, values, "recording-system").Messages {
			if message.Severity > support.InfoSev {
				t.Errorf("%v: %v", values, message)
			}
		}
	}
}

// TestChart_Package: the archive has the release's version and images, and the definitions themselves.
func TestChart_Package(t *testing.T) {
	r := newRelease(t)
	r.digests = map[string]string{"recording-worker": "sha256:" + strings.Repeat("b", 64)}
	files, err := r.chart(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || files[0] != "recording-operator-1.2.3.tgz" {
		t.Fatalf("wrote %v", files)
	}
	loaded := loadChart(t, filepath.Join(r.out, files[0]))
	if loaded.Metadata.Version != "1.2.3" || loaded.Metadata.AppVersion != testVersion {
		t.Errorf("version %s, appVersion %s", loaded.Metadata.Version, loaded.Metadata.AppVersion)
	}
	objects, _, err := renderChart(loaded, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, has := range []string{
		"image: registry.example.com/media/recording-operator:" + testVersion + "\n",
		"worker: registry.example.com/media/recording-worker@sha256:bbbb",
		"trigger: registry.example.com/media/recording-trigger:" + testVersion + "\n",
		"app.kubernetes.io/version: \"" + testVersion + "\"\n",
		"helm.sh/chart: recording-operator-1.2.3\n",
	} {
		if !strings.Contains(objects, has) {
			t.Errorf("the packaged chart has no %q", has)
		}
	}
	if got, want := len(byName(t, parse(t, []byte(objects)))), len(mustRender(t, "")); got != want {
		t.Errorf("the packaged chart renders %d objects, config/chart %d", got, want)
	}
	first := r.read(t, files[0])
	if _, err := r.chart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if string(first) != string(r.read(t, files[0])) {
		t.Error("a second archive of the same files differs")
	}
	if layout := string(r.read(t, filepath.Join("chart", "index.json"))); !strings.Contains(layout, `"1.2.3"`) {
		t.Errorf("the OCI layout is %s", layout)
	}
}
