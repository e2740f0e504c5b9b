// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package security holds the tests of config/: that the operator has the rights that it needs and no others, that the
// API server holds it to them, and that its pods are as confined as config/ says. They run the manager as a process
// beside a real API server, as its own service account, with what `kubectl apply -k` would install.
package security

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
)

const (
	systemNamespace = "recording-system"
	accountName     = "recording-operator-controller-manager"
	account         = "system:serviceaccount:" + systemNamespace + ":" + accountName
)

// What the tests of this package share.
var (
	// admin may do everything.
	admin      client.Client
	restConfig *rest.Config
	scheme     *runtime.Scheme
	auditLog   string
	// managerBinary is cmd/manager.
	managerBinary string
)

// TestMain has an API server that writes down what the operator's account asks of it, with config/default installed.
func TestMain(m *testing.M) {
	ctrl.SetLogger(zap.New(zap.WriteTo(os.Stderr)))
	dir, err := os.MkdirTemp("", "security")
	must(err)
	defer func() { must(os.RemoveAll(dir)) }()
	managerBinary, auditLog = filepath.Join(dir, "manager"), filepath.Join(dir, "audit.log")
	policy := filepath.Join(dir, "audit.yaml")
	must(os.WriteFile(policy, []byte(auditPolicy), 0o600))
	run := func(server *apiserver.Server) {
		admin, restConfig, scheme = server.Client, server.Config, server.Scheme
		build := exec.Command("go", "build", "-o", managerBinary, "../../cmd/manager")
		if said, err := build.CombinedOutput(); err != nil {
			panic(fmt.Sprintf("build the manager: %v\n%s", err, said))
		}
		must(install(context.Background()))
		m.Run()
	}
	apiserver.Main(run, func(flags *envtest.Arguments) {
		flags.Set("authorization-mode", "RBAC").
			Set("audit-policy-file", policy).
			Set("audit-log-path", auditLog).
			Set("enable-admission-plugins", "OwnerReferencesPermissionEnforcement")
	})
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// auditPolicy writes down every request of the operator's account, and nothing else.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: ["` + account + `"]
- level: None
`

// install creates what config/default is made of; the CRDs are there already, and nothing runs the Deployment.
func install(ctx context.Context) error {
	objects, err := render("default")
	if err != nil {
		return err
	}
	for _, object := range objects {
		if object.GetKind() == "CustomResourceDefinition" {
			continue
		}
		if err := admin.Create(ctx, object); err != nil {
			return fmt.Errorf("create %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

// render is what `kubectl apply -k config/NAME` would apply, in its order.
func render(name string) ([]*unstructured.Unstructured, error) {
	rendered, err := krusty.MakeKustomizer(&krusty.Options{Reorder: krusty.ReorderOptionLegacy, PluginConfig: krusty.MakeDefaultOptions().PluginConfig}).
		Run(filesys.MakeFsOnDisk(), filepath.Join("..", "..", "config", name))
	if err != nil {
		return nil, fmt.Errorf("render config/%s: %w", name, err)
	}
	var objects []*unstructured.Unstructured
	for _, resource := range rendered.Resources() {
		content, err := resource.Map()
		if err != nil {
			return nil, err
		}
		objects = append(objects, &unstructured.Unstructured{Object: content})
	}
	return objects, nil
}

// find is the one object of a kind and a name in config/FOLDER, as its Go type.
func find[T any](t *testing.T, folder, kind, name string) *T {
	t.Helper()
	objects, err := render(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		if object.GetKind() == kind && object.GetName() == name {
			found := new(T)
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, found); err != nil {
				t.Fatal(err)
			}
			return found
		}
	}
	t.Fatalf("config/%s has no %s %s", folder, kind, name)
	return nil
}

// asOperator is how the operator itself reaches the API server.
func asOperator(t *testing.T) *rest.Config {
	t.Helper()
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(3600))}}
	owner := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: accountName}}
	if err := admin.SubResource("token").Create(t.Context(), owner, request); err != nil {
		t.Fatalf("get a token: %v", err)
	}
	config := rest.AnonymousClientConfig(restConfig)
	config.BearerToken = request.Status.Token
	config.QPS = -1
	return config
}

// asked is one request of the operator, as the audit log has it.
type asked struct {
	Verb      string `json:"verb"`
	ObjectRef *struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		APIGroup    string `json:"apiGroup"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	RequestURI  string            `json:"requestURI"`
	Annotations map[string]string `json:"annotations"`
}

// right names what the request needs.
func (a asked) right() string {
	resource := a.ObjectRef.Resource
	if a.ObjectRef.Subresource != "" {
		resource += "/" + a.ObjectRef.Subresource
	}
	return rightName(a.ObjectRef.APIGroup, resource, a.Verb)
}

func (a asked) forbidden() bool { return a.Annotations["authorization.k8s.io/decision"] == "forbid" }

// askedSince reads the audit log from an offset on.
func askedSince(t *testing.T, offset int64) []asked {
	t.Helper()
	file, err := os.Open(auditLog)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Seek(offset, 0); err != nil {
		t.Fatal(err)
	}
	var found []asked
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var request asked
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			break // the last line is being written
		}
		if request.ObjectRef != nil {
			found = append(found, request)
		}
	}
	return found
}

// auditEnd is how long the audit log is now.
func auditEnd(t *testing.T) int64 {
	t.Helper()
	info, err := os.Stat(auditLog)
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func rightName(group, resource, verb string) string {
	return strings.TrimSuffix(resource+"."+group, ".") + " " + verb
}
