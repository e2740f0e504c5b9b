// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package security

import (
	"context"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// rolesOf are the roles that config/default and README bind to an account.
var rolesOf = map[account][]string{
	receiverAccount: {"recording-operator-receiver", secretsRole},
	managerAccount:  {"recording-operator-manager", secretsRole, keysRole, "recording-operator-leader-election"},
}

// checkedByAdmission are rights that no request shows, because an admission plugin of the API server checks them. With
// OwnerReferencesPermissionEnforcement, an account that creates a Job which a RecordingFile owns must be allowed to
// change the finalizers of that file. (The API server of these tests has the plugin.)
var checkedByAdmission = map[account][]string{
	managerAccount: {rightName("recording.sparkrtc.dev", "recordingfiles/finalizers", "update")},
}

// serviceAccount finds the names of accounts in the optional components.
var serviceAccount = regexp.MustCompile(`(?:kind: ServiceAccount\n  name: |serviceAccount: \{namespace: recording-system, name: )([a-z-]+)`)

// leaseKey is the leader's Lease.
var leaseKey = client.ObjectKey{Namespace: systemNamespace, Name: "recording-operator.recording.sparkrtc.dev"}

// TestRights_AreTheLeast: the operator does everything that it ever does. Afterwards each account has used every right
// that it has, and was refused nothing.
func TestRights_AreTheLeast(t *testing.T) {
	g := NewWithT(t)
	begin := auditEnd(t)
	// An operator of another test may have created the Lease.
	lease := &coordinationv1.Lease{ObjectMeta: named(leaseKey.Namespace, leaseKey.Name)}
	g.Expect(client.IgnoreNotFound(admin.Delete(t.Context(), lease))).To(Succeed())
	operator := startOperator(t)
	tell(t, operator, "all-of-it")
	leadAgain(t)
	secretsAppearNowhere(t, operator, "all-of-it")

	for _, account := range []account{receiverAccount, managerAccount} {
		granted := grantedTo(t, account)
		g.Eventually(func(g Gomega) {
			used := map[string]bool{}
			for _, right := range checkedByAdmission[account] {
				used[right] = true
			}
			for _, request := range account.askedSince(t, begin) {
				g.Expect(request.forbidden()).To(BeFalse(), "%s: %s %s is missing from config/rbac", account, request.Verb, request.RequestURI)
				used[request.right()] = true
			}
			g.Expect(slices.Sorted(maps.Keys(granted))).To(Equal(slices.Sorted(maps.Keys(used))), "%s", account)
		}, timeout, poll).Should(Succeed())
	}
}

// grantedTo are the rights of an account, one resource and one verb at a time. None is for everything.
func grantedTo(t *testing.T, account account) map[string]bool {
	t.Helper()
	objects, err := render("default")
	if err != nil {
		t.Fatal(err)
	}
	granted := map[string]bool{}
	for _, object := range objects {
		if !slices.Contains(rolesOf[account], object.GetName()) || object.GetKind() != "ClusterRole" && object.GetKind() != "Role" {
			continue
		}
		for _, rule := range find[rbacv1.ClusterRole](t, "default", object.GetKind(), object.GetName()).Rules {
			for _, right := range rightsOf(rule) {
				if strings.Contains(right, "*") {
					t.Errorf("%s may %s", account, right)
				}
				granted[right] = true
			}
		}
	}
	return granted
}

// rightsOf lists what a rule grants, one resource and one verb at a time.
func rightsOf(rule rbacv1.PolicyRule) []string {
	var rights []string
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				rights = append(rights, rightName(group, strings.TrimSpace(resource), verb))
			}
		}
	}
	return rights
}

// leadAgain takes the Lease from the manager that leads, which exits, and has another manager wait for it.
func leadAgain(t *testing.T) {
	t.Helper()
	g := NewWithT(t)
	lease := &coordinationv1.Lease{}
	g.Eventually(func() error {
		if err := admin.Get(t.Context(), leaseKey, lease); err != nil {
			return err
		}
		// Longer than a leader tries to renew its Lease.
		lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds = new("somebody"), new(int32(13))
		lease.Spec.RenewTime = &metav1.MicroTime{Time: time.Now()}
		return admin.Update(t.Context(), lease)
	}, timeout, poll).Should(Succeed())
	startProcess(t, "manager", managerAccount, "--leader-elect", "--leader-election-namespace="+systemNamespace)
	g.Eventually(func(g Gomega) {
		g.Expect(admin.Get(t.Context(), leaseKey, lease)).To(Succeed())
		g.Expect(lease.Spec.HolderIdentity).NotTo(HaveValue(Equal("somebody")))
	}, 2*timeout, poll).Should(Succeed())
}

// TestReceiverToken_CreatesNoWorkload: with the receiver's token, an attacker starts no pod, sees no storage, lists no
// Secret and writes no status.
func TestReceiverToken_CreatesNoWorkload(t *testing.T) {
	g := NewWithT(t)
	thief, err := client.New(receiverAccount.config(t), client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())
	job := stepJob(t, "receiver-token")
	grantSecrets(t, job.Namespace)
	create(t, &corev1.Secret{ObjectMeta: named(job.Namespace, "key")})
	g.Eventually(func() error { // the token works where it should
		return thief.Get(t.Context(), client.ObjectKey{Namespace: job.Namespace, Name: "key"}, &corev1.Secret{})
	}, timeout, poll).Should(Succeed())
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}}, Spec: job.Spec.Template.Spec}
	selector := &metav1.LabelSelector{MatchLabels: template.Labels}
	file := recorded(job.Namespace, "video")
	source := &v1alpha1.RecordingSource{ObjectMeta: named(job.Namespace, "classroom")}
	location := builders.MakeStorageLocation("place").In(job.Namespace).Claim("recordings-claim").Obj()
	pipeline := builders.MakeRecordingPipeline("lecture").In(job.Namespace).Archive("keep", "place").Obj()
	status := client.RawPatch("application/merge-patch+json", []byte(`{"status":{"observedGeneration":1}}`))
	in := client.InNamespace(job.Namespace)
	for name, attempt := range map[string]func() error{
		"create a Job": func() error { return thief.Create(t.Context(), job.DeepCopy()) },
		"create a pod": func() error {
			return thief.Create(t.Context(), &corev1.Pod{ObjectMeta: named(job.Namespace, "pod"), Spec: template.Spec})
		},
		"create a Deployment": func() error {
			return thief.Create(t.Context(), &appsv1.Deployment{ObjectMeta: named(job.Namespace, "d"), Spec: appsv1.DeploymentSpec{Selector: selector, Template: template}})
		},
		"create a CronJob": func() error {
			return thief.Create(t.Context(), &batchv1.CronJob{ObjectMeta: named(job.Namespace, "c"), Spec: batchv1.CronJobSpec{Schedule: "* * * * *", JobTemplate: batchv1.JobTemplateSpec{Spec: job.Spec}}})
		},
		"create a location": func() error { return thief.Create(t.Context(), location.DeepCopy()) },
		"create a pipeline": func() error { return thief.Create(t.Context(), pipeline.DeepCopy()) },
		"create a source":   func() error { return thief.Create(t.Context(), source.DeepCopy()) },
		"change a source": func() error {
			return thief.Patch(t.Context(), source.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(`{"spec":{}}`)))
		},
		"read locations":  func() error { return thief.List(t.Context(), &v1alpha1.StorageLocationList{}, in) },
		"list Secrets":    func() error { return thief.List(t.Context(), &corev1.SecretList{}, in) },
		"create a Secret": func() error { return thief.Create(t.Context(), &corev1.Secret{ObjectMeta: named(job.Namespace, "s")}) },
		"read another's Secret": func() error {
			return thief.Get(t.Context(), client.ObjectKey{Namespace: systemNamespace, Name: "key"}, &corev1.Secret{})
		},
		"write a status": func() error { return thief.Status().Patch(t.Context(), file.DeepCopy(), status) },
		"delete a file":  func() error { return thief.Delete(t.Context(), file.DeepCopy()) },
		"bind a role": func() error {
			return thief.Create(t.Context(), &rbacv1.RoleBinding{ObjectMeta: named(job.Namespace, "r"), RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"}})
		},
		"read the Lease":   func() error { return thief.Get(t.Context(), leaseKey, &coordinationv1.Lease{}) },
		"create a service": func() error { return thief.Create(t.Context(), &corev1.Service{ObjectMeta: named(job.Namespace, "s")}) },
	} {
		g.Expect(attempt()).To(Satisfy(apierrors.IsForbidden), name)
	}
}

// TestSecrets_AreGrantedByNamespace: with config/default alone, neither account reads a Secret anywhere, and the objects
// that need one say which right is missing. Once it is granted, they go on by themselves.
func TestSecrets_AreGrantedByNamespace(t *testing.T) {
	g := NewWithT(t)
	const namespace = "no-grant"
	operator := startOperator(t, "--namespaces="+namespace)
	source := &v1alpha1.RecordingSource{ObjectMeta: named(namespace, "classroom"), Spec: v1alpha1.RecordingSourceSpec{
		Callback: v1alpha1.CallbackSpec{Keys: []v1alpha1.CallbackKey{{SecretRef: v1alpha1.SecretKeyReference{Name: "callback", Key: "key"}}}},
	}}
	location := builders.MakeStorageLocation("recordings").In(namespace).S3("http://192.0.2.1:9", "recordings", "s3").Obj()
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
		&corev1.Secret{ObjectMeta: named(namespace, "callback"), StringData: map[string]string{"key": callbackKey}}, source, location)
	for _, object := range []client.Object{source, location} {
		g.Eventually(func(g Gomega) {
			g.Expect(admin.Get(t.Context(), client.ObjectKeyFromObject(object), object)).To(Succeed())
			conditions := source.Status.Conditions
			if object == client.Object(location) {
				conditions = location.Status.Conditions
			}
			ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
			g.Expect(ready).NotTo(BeNil())
			g.Expect(ready.Reason).To(Equal(v1alpha1.ReasonSecretForbidden))
			g.Expect(ready.Message).To(ContainSubstring(secretsRole))
		}, timeout, poll).Should(Succeed())
	}
	g.Expect(operator.deliver(t, namespace, event("RECORD_NEW_FILE_START", "job"))).To(Equal(http.StatusServiceUnavailable))
	grantSecrets(t, namespace)
	g.Eventually(func() int { return operator.deliver(t, namespace, event("RECORD_NEW_FILE_START", "job")) }, timeout, poll).Should(Equal(http.StatusOK))
}

// TestManager_NeedsTheRightToFinalizers: without it the API server, given the plugin, refuses every Job.
func TestManager_NeedsTheRightToFinalizers(t *testing.T) {
	g := NewWithT(t)
	operator, err := client.New(managerAccount.config(t), client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())
	job := stepJob(t, "finalizers")
	g.Expect(operator.Create(t.Context(), job.DeepCopy(), client.DryRunAll)).To(Succeed())

	role := &rbacv1.ClusterRole{}
	g.Expect(admin.Get(t.Context(), client.ObjectKey{Name: "recording-operator-manager"}, role)).To(Succeed())
	rules := role.Rules
	t.Cleanup(func() {
		role.Rules = rules
		g.Expect(admin.Update(context.WithoutCancel(t.Context()), role)).To(Succeed())
	})
	role.Rules = slices.DeleteFunc(slices.Clone(rules), func(rule rbacv1.PolicyRule) bool {
		return slices.Contains(rule.Resources, "recordingfiles/finalizers")
	})
	g.Expect(admin.Update(t.Context(), role)).To(Succeed())
	g.Eventually(func() error {
		return operator.Create(t.Context(), job.DeepCopy(), client.DryRunAll)
	}, timeout, poll).Should(MatchError(ContainSubstring("cannot set blockOwnerDeletion")))
}

// TestManager_OneNamespaceIsEnough: with config/namespaced, the operator works in its namespace without any right in others, and
// asks for none.
func TestManager_OneNamespaceIsEnough(t *testing.T) {
	g := NewWithT(t)
	for _, account := range []account{receiverAccount, managerAccount} {
		binding := find[rbacv1.ClusterRoleBinding](t, "default", "ClusterRoleBinding", rolesOf[account][0])
		g.Expect(admin.Delete(t.Context(), binding.DeepCopy())).To(Succeed())
		t.Cleanup(func() { g.Expect(admin.Create(context.WithoutCancel(t.Context()), binding)).To(Succeed()) })
		deployment := find[appsv1.Deployment](t, "namespaced", "Deployment", string(account))
		g.Expect(deployment.Spec.Template.Spec.Containers[0].Args).To(ContainElement("--namespaces=media"))
	}
	objects, err := render("namespaced")
	g.Expect(err).NotTo(HaveOccurred())
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "media"}})
	for _, object := range objects {
		g.Expect(object.GetKind()).NotTo(Equal("ClusterRoleBinding"), "%s reaches every namespace", object.GetName())
		if object.GetNamespace() == "media" {
			create(t, object)
		}
	}
	for _, account := range []account{receiverAccount, managerAccount} {
		operator, err := client.New(account.config(t), client.Options{Scheme: scheme})
		g.Expect(err).NotTo(HaveOccurred())
		g.Eventually(func() bool { // the authorizer has seen the bindings change
			elsewhere := operator.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "x"}, &v1alpha1.RecordingFile{})
			here := operator.Get(t.Context(), client.ObjectKey{Namespace: "media", Name: "x"}, &v1alpha1.RecordingFile{})
			return apierrors.IsForbidden(elsewhere) && apierrors.IsNotFound(here)
		}, timeout, poll).Should(BeTrue())
	}

	begin := auditEnd(t)
	tell(t, startOperator(t, "--namespaces=media"), "media")
	for _, account := range []account{receiverAccount, managerAccount} {
		for _, request := range account.askedSince(t, begin) {
			g.Expect(request.forbidden()).To(BeFalse(), "%s: %s %s", account, request.Verb, request.RequestURI)
		}
	}
}

// TestManager_GivesItsLeaseBack: a manager that is told to stop frees its Lease, so that another leads at once.
func TestManager_GivesItsLeaseBack(t *testing.T) {
	g := NewWithT(t)
	lease := &coordinationv1.Lease{ObjectMeta: named(leaseKey.Namespace, leaseKey.Name)}
	g.Expect(client.IgnoreNotFound(admin.Delete(t.Context(), lease))).To(Succeed())
	holder := func(g Gomega) string {
		g.Expect(admin.Get(t.Context(), leaseKey, lease)).To(Succeed())
		return *lease.Spec.HolderIdentity
	}
	t.Run("lead", func(t *testing.T) {
		startOperator(t)
		NewWithT(t).Eventually(func(g Gomega) {
			g.Expect(holder(g)).NotTo(BeEmpty())
			// A manager that has written the Lease knows only a moment later that it leads.
			g.Expect(lease.Spec.RenewTime.After(lease.Spec.AcquireTime.Time)).To(BeTrue())
		}, timeout, poll).Should(Succeed())
	})
	g.Expect(holder(g)).To(BeEmpty())
}

// TestOptionalComponents_NameTheAccounts: their bindings and flow schemas name accounts that config/default creates, and
// the API server accepts them.
func TestOptionalComponents_NameTheAccounts(t *testing.T) {
	g := NewWithT(t)
	accounts := []string{string(receiverAccount), string(managerAccount)}
	for _, account := range accounts {
		find[corev1.ServiceAccount](t, "default", "ServiceAccount", account)
	}
	for _, component := range []string{"cluster-secrets", "priority-and-fairness"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "config", "components", component, "*.yaml"))
		g.Expect(err).NotTo(HaveOccurred())
		objects := 0
		for _, file := range files {
			content, err := os.ReadFile(file)
			g.Expect(err).NotTo(HaveOccurred())
			for document := range strings.SplitSeq(string(content), "\n---\n") {
				object := &unstructured.Unstructured{}
				g.Expect(yaml.Unmarshal([]byte(document), &object.Object)).To(Succeed(), file)
				if object.GetKind() == "Component" {
					continue
				}
				g.Expect(admin.Create(t.Context(), object, client.DryRunAll)).To(Succeed(), "%s %s", object.GetKind(), object.GetName())
				for _, match := range serviceAccount.FindAllStringSubmatch(document, -1) {
					objects++
					g.Expect(accounts).To(ContainElement(match[1]), file)
				}
			}
		}
		g.Expect(objects).To(BeNumerically(">=", 2), component)
	}
}
