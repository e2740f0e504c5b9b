// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package security holds the tests of config/: that the receiver and the manager have the rights that they need and no
// others, that the API server holds them to these, and that their pods are as confined as config/ says. They run both as
// processes beside a real API server, each as its own service account, with what `kubectl apply -k` would install.
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
	secretsRole     = "recording-operator-secrets"
)

// account is the service account of one of the operator's processes.
type account string

const (
	receiverAccount account = "recording-operator-receiver"
	managerAccount  account = "recording-operator-controller-manager"
)

// user is the account's name as the API server authenticates it.
func (a account) user() string { return "system:serviceaccount:" + systemNamespace + ":" + string(a) }

// What the tests of this package share.
var (
	// admin may do everything.
	admin      client.Client
	restConfig *rest.Config
	scheme     *runtime.Scheme
	auditLog   string
	// binaries is the folder of the commands.
	binaries string
)

// TestMain has an API server that logs what the operator's accounts request, with config/default installed.
func TestMain(m *testing.M) {
	ctrl.SetLogger(zap.New(zap.WriteTo(os.Stderr)))
	dir, err := os.MkdirTemp("", "security")
	must(err)
	defer func() { must(os.RemoveAll(dir)) }()
	binaries, auditLog = dir, filepath.Join(dir, "audit.log")
	policy := filepath.Join(dir, "audit.yaml")
	must(os.WriteFile(policy, []byte(auditPolicy), 0o600))
	run := func(server *apiserver.Server) {
		admin, restConfig, scheme = server.Client, server.Config, server.Scheme
		build := exec.Command("go", "build", "-o", binaries, "../../cmd/manager", "../../cmd/receiver")
		if output, err := build.CombinedOutput(); err != nil {
			panic(fmt.Sprintf("build the commands: %v\n%s", err, output))
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

// auditPolicy logs every request of the operator's accounts, and nothing else.
var auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: ["` + receiverAccount.user() + `", "` + managerAccount.user() + `"]
- level: None
`

// install creates what config/default is made of; the CRDs are there already, and nothing runs the Deployment.
func install(ctx context.Context) error {
	objects, err := render("default")
	if err != nil {
		return err
	}
	for _, object := range objects {
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

// config is how the account's process reaches the API server.
func (a account) config(t *testing.T) *rest.Config {
	t.Helper()
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(3600))}}
	owner := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: string(a)}}
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
	Verb string `json:"verb"`
	User struct {
		Username string `json:"username"`
	} `json:"user"`
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

// askedSince reads an account's requests from the audit log, from an offset on.
func (a account) askedSince(t *testing.T, offset int64) []asked {
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
		if request.ObjectRef != nil && request.User.Username == a.user() {
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
