// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package security

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testingclock "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/controller"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/networks"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/steps/job"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// tell plays everything that the operator does in one namespace, the rare ways included, so that every right of its
// account is needed at least once.
func tell(t *testing.T, operator *operator, namespace string) {
	t.Helper()
	furnish(t, namespace)
	tellCallbacks(t, operator, namespace)
	tellKeys(t, namespace)
	tellSuspending(t, namespace)
	tellRejected(t, operator, namespace)
	tellForeignJob(t, namespace)
	tellLostRevision(t, namespace)
	tellAgain(t, namespace)
	tellLater(t, namespace)
	tellExpired(t, namespace)
}

// tellExpired ends a file and a task two days ago: the next manager that leads deletes them.
func tellExpired(t *testing.T, namespace string) {
	t.Helper()
	g := NewWithT(t)
	source := &v1alpha1.RecordingSource{ObjectMeta: named(namespace, "classroom")}
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"ttlAfterFinished":"24h"}}`))
	g.Expect(admin.Patch(t.Context(), source, patch)).To(Succeed())
	then := metav1.NewTime(time.Now().Add(-48 * time.Hour))
	ready := metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded, LastTransitionTime: then}
	file, task := recorded(namespace, "expired"), ingest.NewTask(namespace, "classroom", "expired")
	file.Spec.Suspend, file.Spec.TaskIDs = true, nil
	create(t, file, task)
	g.Eventually(func(g Gomega) {
		g.Expect(admin.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
		file.Status.Done, file.Status.ObservedGeneration, file.Status.Conditions = true, file.Generation, []metav1.Condition{ready}
		g.Expect(admin.Status().Update(t.Context(), file)).To(Succeed())
	}, timeout, poll).Should(Succeed())
	g.Eventually(func(g Gomega) {
		g.Expect(admin.Get(t.Context(), client.ObjectKeyFromObject(task), task)).To(Succeed())
		task.Status.Done, task.Status.ObservedGeneration, task.Status.State, task.Status.LastEventTime = true, task.Generation, v1alpha1.TaskEnded, &then
		g.Expect(admin.Status().Update(t.Context(), task)).To(Succeed())
	}, timeout, poll).Should(Succeed())
}

func create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := admin.Create(t.Context(), object); err != nil {
			t.Fatalf("create %T %s: %v", object, object.GetName(), err)
		}
	}
}

func named(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

// What the Secret of a place holds.
const (
	accessKeyID     = "AKIDOFTHETESTS"
	secretAccessKey = "not-to-be-told-0123456789"
)

// furnish makes what a recording needs: Secrets, a claim, places, a pipeline and a source with discovery.
func furnish(t *testing.T, namespace string) {
	t.Helper()
	g := NewWithT(t)
	namespaceObject := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	g.Expect(client.IgnoreAlreadyExists(admin.Create(t.Context(), namespaceObject))).To(Succeed())
	grantSecrets(t, namespace)
	create(t,
		&corev1.Secret{ObjectMeta: named(namespace, "callback"), StringData: map[string]string{"key": callbackKey}},
		&corev1.Secret{ObjectMeta: named(namespace, "s3"), StringData: map[string]string{
			"accessKeyID": accessKeyID, "secretAccessKey": secretAccessKey, "note": "PRIVATE"}},
		&corev1.PersistentVolumeClaim{ObjectMeta: named(namespace, "recordings-claim"), Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		}},
		builders.MakeStorageLocation("recordings").In(namespace).S3("http://192.0.2.1:9", "recordings", "s3").Obj(),
		builders.MakeStorageLocation("metadata").In(namespace).S3("http://169.254.169.254", "latest", "s3").Obj(),
		// A tenant who points at what is no certificate learns nothing of it.
		builders.MakeStorageLocation("curious").In(namespace).S3("https://192.0.2.1", "latest", "s3").CA("s3", "note").Obj(),
		builders.MakeStorageLocation("archive").In(namespace).Claim("recordings-claim").Obj(),
		builders.MakeRecordingPipeline("lecture").In(namespace).Archive("keep", "archive").Obj(),
		&v1alpha1.RecordingSource{ObjectMeta: named(namespace, "classroom"), Spec: v1alpha1.RecordingSourceSpec{
			Callback:   v1alpha1.CallbackSpec{Keys: []v1alpha1.CallbackKey{{SecretRef: v1alpha1.SecretKeyReference{Name: "callback", Key: "key"}}}},
			StorageRef: &v1alpha1.LocalReference{Name: "recordings"},
			Routes:     []v1alpha1.Route{{PipelineRef: v1alpha1.LocalReference{Name: "lecture"}}},
			Discovery:  &v1alpha1.Discovery{},
		}},
	)
	// The operator lends nobody its place in the network.
	g.Eventually(func(g Gomega) {
		place := &v1alpha1.StorageLocation{}
		g.Expect(admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "metadata"}, place)).To(Succeed())
		ready := meta.FindStatusCondition(place.Status.Conditions, v1alpha1.ConditionReady)
		g.Expect(ready).NotTo(BeNil())
		g.Expect(ready.Message).To(ContainSubstring("a network that the operator does not connect to"))
	}, timeout, poll).Should(Succeed())
	// Every kind gets its status.
	g.Eventually(func(g Gomega) {
		source, place, pipeline := &v1alpha1.RecordingSource{}, &v1alpha1.StorageLocation{}, &v1alpha1.RecordingPipeline{}
		g.Expect(admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "classroom"}, source)).To(Succeed())
		g.Expect(admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "archive"}, place)).To(Succeed())
		g.Expect(admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "lecture"}, pipeline)).To(Succeed())
		for _, conditions := range [][]metav1.Condition{source.Status.Conditions, place.Status.Conditions, pipeline.Status.Conditions} {
			g.Expect(meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReady)).To(BeTrue(), "%+v", conditions)
		}
	}, timeout, poll).Should(Succeed())
}

// grantSecrets lets both accounts get Secrets in the namespace, as README says.
func grantSecrets(t *testing.T, namespace string) {
	t.Helper()
	binding := &rbacv1.RoleBinding{
		ObjectMeta: named(namespace, secretsRole),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: secretsRole},
	}
	for _, account := range []account{receiverAccount, managerAccount} {
		binding.Subjects = append(binding.Subjects, rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: systemNamespace, Name: string(account)})
	}
	if err := admin.Create(t.Context(), binding); client.IgnoreAlreadyExists(err) != nil {
		t.Fatal(err)
	}
}

const (
	object      = `"obs_bucket":"recordings","obs_object":"a/a.m3u8","file_size":1000,"record_duration":65,"end_time":"2021-04-28T08:58:02Z"`
	grownObject = `"obs_bucket":"recordings","obs_object":"a/a.m3u8","file_size":2000,"record_duration":95,"end_time":"2021-04-28T08:58:32Z"`
)

// tellCallbacks is the main job: a recording begins, is completed, processed, and grows while it is processed.
func tellCallbacks(t *testing.T, operator *operator, namespace string) {
	t.Helper()
	g := NewWithT(t)
	g.Expect(operator.deliver(t, namespace, event("RECORD_NEW_FILE_START", "job"))).To(Equal(http.StatusOK))
	// A room that sorts before the one that is known is refused by the API server: then the task is read.
	for _, room := range []string{"b", "a"} {
		g.Expect(operator.deliver(t, namespace, event("RECORD_NEW_FILE_START", "job", `"room_id":"`+room+`"`))).To(Equal(http.StatusOK))
	}
	g.Expect(operator.deliver(t, namespace, event("RECORD_FILE_COMPLETE", "job", object))).To(Equal(http.StatusOK))
	expectDeniedNetworks(t, jobOf(t, namespace, 0))
	g.Expect(operator.deliver(t, namespace, event("RECORD_FILE_COMPLETE", "job", grownObject))).To(Equal(http.StatusOK))
	g.Eventually(func(g Gomega) {
		var list batchv1.JobList
		g.Expect(admin.List(t.Context(), &list, client.InNamespace(namespace))).To(Succeed())
		g.Expect(list.Items).To(ContainElement(HaveField("DeletionTimestamp", Not(BeNil()))), "the Job of the old facts is stopped")
	}, timeout, poll).Should(Succeed())
	// The same event of Kubernetes twice is a patch of the first.
	for range 2 {
		g.Expect(operator.deliver(t, namespace, event("RECORD_NEW_FILE_START", "job", `"job_id":[]`))).To(Equal(http.StatusBadRequest))
	}
}

// jobOf waits for a Job that is not one of the first n.
func jobOf(t *testing.T, namespace string, n int) *batchv1.Job {
	t.Helper()
	var list batchv1.JobList
	NewWithT(t).Eventually(func(g Gomega) {
		g.Expect(admin.List(t.Context(), &list, client.InNamespace(namespace))).To(Succeed())
		g.Expect(len(list.Items)).To(BeNumerically(">", n))
	}, timeout, poll).Should(Succeed())
	return &list.Items[0]
}

// expectDeniedNetworks: every container of a step knows where it must not connect to.
func expectDeniedNetworks(t *testing.T, made *batchv1.Job) {
	t.Helper()
	g := NewWithT(t)
	pod := made.Spec.Template.Spec
	for _, container := range slices.Concat(pod.InitContainers, pod.Containers) {
		var step workerapi.StepSpec
		g.Expect(container.Env[0].Name).To(Equal(workerapi.EnvStep))
		g.Expect(json.Unmarshal([]byte(container.Env[0].Value), &step)).To(Succeed())
		denied, err := networks.Parse(step.DeniedNetworks)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(denied).To(Equal(networks.Local()), container.Name)
	}
}

func recorded(namespace, name string) *v1alpha1.RecordingFile {
	return &v1alpha1.RecordingFile{ObjectMeta: named(namespace, name), Spec: v1alpha1.RecordingFileSpec{
		SourceRef: v1alpha1.LocalReference{Name: "classroom"}, Object: v1alpha1.ObjectIdentity{Bucket: "recordings", Key: name + ".m3u8"}, TaskIDs: []string{name},
		Reported: &v1alpha1.ReportedRecording{RecordingFacts: v1alpha1.RecordingFacts{SizeBytes: 1000, DurationSeconds: 65}},
	}}
}

// statusIs waits for what kubectl get shows under STATUS, and for what it says.
func statusIs(t *testing.T, namespace, name, want, message string) {
	t.Helper()
	NewWithT(t).Eventually(func(g Gomega) {
		file := &v1alpha1.RecordingFile{}
		g.Expect(admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, file)).To(Succeed())
		ready := meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionReady)
		g.Expect(ready).NotTo(BeNil())
		g.Expect(ready.Reason).To(Equal(want), ready.Message)
		g.Expect(ready.Message).To(ContainSubstring(message))
	}, timeout, poll).Should(Succeed())
}

func suspend(t *testing.T, file *v1alpha1.RecordingFile, suspend bool) {
	t.Helper()
	before := file.DeepCopy()
	file.Spec.Suspend = suspend
	if err := admin.Patch(t.Context(), file, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

// tellKeys has the manager generate the keys of two sources: in a Secret that is missing, and in one that is empty. There are
// no credentials for the service, so nobody is asked for anything.
func tellKeys(t *testing.T, namespace string) {
	t.Helper()
	g := NewWithT(t)
	create(t, &rbacv1.RoleBinding{
		ObjectMeta: named(namespace, keysRole), RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: keysRole},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: systemNamespace, Name: string(managerAccount)}},
	})
	empty := &corev1.Secret{ObjectMeta: named(namespace, "empty")}
	empty.Labels = map[string]string{v1alpha1.LabelCallbackKey: "true"}
	create(t, empty)
	// The API server's authorizer has seen the binding.
	g.Eventually(func() error {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: managerAccount.user(),
			ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: "patch", Resource: "secrets"}}}
		if err := admin.Create(t.Context(), review); err != nil {
			return err
		}
		if !review.Status.Allowed {
			return errors.New("not allowed yet")
		}
		return nil
	}, timeout, poll).Should(Succeed())
	for _, name := range []string{"missing", "empty"} {
		source := builders.MakeRecordingSource(name).App(name).Key(name, "key").Obj()
		source.Namespace = namespace
		source.Spec.Service = &v1alpha1.Service{ProjectID: "p", CredentialsSecretRef: v1alpha1.SecretReference{Name: "no-credentials"}, PublicURL: "https://recordings.example.com"}
		create(t, source)
		g.Eventually(func(g Gomega) {
			secret := &corev1.Secret{}
			g.Expect(admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, secret)).To(Succeed())
			g.Expect(secret.Data["key"]).To(HaveLen(64))
			g.Expect(admin.Get(t.Context(), client.ObjectKeyFromObject(source), source)).To(Succeed())
			registered := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionRegistered)
			g.Expect(registered).NotTo(BeNil())
			g.Expect(registered.Reason).To(Equal(v1alpha1.ReasonCredentialsMissing))
		}, timeout, poll).Should(Succeed())
	}
}

// tellSuspending suspends a file whose Job runs.
func tellSuspending(t *testing.T, namespace string) {
	t.Helper()
	file := recorded(namespace, "suspended")
	create(t, file)
	statusIs(t, namespace, file.Name, v1alpha1.ReasonProcessing, "")
	suspend(t, file, true)
	NewWithT(t).Eventually(func(g Gomega) {
		var list batchv1.JobList
		g.Expect(admin.List(t.Context(), &list, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelFile: file.Name})).To(Succeed())
		g.Expect(list.Items).To(ContainElement(HaveField("Spec.Suspend", HaveValue(BeTrue()))))
	}, timeout, poll).Should(Succeed())
}

// tellForeignJob lets a Job of somebody else bear the name of a step's: it is read live, and left alone.
func tellForeignJob(t *testing.T, namespace string) {
	t.Helper()
	file := recorded(namespace, "foreign")
	file.Spec.Suspend = true
	create(t, file)
	create(t, &batchv1.Job{
		ObjectMeta: named(namespace, job.Name(file, &pipeline.Start{Step: &v1alpha1.Step{Name: "keep"}, Run: 1, InputDigest: recording.Of(&file.Spec).Digest()})),
		Spec: batchv1.JobSpec{Suspend: new(true), Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "c", Image: "i"}},
		}}},
	})
	suspend(t, file, false)
	statusIs(t, namespace, file.Name, v1alpha1.ReasonFailed, "does not belong to this file")
}

// tellLostRevision names a revision that the cache does not have: it is read live.
func tellLostRevision(t *testing.T, namespace string) {
	t.Helper()
	file := recorded(namespace, "lost")
	file.Spec.Suspend = true
	create(t, file)
	NewWithT(t).Eventually(func() error {
		if err := admin.Get(t.Context(), client.ObjectKeyFromObject(file), file); err != nil {
			return err
		}
		file.Status.Pipeline = &v1alpha1.PipelineSnapshot{Name: "lecture", Revision: "lost"}
		file.Status.Input = recording.Of(&file.Spec).Digest()
		return admin.Status().Update(t.Context(), file)
	}, timeout, poll).Should(Succeed())
	suspend(t, file, false)
	statusIs(t, namespace, file.Name, v1alpha1.ReasonFailed, `ControllerRevision "lost"`)
}

// tellAgain skips two steps at once: the second event about that is a patch of the first.
func tellAgain(t *testing.T, namespace string) {
	t.Helper()
	file := recorded(namespace, "two-steps")
	file.Spec.PipelineRef = &v1alpha1.LocalReference{Name: "two-steps"}
	skipping := builders.MakeRecordingPipeline("two-steps").In(namespace).Archive("keep", "archive").Archive("keep-too", "archive").Obj()
	for i := range skipping.Spec.Steps {
		skipping.Spec.Steps[i].When = "recording.size < 0"
	}
	create(t, skipping, file)
	statusIs(t, namespace, file.Name, v1alpha1.ReasonSucceeded, "2 skipped")
}

// tellLater plays, with the manager's account, what the manager does only to objects that are minutes old or found in a
// bucket: it removes a revision that no file needs and a rejected callback that is a week old, creates a file for an object
// that it found, and updates it when the object grew.
func tellLater(t *testing.T, namespace string) {
	t.Helper()
	g := NewWithT(t)
	unused := &appsv1.ControllerRevision{ObjectMeta: named(namespace, "lecture-unused"), Revision: 1}
	unused.Labels = map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelPipeline: "lecture"}
	unused.Data.Raw = []byte("{}")
	create(t, unused)

	mgr, err := ctrl.NewManager(managerAccount.config(t), ctrl.Options{
		Scheme: scheme, Metrics: metricsserver.Options{BindAddress: "0"},
		Cache:      cache.Options{ByObject: controller.CacheByObject(), DefaultNamespaces: map[string]cache.Config{namespace: {}}},
		Controller: ctrlconfig.Controller{SkipNameValidation: new(true)},
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(controller.SetupCache(t.Context(), mgr.GetCache())).To(Succeed())
	conditions, err := expression.NewConditions()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect((&controller.PipelineReconciler{Client: mgr.GetClient(), Recorder: mgr.GetEventRecorder("test"), Conditions: conditions,
		Clock: testingclock.NewFakePassiveClock(time.Now().Add(time.Hour))}).SetupWithManager(mgr)).To(Succeed())
	g.Expect((&controller.RejectedReconciler{Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Recorder: mgr.GetEventRecorder("test"),
		Clock: testingclock.NewFakePassiveClock(time.Now().Add(8 * 24 * time.Hour))}).SetupWithManager(mgr)).To(Succeed())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(t.Context()) }()
	t.Cleanup(func() { g.Expect(<-ended).To(Succeed()) })
	g.Eventually(func(g Gomega) {
		var rejected v1alpha1.RejectedCallbackList
		g.Expect(admin.List(t.Context(), &rejected, client.InNamespace(namespace))).To(Succeed())
		g.Expect(rejected.Items).To(BeEmpty())
	}, timeout, poll).Should(Succeed(), "the rejected callback is deleted")
	g.Eventually(func() error {
		return admin.Get(t.Context(), client.ObjectKeyFromObject(unused), unused)
	}, timeout, poll).Should(Satisfy(apierrors.IsNotFound), "the revision that nobody needs is deleted")

	ingester := ingest.New(mgr.GetClient(), mgr.GetAPIReader(), ingest.Options{})
	found := ingest.Found{Namespace: namespace, Source: "classroom", Bucket: "recordings", Key: "found.m3u8",
		LastModified: time.Now().Add(-time.Hour), Facts: v1alpha1.RecordingFacts{SizeBytes: 1000}}
	g.Expect(ingester.Discover(t.Context(), found)).To(HaveField("Outcome", ingest.Created))
	found.LastModified, found.Facts.SizeBytes = time.Now(), 100_000
	g.Eventually(func() (ingest.Result, error) { // a status that is written meanwhile is a conflict
		return ingester.Discover(t.Context(), found)
	}, timeout, poll).Should(HaveField("Outcome", ingest.Updated))
}
