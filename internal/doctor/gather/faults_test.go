// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/doctor"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

const media = builders.Namespace

// change changes an object, and changes it back after the test. Its status is changed too.
func change[T client.Object](i *installation, namespace, name string, object T, to func(T)) {
	t := i.t
	i.get(t, namespace, name, object)
	before := object.DeepCopyObject().(T)
	to(object)
	status := object.DeepCopyObject().(T)
	i.must(t, i.client.Update(t.Context(), object))
	status.SetResourceVersion(object.GetResourceVersion())
	writeStatus(i, status)
	t.Cleanup(func() {
		now := object.DeepCopyObject().(T)
		i.must(t, i.client.Get(context.Background(), client.ObjectKeyFromObject(object), now))
		before.SetResourceVersion(now.GetResourceVersion())
		status := before.DeepCopyObject().(T)
		i.must(t, i.client.Update(context.Background(), before))
		status.SetResourceVersion(before.GetResourceVersion())
		writeStatus(i, status)
	})
}

// writeStatus writes the status of kinds that have one.
func writeStatus(i *installation, object client.Object) {
	t := i.t
	switch object.(type) {
	case *appsv1.Deployment, *corev1.Pod, *corev1.ResourceQuota, *v1alpha1.RecordingSource, *v1alpha1.StorageLocation, *v1alpha1.RecordingPipeline:
		i.must(t, i.client.Status().Update(context.Background(), object))
	}
}

// remove deletes an object, and creates it again after the test.
func remove(i *installation, namespace, name string, object client.Object) {
	t := i.t
	i.get(t, namespace, name, object)
	i.must(t, i.client.Delete(t.Context(), object))
	t.Cleanup(func() {
		again := object.DeepCopyObject().(client.Object)
		again.SetResourceVersion("")
		again.SetUID("")
		status := again.DeepCopyObject().(client.Object)
		i.must(t, i.client.Create(context.Background(), again))
		status.SetResourceVersion(again.GetResourceVersion())
		writeStatus(i, status)
	})
}

// add creates an object, and deletes it after the test.
func add(i *installation, object client.Object) {
	t := i.t
	i.create(t, object)
	t.Cleanup(func() { i.must(t, i.client.Delete(context.Background(), object)) })
}

// as is a client of an account, or person.
func as(t *testing.T, user string) (client.Client, *rest.Config) {
	t.Helper()
	config := rest.CopyConfig(server.Config)
	config.Impersonate.UserName = user
	c, err := client.New(config, client.Options{Scheme: server.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c, config
}

// answers is something else than a receiver.
func answers(code int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	})
}

// fault is one thing that is wrong, and the one finding that it must lead to.
type fault struct {
	seed func(*installation)
	// check and level are those of the finding; object and message are parts of its texts, and fix of its command.
	check                string
	level                doctor.Level
	object, message, fix string
}

var faults = map[string]fault{
	"definition is not served": {func(i *installation) {
		change(i, "", "rejectedcallbacks.recording.sparkrtc.dev", &apiextensionsv1.CustomResourceDefinition{}, func(d *apiextensionsv1.CustomResourceDefinition) {
			d.Spec.Versions[0].Served = false
		})
	}, "definitions", doctor.Error, "rejectedcallbacks.recording.sparkrtc.dev", "v1alpha1 is not served", "kubectl apply"},
	"definition is of an older version": {func(i *installation) {
		change(i, "", "recordingsources.recording.sparkrtc.dev", &apiextensionsv1.CustomResourceDefinition{}, func(d *apiextensionsv1.CustomResourceDefinition) {
			spec := d.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
			delete(spec.Properties, "ttlAfterFinished")
			d.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"] = spec
		})
	}, "definitions", doctor.Error, "recordingsources.recording.sparkrtc.dev", "it lacks spec.ttlAfterFinished", "kubectl apply"},
	"no receiver": {func(i *installation) {
		remove(i, system, "recording-operator-receiver", &appsv1.Deployment{})
	}, "workloads", doctor.Error, "", "no receiver", "install.yaml"},
	"managers crash": {func(i *installation) {
		change(i, system, "controller-manager-0", &corev1.Pod{}, func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "manager", RestartCount: 4,
				State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 40s"}}}}
		})
		change(i, system, "recording-operator-controller-manager", &appsv1.Deployment{}, func(d *appsv1.Deployment) { d.Status.ReadyReplicas = 0 })
	}, "workloads", doctor.Error, "Deployment recording-system/recording-operator-controller-manager", "0 of 2 replicas are ready. Pod controller-manager-0: CrashLoopBackOff", "component=manager"},
	"rollout hangs": {func(i *installation) {
		change(i, system, "recording-operator-receiver", &appsv1.Deployment{}, func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 1 })
	}, "workloads", doctor.Warning, "recording-operator-receiver", "1 of 2 replicas", "component=receiver"},
	"receiver is of another version": {func(i *installation) {
		change(i, system, "recording-operator-receiver", &appsv1.Deployment{}, func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.Containers[0].Image = "recording-operator:v1.2.2"
		})
	}, "versions", doctor.Warning, "", "recording-operator:v1.2.2 and recording-operator:v1.2.3", "install.yaml"},
	"worker image is of another version": {func(i *installation) {
		change(i, system, "recording-operator-images", &corev1.ConfigMap{}, func(c *corev1.ConfigMap) { c.Data["worker"] = "r.example.com:5000/recording-worker:v1.2.2" })
	}, "versions", doctor.Warning, "recording-operator-images", "worker image has version v1.2.2", "install.yaml"},
	"no trigger image": {func(i *installation) {
		change(i, system, "recording-operator-images", &corev1.ConfigMap{}, func(c *corev1.ConfigMap) { delete(c.Data, "trigger") })
	}, "versions", doctor.Error, "recording-operator-images", "no image for trigger", "install.yaml"},
	"plugin is of another version": {func(i *installation) {
		i.plugin = "v1.1.0"
		i.t.Cleanup(func() { i.plugin = "v1.2.3" })
	}, "versions", doctor.Warning, "", "This plugin has version v1.1.0", "install-plugin"},
	"nobody leads": {func(i *installation) {
		remove(i, system, leaseName, &coordinationv1.Lease{})
	}, "leader", doctor.Error, "", "No manager leads", "component=manager"},
	"leader hangs": {func(i *installation) {
		change(i, system, leaseName, &coordinationv1.Lease{}, func(l *coordinationv1.Lease) {
			l.Spec.RenewTime = &metav1.MicroTime{Time: time.Now().Add(-5 * time.Minute)}
		})
	}, "leader", doctor.Error, leaseName, "renewed its Lease 5 minutes ago", "component=manager"},
	"role was changed": {func(i *installation) {
		change(i, "", "recording-operator-manager", &rbacv1.ClusterRole{}, func(r *rbacv1.ClusterRole) {
			for j := range r.Rules {
				if r.Rules[j].Resources[0] == "jobs" {
					r.Rules[j].Verbs = []string{"get", "list", "watch", "patch", "delete"}
				}
			}
		})
	}, "rights", doctor.Error, "recording-system/recording-operator-controller-manager", "may not create jobs.batch", "install.yaml"},
	"Secrets of a namespace are not granted": {func(i *installation) {
		change(i, media, "recording-operator-secrets", &rbacv1.RoleBinding{}, func(b *rbacv1.RoleBinding) { b.Subjects = b.Subjects[1:] })
	}, "secret-rights", doctor.Error, "recording-system/recording-operator-receiver", "in namespace media", "create rolebinding recording-operator-receiver-secrets"},
	"admission policy is not bound": {func(i *installation) {
		remove(i, "", "recording-operator-reports", &admissionregistrationv1.ValidatingAdmissionPolicyBinding{})
	}, "policies", doctor.Warning, "recording-operator-reports", "No binding enforces", "install.yaml"},
	"status names a path outside of the Service": {func(i *installation) {
		change(i, media, "classroom", &v1alpha1.RecordingSource{}, func(s *v1alpha1.RecordingSource) {
			s.Status.CallbackPath = "/../../../../../../apis/apps/v1/namespaces/media/deployments"
			s.Status.Conditions = ready(metav1.ConditionFalse, v1alpha1.ReasonRouteInvalid, "it must have a finding")
		})
	}, "sources", doctor.Error, "media/classroom", "it must have a finding", ""},
	"no Secret": {func(i *installation) {
		remove(i, media, "callback", &corev1.Secret{})
	}, "keys", doctor.Error, "media/classroom", `spec.callback.keys[0]: Secret "callback" not found`, "create secret generic callback"},
	"Secret without the key": {func(i *installation) {
		change(i, media, "callback", &corev1.Secret{}, func(s *corev1.Secret) { s.Data = map[string][]byte{"other": []byte("x")} })
	}, "keys", doctor.Error, "media/classroom", `has no key "key"`, "--from-file=key="},
	"key is too short": {func(i *installation) {
		change(i, media, "callback", &corev1.Secret{}, func(s *corev1.Secret) { s.Data["key"] = []byte("too short") })
	}, "keys", doctor.Error, "media/classroom", "it must have 32 to 64 characters", "--from-file=key="},
	"route is wrong": {func(i *installation) {
		change(i, media, "classroom", &v1alpha1.RecordingSource{}, func(s *v1alpha1.RecordingSource) {
			s.Status.Conditions = ready(metav1.ConditionFalse, v1alpha1.ReasonRouteInvalid, "spec.routes[0].when: undeclared reference")
		})
	}, "sources", doctor.Error, "media/classroom", "RouteInvalid: spec.routes[0].when", "describe recordingsource classroom"},
	"callback is not registered": {func(i *installation) {
		change(i, media, "classroom", &v1alpha1.RecordingSource{}, func(s *v1alpha1.RecordingSource) {
			s.Spec.Service = &v1alpha1.Service{ProjectID: "p", CredentialsSecretRef: v1alpha1.SecretReference{Name: "rtc"}, PublicURL: "https://recordings.example.com"}
			s.Status.Conditions = append(s.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionRegistered, Status: metav1.ConditionFalse,
				Reason: v1alpha1.ReasonDrifted, Message: "the service has another url", LastTransitionTime: metav1.Now()})
		})
	}, "registration", doctor.Error, "media/classroom", "not registered, Drifted: the service has another url", "describe recordingsource classroom"},
	"storage is out of reach": {func(i *installation) {
		change(i, media, "obs", &v1alpha1.StorageLocation{}, func(l *v1alpha1.StorageLocation) {
			l.Status.Conditions = ready(metav1.ConditionFalse, v1alpha1.ReasonUnreachable, "connection refused")
		})
	}, "storage", doctor.Error, "StorageLocation media/obs", "Unreachable: connection refused", "describe storagelocation obs"},
	"pipeline is wrong": {func(i *installation) {
		change(i, media, "lecture", &v1alpha1.RecordingPipeline{}, func(p *v1alpha1.RecordingPipeline) {
			p.Status.Conditions = ready(metav1.ConditionFalse, v1alpha1.ReasonPipelineInvalid, "steps wait for each other")
		})
	}, "pipelines", doctor.Error, "RecordingPipeline media/lecture", "steps wait for each other", "describe recordingpipeline lecture"},
	"Service leads nowhere": {func(i *installation) {
		before := i.service
		i.service = answers(http.StatusServiceUnavailable, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no endpoints available","code":503}`)
		i.t.Cleanup(func() { i.service = before })
	}, "service", doctor.Error, "media/classroom", "gets no answer: no endpoints available", "install.yaml"},
	"proxy changes the body": {func(i *installation) {
		before := i.public
		i.public = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(`{"event_type": "DOCTOR_PROBE"}`)), -1
			before.ServeHTTP(w, r)
		})
		i.t.Cleanup(func() { i.public = before })
	}, "url", doctor.Error, "media/classroom", "a proxy changes the request", "describe recordingsource"},
	"URL leads elsewhere": {func(i *installation) {
		before := i.public
		i.public = answers(http.StatusOK, "<html>Welcome")
		i.t.Cleanup(func() { i.public = before })
	}, "url", doctor.Error, "media/classroom", "it is not the operator that answers there", "get ingress"},
	"clock is wrong": {func(i *installation) {
		i.ahead = 10 * time.Minute
		i.t.Cleanup(func() { i.ahead = 0 })
	}, "clock", doctor.Error, "", "API server's clock is 10 minutes behind", "timedatectl"},
	"callbacks wait on disk": {func(i *installation) {
		i.spool.Events, i.spool.Segments = 12, 1
		i.t.Cleanup(func() { i.spool.Events, i.spool.Segments = 0, 0 })
	}, "spool", doctor.Warning, "Pod recording-system/receiver-", "12 callbacks wait", "logs receiver-"},
	"spool is damaged": {func(i *installation) {
		i.spool.Corrupt = 1
		i.t.Cleanup(func() { i.spool.Corrupt = 0 })
	}, "spool", doctor.Error, "Pod recording-system/receiver-", "1 callbacks could not be read", "logs receiver-"},
	"callback was rejected": {func(i *installation) {
		rejected := builders.MakeRejectedCallback("classroom-01", "classroom", "{}").Obj()
		receiver, _ := as(i.t, "system:serviceaccount:"+system+":recording-operator-receiver")
		i.must(i.t, receiver.Create(i.t.Context(), rejected))
		i.t.Cleanup(func() { i.must(i.t, i.client.Delete(context.Background(), rejected)) })
	}, "rejected", doctor.Warning, "media/classroom", "1 signed callbacks could not be stored", "get rejectedcallbacks"},
	"discovery fails": {func(i *installation) {
		change(i, media, "classroom", &v1alpha1.RecordingSource{}, func(s *v1alpha1.RecordingSource) {
			s.Spec.Discovery = &v1alpha1.Discovery{}
			s.Status.Conditions = append(s.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionDiscovered, Status: metav1.ConditionFalse,
				Reason: v1alpha1.ReasonScanFailed, Message: "access denied", LastTransitionTime: metav1.Now()})
		})
	}, "discovery", doctor.Warning, "media/classroom", "ScanFailed: access denied", "describe recordingsource"},
	"discovery does not run": {func(i *installation) {
		change(i, media, "classroom", &v1alpha1.RecordingSource{}, func(s *v1alpha1.RecordingSource) {
			s.Spec.Discovery = &v1alpha1.Discovery{}
			s.Status.Discovery = &v1alpha1.DiscoveryStatus{Since: metav1.NewTime(time.Now().Add(-24 * time.Hour)), LastTime: &metav1.Time{Time: time.Now().Add(-5 * time.Hour)}}
		})
	}, "discovery", doctor.Warning, "media/classroom", "was searched 5 hours ago", "describe recordingsource"},
	"recording does not end": {func(i *installation) {
		add(i, builders.MakeRecordingFile("camera", "classroom").Object("abc-rtc", "camera.m3u8").Obj())
		change(i, system, leaseName, &coordinationv1.Lease{}, func(l *coordinationv1.Lease) {
			l.Spec.RenewTime = &metav1.MicroTime{Time: time.Now().Add(26 * time.Hour)}
		})
		i.later = 25 * time.Hour
		i.t.Cleanup(func() { i.later = 0 })
	}, "unfinished", doctor.Warning, "RecordingFile media/camera", "1 recordings", "kubectl recordings -n media tree camera"},
	"namespace enforces nothing": {func(i *installation) {
		change(i, "", media, &corev1.Namespace{}, func(n *corev1.Namespace) { delete(n.Labels, "pod-security.kubernetes.io/enforce") })
	}, "pod-security", doctor.Warning, "Namespace media", "enforces no level", "kubectl label --overwrite namespace media"},
	"slow webhook": {func(i *installation) {
		none, all := admissionregistrationv1.SideEffectClassNone, admissionregistrationv1.Ignore
		add(i, &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "everything"}, Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: "all.example.com", TimeoutSeconds: new(int32(30)), SideEffects: &none, AdmissionReviewVersions: []string{"v1"}, FailurePolicy: &all,
			ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: new("https://127.0.0.1:1/")},
			// It is not to be called in this test, which has a namespace selector that nothing matches.
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"no": "namespace"}},
			Rules: []admissionregistrationv1.RuleWithOperations{{Operations: []admissionregistrationv1.OperationType{"*"},
				Rule: admissionregistrationv1.Rule{APIGroups: []string{"*"}, APIVersions: []string{"*"}, Resources: []string{"*/*"}}}},
		}}})
	}, "webhooks", doctor.Warning, "MutatingWebhookConfiguration everything", "all.example.com is called for kinds of the operator, and may take 30s", "edit"},
	"quota is used up": {func(i *installation) {
		change(i, media, "steps", &corev1.ResourceQuota{}, func(q *corev1.ResourceQuota) {
			q.Status.Hard = corev1.ResourceList{"count/jobs.batch": resource.MustParse("10")}
			q.Status.Used = corev1.ResourceList{"count/jobs.batch": resource.MustParse("10")}
		})
	}, "quota", doctor.Error, "ResourceQuota media/steps", "10 of 10 are used of count/jobs.batch: no step can start", "describe resourcequota"},
	"source accepts anybody's callbacks": {func(i *installation) {
		change(i, media, "classroom", &v1alpha1.RecordingSource{}, func(s *v1alpha1.RecordingSource) {
			s.Spec.Callback.Authentication, s.Spec.Callback.Keys = v1alpha1.AuthenticationNone, nil
		})
	}, "keys", doctor.Warning, "media/classroom", "accepts callbacks that nobody signed", "explain"},
}

// TestDoctor_FindsEveryFault: a healthy installation has no finding, and each fault has its own and no other.
func TestDoctor_FindsEveryFault(t *testing.T) {
	i := install(t)
	healthy := func(t *testing.T) {
		t.Helper()
		NewWithT(t).Eventually(func() []doctor.Finding { return i.examine(t.Context(), t) }, 30*time.Second, 100*time.Millisecond).
			Should(BeEmpty(), "a healthy installation")
	}
	healthy(t)
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			i.t = t
			fault.seed(i)
			NewWithT(t).Eventually(func(g Gomega) {
				findings := i.examine(t.Context(), t)
				about := map[string]bool{} // of two replicas, both may have the same
				for _, finding := range findings {
					about[finding.Check+" "+strings.TrimRight(finding.Object, "01")] = true
				}
				g.Expect(about).To(HaveLen(1), "%+v", findings)
				g.Expect(findings[0].Check).To(Equal(fault.check))
				g.Expect(findings[0].Level).To(Equal(fault.level))
				g.Expect(findings[0].Object).To(ContainSubstring(fault.object))
				g.Expect(findings[0].Message).To(ContainSubstring(fault.message))
				g.Expect(findings[0].Fix).To(ContainSubstring(fault.fix))
				g.Expect(findings[0].Message + findings[0].Fix).NotTo(ContainSubstring(testKey))
			}, 30*time.Second, 100*time.Millisecond).Should(Succeed())
		})
	}
	healthy(t)
	t.Run("without rights", func(t *testing.T) { testForbidden(t, i) })
	t.Run("interrupted", func(t *testing.T) { testInterrupted(t, i) })
	t.Run("a cluster that hangs", func(t *testing.T) { testDeadlines(t, i) })
	t.Run("before installing", func(t *testing.T) { testBefore(t, i) })
}

// testForbidden: a check that may not read says so, and does not pass.
func testForbidden(t *testing.T, i *installation) {
	t.Helper()
	_, config := as(t, "jane")
	restricted := *i
	restricted.config = config
	snapshot, err := Installation(t.Context(), restricted.options())
	i.must(t, err)
	report := doctor.Examine(snapshot, doctor.Checks)
	if report.Errors > 0 {
		t.Errorf("a person without rights finds errors: %+v", notOK(report))
	}
	for _, finding := range report.Findings {
		// These two need no right: discovery of the version is for everybody.
		if finding.Check == "clock" {
			continue
		}
		if finding.Level != doctor.Warning || !strings.Contains(finding.Message, "Not checked: Forbidden") || !strings.HasPrefix(finding.Fix, "kubectl auth can-i ") {
			t.Errorf("%+v", finding)
		}
	}
}

// testInterrupted: a person who stops the doctor gets no report, least of all one without errors.
func testInterrupted(t *testing.T, i *installation) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, look := range map[string]func(context.Context, Options) (*doctor.Snapshot, error){"installed": Installation, "before": BeforeInstalling} {
		if _, err := look(ctx, i.options()); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// testDeadlines: whatever hangs, the report comes in less than ten seconds.
func testDeadlines(t *testing.T, i *installation) {
	t.Helper()
	options := i.options()
	options.Config.Wrap(func(http.RoundTripper) http.RoundTripper {
		return roundTrip(func(request *http.Request) (*http.Response, error) {
			<-request.Context().Done()
			return nil, request.Context().Err()
		})
	})
	began := time.Now()
	snapshot, err := Installation(t.Context(), options)
	i.must(t, err)
	report := doctor.Examine(snapshot, doctor.Checks)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	for _, finding := range report.Findings {
		if finding.Level == doctor.OK {
			t.Errorf("nothing was read, and %s is OK", finding.Check)
		}
	}
}

// testBefore: the checks before an installation find what stands in its way.
func testBefore(t *testing.T, i *installation) {
	t.Helper()
	i.t = t
	before := func() []doctor.Finding {
		snapshot, err := BeforeInstalling(t.Context(), i.options())
		i.must(t, err)
		return notOK(doctor.Examine(snapshot, doctor.PreChecks))
	}
	g := NewWithT(t)
	// envtest has no node.
	found := before()
	g.Expect(found).To(HaveLen(1))
	g.Expect(found[0].Message).To(Equal("No node takes pods."))
	add(i, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "windows"}, Status: corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{OperatingSystem: "windows", Architecture: "amd64"}}})
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "linux"}, Status: corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{OperatingSystem: "linux", Architecture: "arm64"}}}
	found = before()
	g.Expect(found).To(HaveLen(1))
	g.Expect(found[0].Message).To(ContainSubstring("windows (windows/amd64)"))
	add(i, node)
	g.Expect(before()).To(BeEmpty())
	change(i, "", "rejectedcallbacks.recording.sparkrtc.dev", &apiextensionsv1.CustomResourceDefinition{}, func(d *apiextensionsv1.CustomResourceDefinition) {
		d.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"].Properties["later"] = apiextensionsv1.JSONSchemaProps{Type: "string"}
	})
	found = before()
	g.Expect(found).To(HaveLen(1))
	g.Expect(found[0].Message).To(ContainSubstring("another version"))
	_, config := as(t, "jane")
	restricted := *i
	restricted.config = config
	snapshot, err := BeforeInstalling(t.Context(), restricted.options())
	i.must(t, err)
	g.Expect(doctor.Examine(snapshot, doctor.PreChecks).Findings).To(ContainElement(And(HaveField("Check", "installer"), HaveField("Level", doctor.Error),
		HaveField("Message", ContainSubstring("You may not create customresourcedefinitions.apiextensions.k8s.io")))))
}
