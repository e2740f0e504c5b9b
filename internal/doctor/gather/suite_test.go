// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/doctor"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/metrics"
	"sparkrtc.dev/recording-operator/internal/receiver"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

const (
	system  = "recording-system"
	testKey = "0123456789abcdef0123456789abcdef"
)

var server *apiserver.Server

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	apiserver.Main(func(s *apiserver.Server) {
		server = s
		m.Run()
	}, func(flags *envtest.Arguments) { flags.Set("authorization-mode", "RBAC") })
}

// installation is a healthy one: config/default, two replicas of each process, and a namespace with recordings. Behind the
// Service is a real receiver; nothing else runs, so what kubelet and manager would write is written here.
type installation struct {
	// t is the test that changes it.
	t      *testing.T
	client client.Client
	// ahead is how far this machine's clock is ahead of the cluster's, and later how much later it is everywhere.
	ahead, later time.Duration
	// service and public answer callbacks at the Service and at the public URL.
	service, public http.Handler
	spool           metrics.SpoolStats
	plugin          string
	config          *rest.Config
}

func install(t *testing.T) *installation {
	t.Helper()
	if err := apiextensionsv1.AddToScheme(server.Scheme); err != nil {
		t.Fatal(err)
	}
	i := &installation{t: t, client: server.Client, config: server.Config, plugin: "v1.2.3"}
	for _, object := range render(t) {
		i.create(t, object)
	}
	for _, name := range []string{"receiver", "controller-manager"} {
		component := strings.TrimPrefix(name, "controller-")
		deployment := &appsv1.Deployment{}
		i.get(t, system, "recording-operator-"+name, deployment)
		deployment.Spec.Template.Spec.Containers[0].Image = "recording-operator:v1.2.3"
		i.must(t, i.client.Update(t.Context(), deployment))
		deployment.Status.Replicas, deployment.Status.ReadyReplicas, deployment.Status.UpdatedReplicas = 2, 2, 2
		i.must(t, i.client.Status().Update(t.Context(), deployment))
		for _, replica := range []string{"-0", "-1"} {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: name + replica, Labels: deployment.Spec.Template.Labels}, Spec: deployment.Spec.Template.Spec}
			pod.Labels[labelComponent] = component
			i.create(t, pod)
		}
	}
	images := &corev1.ConfigMap{}
	i.get(t, system, "recording-operator-images", images)
	images.Data = map[string]string{"worker": "recording-worker:v1.2.3", "trigger": "recording-trigger:v1.2.3"}
	i.must(t, i.client.Update(t.Context(), images))
	i.create(t, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: leaseName}, Spec: coordinationv1.LeaseSpec{
		HolderIdentity: new("controller-manager-0"), RenewTime: &metav1.MicroTime{Time: time.Now().Add(time.Hour)},
	}})
	i.recordings(t)
	i.service = newReceiver(t)
	i.public = i.service
	return i
}

// recordings makes the namespace media, with everything ready.
func (i *installation) recordings(t *testing.T) {
	t.Helper()
	binding := &rbacv1.RoleBinding{RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "recording-operator-secrets"}}
	binding.Namespace, binding.Name = builders.Namespace, "recording-operator-secrets"
	for _, name := range []string{"recording-operator-receiver", "recording-operator-controller-manager"} {
		binding.Subjects = append(binding.Subjects, rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: system, Name: name})
	}
	secret := &corev1.Secret{StringData: map[string]string{"key": testKey + "\n"}}
	secret.Namespace, secret.Name = builders.Namespace, "callback"
	quota := &corev1.ResourceQuota{}
	quota.Namespace, quota.Name = builders.Namespace, "steps"
	source := builders.MakeRecordingSource("classroom").App("app").Key("callback", "key").Obj()
	source.Spec.StorageRef = &v1alpha1.LocalReference{Name: "obs"}
	location := builders.MakeStorageLocation("obs").S3("https://obs.example.com", "abc-rtc", "obs").Obj()
	pipeline := builders.MakeRecordingPipeline("lecture").Archive("keep", "obs").Obj()
	i.create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: builders.Namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}},
		binding, secret, quota, source, location, pipeline)
	source.Status.CallbackPath = "/callbacks/media/classroom"
	source.Status.Conditions = ready(metav1.ConditionTrue, v1alpha1.ReasonListening, "")
	location.Status.Conditions = ready(metav1.ConditionTrue, v1alpha1.ReasonAvailable, "")
	pipeline.Status.Conditions = ready(metav1.ConditionTrue, v1alpha1.ReasonValid, "")
	for _, object := range []client.Object{source, location, pipeline} {
		i.must(t, i.client.Status().Update(t.Context(), object))
	}
}

func ready(status metav1.ConditionStatus, reason, message string) []metav1.Condition {
	return []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: message, LastTransitionTime: metav1.Now()}}
}

func render(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	rendered, err := krusty.MakeKustomizer(&krusty.Options{Reorder: krusty.ReorderOptionLegacy, PluginConfig: krusty.MakeDefaultOptions().PluginConfig}).
		Run(filesys.MakeFsOnDisk(), filepath.Join("..", "..", "..", "config", "default"))
	if err != nil {
		t.Fatal(err)
	}
	var objects []*unstructured.Unstructured
	for _, resource := range rendered.Resources() {
		content, err := resource.Map()
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, &unstructured.Unstructured{Object: content})
	}
	return objects
}

// nobody observes the receiver.
type nobody struct{}

func (nobody) CallbackHandled(string, string, string, time.Duration)   {}
func (nobody) TimestampObserved(string, string, string, time.Duration) {}

func newReceiver(t *testing.T) http.Handler {
	t.Helper()
	handler, err := receiver.New(receiver.Config{
		Sources: server.Client, Keys: receiver.NewKeyStore(server.Client, clock.RealClock{}, logr.Discard()),
		Ingester: ingest.New(server.Client, server.Client, ingest.Options{}),
		Observer: nobody{}, Recorder: &events.FakeRecorder{}, Log: logr.Discard(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// roundTripper is the network: it serves what the API server would send on to pods, and the public URL.
func (i *installation) roundTripper(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(request *http.Request) (*http.Response, error) {
		var response *http.Response
		var err error
		path := request.URL.Path
		const proxy = "/api/v1/namespaces/" + system
		switch {
		case strings.HasPrefix(path, proxy+"/services/recording-operator-callback:http/proxy/"):
			request.URL.Path = strings.TrimPrefix(path, proxy+"/services/recording-operator-callback:http/proxy")
			response = serve(i.service, request)
		case strings.HasPrefix(path, proxy+"/pods/receiver-") && strings.HasSuffix(path, ":8080/proxy/metrics"):
			registry := prometheus.NewRegistry()
			if err := metrics.RegisterSpool(registry, func() metrics.SpoolStats { return i.spool }); err != nil {
				return nil, err
			}
			response = serve(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), request)
		case request.URL.Hostname() == "recordings.example.com":
			response = serve(i.public, request)
		default:
			response, err = next.RoundTrip(request)
		}
		if err != nil {
			return nil, err
		}
		response.Header.Set("Date", time.Now().Add(i.later).UTC().Format(http.TimeFormat))
		return response, nil
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func serve(handler http.Handler, request *http.Request) *http.Response {
	body := []byte{}
	if request.Body != nil {
		body, _ = io.ReadAll(request.Body)
	}
	served := httptest.NewRequestWithContext(request.Context(), request.Method, request.URL.String(), bytes.NewReader(body))
	served.Header = request.Header
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, served)
	return recorder.Result()
}

// examine runs doctor, and returns everything that is not OK.
func (i *installation) examine(ctx context.Context, t *testing.T) []doctor.Finding {
	t.Helper()
	snapshot, err := Installation(ctx, i.options())
	if err != nil {
		t.Fatal(err)
	}
	return notOK(doctor.Examine(snapshot, doctor.Checks))
}

func (i *installation) options() Options {
	config := rest.CopyConfig(i.config)
	config.Wrap(i.roundTripper)
	return Options{
		Config: config, Transport: i.roundTripper(http.DefaultTransport), Plugin: i.plugin, OperatorNamespace: system,
		Clock: clocktesting.NewFakePassiveClock(time.Now().Add(i.ahead + i.later)), URL: "https://recordings.example.com",
	}
}

func notOK(report *doctor.Report) []doctor.Finding {
	var found []doctor.Finding
	for _, finding := range report.Findings {
		if finding.Level != doctor.OK {
			found = append(found, finding)
		}
	}
	return found
}

func (i *installation) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (i *installation) get(t *testing.T, namespace, name string, object client.Object) {
	t.Helper()
	i.must(t, i.client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, object))
}

func (i *installation) create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := i.client.Create(t.Context(), object); err != nil {
			t.Fatalf("create %T %s: %v", object, object.GetName(), err)
		}
	}
}
