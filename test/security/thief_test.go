// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package security

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/objectstore"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/steps"
	"sparkrtc.dev/recording-operator/internal/steps/job"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
	"sparkrtc.dev/recording-operator/internal/testing/s3server"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// The users of the S3 server, with the rights that docs/security.md tells people to give, and nothing else.
const (
	sourceUser, sourceSecret           = "reads-recordings", "secret-of-who-reads-recordings"
	destinationUser, destinationSecret = "writes-results", "secret-of-who-writes-results"
	sourcePolicy                       = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":"` + sourceUser + `","Action":"s3:ListBucket","Resource":"arn:aws:s3:::recordings"},
		{"Effect":"Allow","Principal":"` + sourceUser + `","Action":"s3:GetObject","Resource":"arn:aws:s3:::recordings/*"}]}`
	destinationPolicy = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":"` + destinationUser + `","Action":"s3:ListBucket","Resource":"arn:aws:s3:::archive"},
		{"Effect":"Allow","Principal":"` + destinationUser + `","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::archive/results/*"}]}`
)

// robbed are the objects before anybody steals credentials.
var robbed = map[string]string{
	"recordings/a/a.m3u8": "a recording", "archive/results/b.mp4": "a result", "archive/private/c.mp4": "of another application", "payroll/d": "of another bucket",
}

// robbedServer is an S3 server with these objects, in a namespace with the Secrets and StorageLocations of both sides.
func robbedServer(t *testing.T, namespace string) *s3server.Server {
	t.Helper()
	server := s3server.StartWithUsers(t, map[string]string{sourceUser: sourceSecret, destinationUser: destinationSecret}, "recordings", "archive", "payroll")
	server.SetPolicy(t, "recordings", sourcePolicy)
	server.SetPolicy(t, "archive", destinationPolicy)
	for name, content := range robbed {
		bucket, key, _ := strings.Cut(name, "/")
		server.Put(t, bucket, key, []byte(content), time.Unix(1619600282, 0), nil)
	}
	secret := func(name, access, key string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: named(namespace, name), StringData: map[string]string{
			v1alpha1.SecretKeyAccessKeyID: access, v1alpha1.SecretKeySecretAccessKey: key, v1alpha1.SecretKeyEndpoint: server.Endpoint, "note": "PRIVATE"}}
	}
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
		secret("source", sourceUser, sourceSecret), secret("destination", destinationUser, destinationSecret),
		&corev1.Secret{ObjectMeta: named(namespace, "callback"), StringData: map[string]string{"key": callbackKey}})
	return server
}

// jobOfStep is the Job of a step that reads from one place and writes to another.
func jobOfStep(t *testing.T, step *v1alpha1.Step, from, to *v1alpha1.StorageLocation) *batchv1.Job {
	t.Helper()
	file := recorded(from.Namespace, "lecture")
	made, problem := steps.Build(&job.Work{
		Start: pipeline.Start{Step: step, Run: 1, InputDigest: "facts"}, File: file, Facts: recording.Of(&file.Spec), Source: &v1alpha1.RecordingSource{},
		InputStorage: from, OutputStorage: to, Revision: "lecture", WorkerImage: "recording-worker:dev",
	})
	if problem != nil {
		t.Fatal(problem.Message)
	}
	return made
}

// loot is what a program that took a container over finds in it: the files of Secrets that the kubelet mounts, by path, and
// the environment.
func loot(t *testing.T, namespace string, pod *corev1.PodSpec, container *corev1.Container) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, variable := range container.Env {
		found["$"+variable.Name] = variable.Value
		if variable.ValueFrom != nil {
			t.Errorf("%s has %s from %v", container.Name, variable.Name, variable.ValueFrom)
		}
	}
	if len(container.EnvFrom) > 0 {
		t.Errorf("%s has variables from %v", container.Name, container.EnvFrom)
	}
	for _, mount := range container.VolumeMounts {
		at := slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
		volume := pod.Volumes[at]
		switch {
		case volume.EmptyDir != nil:
		case volume.Projected != nil:
			for _, source := range volume.Projected.Sources {
				project(t, namespace, source, mount.MountPath, found)
			}
		default:
			t.Errorf("%s mounts %+v", container.Name, volume)
		}
	}
	return found
}

// project does what the kubelet does with one source of a projected volume.
func project(t *testing.T, namespace string, source corev1.VolumeProjection, folder string, found map[string]string) {
	t.Helper()
	if source.Secret == nil {
		t.Fatalf("%s has %+v", folder, source)
	}
	secret := &corev1.Secret{}
	if err := admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: source.Secret.Name}, secret); err != nil {
		t.Fatal(err)
	}
	if len(source.Secret.Items) == 0 {
		t.Errorf("%s has the whole Secret", folder)
	}
	for _, item := range source.Secret.Items {
		if value, there := secret.Data[item.Key]; there {
			found[path.Join(folder, item.Path)] = string(value)
		}
	}
}

// TestStolenStorageCredentials_DoWhatTheirBucketsPolicyAllows: a recording takes over a container of a step, and uses every
// credential that it finds there at the server. With those of fetch it reads recordings; with those of publish it reads and
// writes results; in process it finds none. Nothing else is reached, and what it could not change is as it was.
func TestStolenStorageCredentials_DoWhatTheirBucketsPolicyAllows(t *testing.T) {
	g := NewWithT(t)
	const namespace = "robbed"
	server := robbedServer(t, namespace)
	// What each container's credentials do at the server. The rest is refused.
	want := map[string][]string{
		workerapi.ContainerFetch:   {"list recordings", "read recordings/a/a.m3u8"},
		workerapi.ContainerProcess: nil,
		workerapi.ContainerPublish: {"delete archive/results/b.mp4", "list archive", "read archive/results/b.mp4", "write archive/results/b.mp4"},
		workerapi.ContainerMain:    nil,
	}
	recordings := builders.MakeStorageLocation("recordings").In(namespace).S3(server.Endpoint, "recordings", "source").Obj()
	archive := builders.MakeStorageLocation("archive").In(namespace).S3(server.Endpoint, "archive", "destination").Obj()
	output := &v1alpha1.StepOutput{}
	for _, step := range []*v1alpha1.Step{
		{Name: "keep", Archive: &v1alpha1.Archive{}, Output: output},
		{Name: "mp4", Transcode: &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux}, Output: output},
		{Name: "pictures", Thumbnails: &v1alpha1.Thumbnails{Poster: true}, Output: output},
		{Name: "captions", Container: &v1alpha1.Container{Image: "registry.example.com/captions:1"}, Output: output},
	} {
		pod := jobOfStep(t, step, recordings, archive).Spec.Template.Spec
		for _, container := range slices.Concat(pod.InitContainers, pod.Containers) {
			expected, known := want[container.Name]
			g.Expect(known).To(BeTrue(), container.Name)
			found := loot(t, namespace, &pod, &container)
			secrets := secretsIn(t, namespace, found)
			for _, secret := range secrets {
				g.Expect(secret).To(HavePrefix("secret-of-who-"), "%s of step %s", container.Name, step.Name)
			}
			g.Expect(len(secrets)).To(Equal(min(1, len(expected))), "%s of step %s finds %q", container.Name, step.Name, secrets)
			g.Expect(rob(t, server, found)).To(Equal(expected), "%s of step %s", container.Name, step.Name)
		}
	}
	for name, content := range robbed {
		bucket, key, _ := strings.Cut(name, "/")
		if strings.HasPrefix(name, "archive/results/") {
			continue // publish may write it
		}
		g.Expect(server.Read(bucket, key)).To(BeEquivalentTo(content), name)
	}
}

// secretsIn are the values of the namespace's Secrets that are anywhere in what was found, but for what is no secret.
func secretsIn(t *testing.T, namespace string, found map[string]string) (secrets []string) {
	t.Helper()
	var all corev1.SecretList
	if err := admin.List(t.Context(), &all, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(slices.Sorted(maps.Values(found)), "\n")
	for i := range all.Items {
		for key, value := range all.Items[i].Data {
			if key != v1alpha1.SecretKeyAccessKeyID && key != v1alpha1.SecretKeyEndpoint && strings.Contains(text, string(value)) {
				secrets = append(secrets, string(value))
			}
		}
	}
	return secrets
}

// rob tries every pair of two values that were found as credentials, and says what they do at the server.
func rob(t *testing.T, server *s3server.Server, found map[string]string) (done []string) {
	t.Helper()
	for _, access := range found {
		for _, secret := range found {
			if strings.ContainsAny(access, "/{") || len(secret) > 64 || access == secret {
				continue // no request has such an access key ID
			}
			done = append(done, attempts(t, server, access, secret)...)
		}
	}
	slices.Sort(done)
	return slices.Compact(done)
}

// attempts are what a pair of credentials does with each bucket and object, deleting last. What is deleted is put back.
func attempts(t *testing.T, server *s3server.Server, access, secret string) (done []string) {
	t.Helper()
	address := strings.TrimPrefix(server.Direct(), "http://")
	s3, err := minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(access, secret, ""), Region: "us-east-1", MaxRetries: 1})
	if err != nil {
		return nil
	}
	try := func(what string, attempt func() error) {
		switch err := attempt(); {
		case err == nil:
			done = append(done, what)
		case !refused(err):
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, bucket := range []string{"recordings", "archive", "payroll"} {
		try("list "+bucket, func() error {
			for object := range s3.ListObjects(t.Context(), bucket, minio.ListObjectsOptions{Recursive: true, UseV1: true}) {
				return object.Err
			}
			return errors.New("an empty list")
		})
		try("change the policy of "+bucket, func() error {
			return s3.SetBucketPolicy(t.Context(), bucket, strings.ReplaceAll(sourcePolicy, "recordings", bucket))
		})
	}
	for name, content := range robbed {
		bucket, key, _ := strings.Cut(name, "/")
		try("read "+name, func() error {
			object, err := s3.GetObject(t.Context(), bucket, key, minio.GetObjectOptions{})
			if err != nil {
				return err
			}
			defer func() { _ = object.Close() }()
			read, err := io.ReadAll(object)
			if err == nil && string(read) != content {
				return fmt.Errorf("read %q", read)
			}
			return err
		})
		try("write "+name, func() error {
			_, err := s3.PutObject(t.Context(), bucket, key, bytes.NewReader([]byte(content)), int64(len(content)), minio.PutObjectOptions{DisableMultipart: true})
			return err
		})
		try("delete "+name, func() error {
			err := s3.RemoveObject(t.Context(), bucket, key, minio.RemoveObjectOptions{})
			if err == nil {
				server.Put(t, bucket, key, []byte(content), time.Unix(1619600282, 0), nil)
			}
			return err
		})
	}
	return done
}

// refused says that the server knows the credentials not, or does not permit this.
func refused(err error) bool {
	return slices.Contains([]string{"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "XAdminUserNotFound"}, minio.ToErrorResponse(err).Code)
}

// TestLeastStorageRights_AreEnoughForTheOperator: what the thief above cannot do, the operator does not need. It looks into
// both buckets with the same rights.
func TestLeastStorageRights_AreEnoughForTheOperator(t *testing.T) {
	g := NewWithT(t)
	const namespace = "least-storage"
	server := robbedServer(t, namespace)
	for bucket, secret := range map[string]string{"recordings": "source", "archive": "destination"} {
		location := server.Location(bucket, secret)
		access, err := objectstore.ReadAccess(t.Context(), admin, namespace, location)
		g.Expect(err).NotTo(HaveOccurred())
		opened, err := objectstore.Open(location, access)
		g.Expect(err).NotTo(HaveOccurred())
		defer opened.Close()
		g.Expect(opened.Check(t.Context())).To(Succeed(), bucket)
		if bucket == "recordings" {
			g.Expect(opened.List(t.Context(), "a/", "")).To(HaveLen(1))
			g.Expect(opened.Read(t.Context(), "a/a.m3u8", 0, 11)).To(BeEquivalentTo("a recording"))
			g.Expect(opened.Mark(t.Context(), "a/a.m3u8", workerapi.MarkName)).To(BeEmpty())
		}
	}
}
