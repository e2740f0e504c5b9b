// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command neighbors measures what one tenant can do to another. One tenant works: its callbacks come steadily, and each of
// its files gets a Job. The other one attacks with everything that its rights allow, in one way after the other and then in
// all ways at once. Each attack has an API server and etcd of its own (KUBEBUILDER_ASSETS), with the receiver and the manager
// as processes beside them, and is compared with a quiet time right before it. It fails when
// the working tenant's callbacks are answered too late, or its files are processed too late. docs/performance.md says how
// to read what it prints.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/operator"
)

// The two tenants.
const (
	workingNamespace  = "works"
	attackerNamespace = "attacks"
)

// The addresses that the two processes listen on.
const (
	callbackAddress = "127.0.0.1:18190"
	receiverHealth  = "127.0.0.1:18191"
	managerHealth   = "127.0.0.1:18181"
)

// options are the flags.
type options struct {
	receiver string
	manager  string
	quiet    time.Duration
	attack   time.Duration
	only     string
	clients  int
	files    int
}

func main() {
	var o options
	flag.StringVar(&o.receiver, "receiver", "bin/receiver", "the receiver's binary")
	flag.StringVar(&o.manager, "manager", "bin/manager", "the manager's binary")
	flag.DurationVar(&o.quiet, "quiet", 20*time.Second, "how long each quiet time is")
	flag.DurationVar(&o.attack, "attack", 40*time.Second, "how long each attack is")
	flag.StringVar(&o.only, "only", "", "the attacks to try, separated by commas; empty means all")
	flag.IntVar(&o.clients, "clients", 64, "how many clients flood with callbacks, and how many with objects")
	flag.IntVar(&o.files, "files", 2000, "how many files and how many tasks the attacker creates by hand")
	flag.Parse()
	ctrl.SetLogger(logr.Discard())
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "neighbors:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be cleaned up
	}
}

// run tries one attack after the other. One that fails does not hide what the others showed.
func (o *options) run(ctx context.Context) error {
	var found report
	var failures []error
	for _, name := range attackNames() {
		if o.only != "" && !strings.Contains(","+o.only+",", ","+name+",") {
			continue
		}
		begin := time.Now()
		row, err := o.try(ctx, name)
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", name, err))
			continue
		}
		found = append(found, row)
		fmt.Fprintf(os.Stderr, "%s: done after %v, %d objects and callbacks written\n", name, time.Since(begin).Round(time.Second), row.written)
	}
	found.print(os.Stdout)
	return errors.Join(append(failures, found.verdict())...)
}

// try measures a quiet time and then an attack, with an API server and an operator that know nothing of other attacks.
func (o *options) try(ctx context.Context, name string) (found row, err error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return found, err
	}
	environment := &envtest.Environment{
		CRDDirectoryPaths: []string{filepath.Join("config", "crd", "bases")}, ErrorIfCRDPathMissing: true, Scheme: scheme,
		ControlPlaneStopTimeout: 2 * time.Minute, // it has thousands of objects to be done with
	}
	config, err := environment.Start()
	if err != nil {
		return found, fmt.Errorf("start the API server: %w", err)
	}
	defer func() { err = errors.Join(err, environment.Stop()) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // an API server waits for those who watch
	config.QPS = -1
	admin, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return found, err
	}
	if err := addPolicies(ctx, admin); err != nil {
		return found, err
	}
	users, err := addUsers(ctx, environment, admin)
	if err != nil {
		return found, err
	}
	working, err := newTenant(ctx, admin, config)
	if err != nil {
		return found, err
	}
	attacker := newAttacker(users, admin, o)
	defer attacker.close()
	return o.measure(ctx, users, working, attacker, attacker.attack(name))
}

// measure measures the quiet time and the attack.
func (o *options) measure(ctx context.Context, users *users, working *tenant, attacker *attacker, attack attack) (row, error) {
	found := row{attack: attack.name}
	spool, err := os.MkdirTemp("", "neighbors-spool-")
	if err != nil {
		return found, err
	}
	defer func() { _ = os.RemoveAll(spool) }()
	started, err := o.start(ctx, users, spool)
	if err != nil {
		return found, err
	}
	defer started.Stop()
	if err := working.begin(ctx); err != nil {
		return found, err
	}
	if found.quiet, err = working.work(ctx, o.quiet); err != nil {
		return found, fmt.Errorf("in the quiet time before it: %w", err)
	}
	found.attacked, err = attacker.during(ctx, attack, func() (sample, error) { return working.work(ctx, o.attack) })
	found.written, found.peak = attacker.written.Load(), started.Memory("VmHWM")
	return found, err
}

// start starts the operator's two processes, each as its own account.
func (o *options) start(ctx context.Context, users *users, spool string) (*operator.Operator, error) {
	if err := os.MkdirAll("dist", 0o750); err != nil {
		return nil, err
	}
	return operator.Start(ctx,
		operator.Process{
			Name: "receiver", Binary: o.receiver, Health: receiverHealth, Kubeconfig: users.receiver, Log: "dist/neighbors-receiver.log",
			Arguments: []string{"--callback-bind-address=" + callbackAddress, "--metrics-bind-address=0", "--spool-dir=" + spool},
		},
		// The attacker's S3 servers are on this host.
		operator.Process{
			Name: "manager", Binary: o.manager, Health: managerHealth, Kubeconfig: users.manager, Log: "dist/neighbors-manager.log",
			Arguments: []string{"--metrics-bind-address=0", "--allow-local-storage-networks"},
		},
	)
}

// users are those that the API server serves in turn: none of them is an administrator, who would come before all others.
type users struct {
	receiver, manager []byte
	attacker          client.Client
}

// addPolicies installs the admission policies that hold tenants. The one that holds the manager to its own objects reads a
// ConfigMap of an installed operator; test/security has it.
func addPolicies(ctx context.Context, admin client.Client) error {
	for _, name := range []string{"approvals", "metadata", "rejected_callbacks", "reports"} {
		for _, file := range []string{name, name + "_binding"} {
			content, err := os.ReadFile(filepath.Join("config", "admission", file+".yaml"))
			if err != nil {
				return err
			}
			object := &unstructured.Unstructured{}
			if err := yaml.Unmarshal(content, &object.Object); err != nil {
				return fmt.Errorf("read config/admission/%s.yaml: %w", file, err)
			}
			if err := admin.Create(ctx, object); err != nil {
				return fmt.Errorf("create %s %s: %w", object.GetKind(), object.GetName(), err)
			}
		}
	}
	return nil
}

func addUsers(ctx context.Context, environment *envtest.Environment, admin client.Client) (*users, error) {
	for _, name := range []string{workingNamespace, attackerNamespace} {
		if err := admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			return nil, err
		}
	}
	found := &users{}
	for name, kubeconfig := range map[string]*[]byte{
		"recording-operator-receiver": &found.receiver, "recording-operator-controller-manager": &found.manager,
	} {
		user := envtest.User{Name: "system:serviceaccount:recording-system:" + name, Groups: []string{"system:serviceaccounts"}}
		added, err := environment.AddUser(user, nil)
		if err != nil {
			return nil, err
		}
		if *kubeconfig, err = added.KubeConfig(); err != nil {
			return nil, err
		}
		// test/security holds what each of them needs; here all that matters is that they are not of system:masters.
		if err := admin.Create(ctx, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user.Name}},
		}); err != nil {
			return nil, err
		}
	}
	added, err := environment.AddUser(envtest.User{Name: "attacker"}, nil)
	if err != nil {
		return nil, err
	}
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: attackerNamespace, Name: "tenant"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{rbacv1.ResourceAll}, Verbs: []string{rbacv1.VerbAll}},
		{APIGroups: []string{corev1.GroupName}, Resources: []string{"secrets"}, Verbs: []string{rbacv1.VerbAll}},
		{APIGroups: []string{batchv1.GroupName}, Resources: []string{"jobs"}, Verbs: []string{rbacv1.VerbAll}},
	}}
	binding := &rbacv1.RoleBinding{ObjectMeta: role.ObjectMeta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "attacker"}}}
	if err := errors.Join(admin.Create(ctx, role), admin.Create(ctx, binding)); err != nil {
		return nil, err
	}
	config := added.Config()
	config.QPS = -1
	found.attacker, err = client.New(config, client.Options{Scheme: admin.Scheme()})
	return found, err
}
