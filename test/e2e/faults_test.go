//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const operatorNamespace = "recording-system"

// storm is callbacks that pour in from many senders, each sent until it is answered with 200.
type storm struct {
	room *room
	// key signs what begins now.
	key atomic.Pointer[string]
	// answered counts what was answered with 200.
	answered atomic.Int64
	stop     chan struct{}
	senders  sync.WaitGroup
	mu       sync.Mutex
	objects  []string
}

// startStorm sends some 40 callbacks a second, a START and a COMPLETE of each of many recordings, and returns when they
// come through.
func startStorm(r *room) *storm {
	r.t.Helper()
	s := &storm{room: r, stop: make(chan struct{})}
	s.key.Store(new(callbackKey))
	const senders, pause = 8, 400 * time.Millisecond
	for n := range senders {
		s.senders.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-s.stop:
					return
				case <-r.t.Context().Done(): // the test has failed
					return
				case <-time.After(pause):
					s.record(fmt.Sprintf("job-%d-%d", n, i))
				}
			}
		})
	}
	NewWithT(r.t).Eventually(s.answered.Load, time.Minute, poll).Should(BeNumerically(">", 100))
	return s
}

// record sends the events of one recording. It is too short for a route: it is recorded, not processed.
func (s *storm) record(job string) {
	object := s.room.folder + "/" + job + ".m3u8"
	s.mu.Lock()
	s.objects = append(s.objects, object)
	s.mu.Unlock()
	for _, d := range []delivery{s.room.start(job, "camera"), s.room.complete(job, "camera", object, 2)} {
		d = d.signedWith(s.room.t, *s.key.Load())
		err := wait.PollUntilContextCancel(s.room.t.Context(), 20*time.Millisecond, true, func(context.Context) (bool, error) {
			code, _ := d.send(s.room.t)
			return code == http.StatusOK, nil
		})
		if err != nil {
			return // the test has failed
		}
		s.answered.Add(1)
	}
}

// taken waits until so many more callbacks were answered with 200.
func (s *storm) taken(more int64, message string) {
	s.room.t.Helper()
	NewWithT(s.room.t).Eventually(s.answered.Load, 2*time.Minute, poll).Should(BeNumerically(">", s.answered.Load()+more), message)
}

// end stops the senders, and holds that every recording has one file.
func (s *storm) end() {
	t := s.room.t
	t.Helper()
	close(s.stop)
	s.senders.Wait()
	slices.Sort(s.objects)
	t.Logf("%d recordings, %d callbacks", len(s.objects), s.answered.Load())
	NewWithT(t).Eventually(func(g Gomega) {
		var found []string
		for _, file := range s.room.files() {
			found = append(found, file.Spec.Object.Key)
		}
		slices.Sort(found)
		g.Expect(found).To(Equal(s.objects), "lost or twice")
	}, settled, time.Second).Should(Succeed())
}

// The operator's processes, as the label app.kubernetes.io/component names them. Their commands have the same names.
const (
	receiver = "receiver"
	manager  = "manager"
)

// podsOf are the pods of one of the operator's processes.
func podsOf(t *testing.T, component string) []corev1.Pod {
	t.Helper()
	var pods corev1.PodList
	if err := k8s.List(t.Context(), &pods, client.InNamespace(operatorNamespace), client.MatchingLabels{"app.kubernetes.io/component": component}); err != nil {
		t.Fatal(err)
	}
	return pods.Items
}

// allReady waits until every replica of both processes is ready, as the next test expects.
func allReady(t *testing.T) {
	t.Helper()
	NewWithT(t).Eventually(func(g Gomega) {
		for _, pod := range append(podsOf(t, receiver), podsOf(t, manager)...) {
			ready := slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
				return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
			})
			g.Expect(ready && pod.DeletionTimestamp.IsZero()).To(BeTrue(), pod.Name)
		}
	}, 3*time.Minute, time.Second).Should(Succeed())
}

// onThisMachine skips a test that has to get at the processes of the cluster.
func onThisMachine(t *testing.T) {
	t.Helper()
	if os.Getenv("CLUSTER") != "localkube" {
		t.Skip("needs the cluster's processes: CLUSTER=localkube")
	}
}

// apiServer is the pid of localkube's, as localkube says.
func apiServer(t *testing.T) int {
	t.Helper()
	command := exec.CommandContext(t.Context(), filepath.Join("bin", "localkube"), "status")
	command.Dir = filepath.Join("..", "..")
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(output)) {
		if fields := strings.Fields(line); len(fields) > 2 && fields[0] == "kube-apiserver" && fields[1] == "running" {
			pid, err := strconv.Atoi(fields[2])
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("no kube-apiserver in\n%s", output)
	return 0
}

// withoutAPIServer does something while the API server answers nobody.
func withoutAPIServer(t *testing.T, do func()) {
	t.Helper()
	pid := apiServer(t)
	must(syscall.Kill(pid, syscall.SIGSTOP))
	defer func() { must(syscall.Kill(pid, syscall.SIGCONT)) }()
	do()
}

// kill kills the operator's process in a pod. The pod's containers are processes of this machine, in a cgroup that is
// named after the pod.
func kill(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*/comm")
	must(err)
	uid := string(pod.UID)
	for _, comm := range processes {
		folder := filepath.Dir(comm)
		name, err := os.ReadFile(comm)
		if err != nil || strings.TrimSpace(string(name)) != pod.Labels["app.kubernetes.io/component"] {
			continue
		}
		cgroup, err := os.ReadFile(filepath.Join(folder, "cgroup"))
		if err != nil || !strings.Contains(string(cgroup), uid) && !strings.Contains(string(cgroup), strings.ReplaceAll(uid, "-", "_")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(folder))
		must(err)
		must(syscall.Kill(pid, syscall.SIGKILL))
		return
	}
	t.Fatalf("no process of pod %s", pod.Name)
}

// TestReceiver_APIServerAwayLosesNothing holds that callbacks are taken, and nothing of them is lost, while the API server says nothing for
// two minutes.
func TestReceiver_APIServerAwayLosesNothing(t *testing.T) {
	onThisMachine(t)
	g := NewWithT(t)
	restarts := func() (sum int32) {
		for _, pod := range podsOf(t, receiver) {
			sum += pod.Status.ContainerStatuses[0].RestartCount
		}
		return sum
	}
	restarted := restarts()
	s := startStorm(newRoom(t))
	withoutAPIServer(t, func() {
		s.taken(100, "callbacks are not taken")
		for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
			g.Eventually(s.answered.Load, 20*time.Second, poll).Should(BeNumerically(">", s.answered.Load()+20), "callbacks are no longer taken")
		}
	})
	s.end()
	g.Expect(restarts()).To(Equal(restarted), "a receiver was restarted")
	allReady(t)
}

// TestReceiver_KilledWithFullSpool holds that a callback that was answered with 200 outlives the process that answered.
func TestReceiver_KilledWithFullSpool(t *testing.T) {
	onThisMachine(t)
	pods := podsOf(t, receiver)
	s := startStorm(newRoom(t))
	withoutAPIServer(t, func() {
		s.taken(100, "callbacks are not spooled")
		for _, pod := range pods {
			kill(t, &pod)
		}
		s.taken(100, "restarted receivers take no callbacks")
	})
	s.taken(100, "callbacks are not taken after the outage")
	s.end()
	allReady(t)
}

// TestManager_DeletedLeaderIsReplaced holds that a leader that goes loses nothing, and that another one follows.
func TestManager_DeletedLeaderIsReplaced(t *testing.T) {
	g := NewWithT(t)
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: "recording-operator.recording.sparkrtc.dev"}}
	must(k8s.Get(t.Context(), client.ObjectKeyFromObject(lease), lease))
	before := *lease.Spec.HolderIdentity
	pod, _, _ := strings.Cut(before, "_")
	r := newRoom(t)
	s := startStorm(r)
	must(k8s.Delete(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: pod}}))
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(lease), lease)).To(Succeed())
		g.Expect(lease.Spec.HolderIdentity).To(HaveValue(Not(Or(Equal(before), BeEmpty()))))
	}, time.Minute, poll).Should(Succeed())
	s.end()
	g.Eventually(func(g Gomega) {
		for _, file := range r.files() {
			g.Expect(statusOf(&file)).To(Equal(v1alpha1.ReasonSkipped), file.Name)
		}
	}, 2*time.Minute, time.Second).Should(Succeed())
	allReady(t)
}

// TestReceiver_KeyRotatedUnderLoadRefusesNothing follows docs/keys.md: the new key beside the old one, then the sender changes, then the
// old one goes.
func TestReceiver_KeyRotatedUnderLoadRefusesNothing(t *testing.T) {
	g := NewWithT(t)
	r := newRoom(t)
	s := startStorm(r)
	const newKey = "fedcba9876543210fedcba9876543210"
	r.create(&corev1.Secret{ObjectMeta: r.meta("callback-2"), StringData: map[string]string{"key": newKey}})
	setKeys := func(secrets ...string) {
		g.Eventually(func() error {
			source := &v1alpha1.RecordingSource{ObjectMeta: r.meta("classroom")}
			must(k8s.Get(t.Context(), client.ObjectKeyFromObject(source), source))
			source.Spec.Callback.Keys = nil
			for _, secret := range secrets {
				source.Spec.Callback.Keys = append(source.Spec.Callback.Keys, v1alpha1.CallbackKey{SecretRef: v1alpha1.SecretKeyReference{Name: secret, Key: "key"}})
			}
			return k8s.Update(t.Context(), source)
		}, time.Minute, poll).Should(Succeed())
	}
	setKeys("callback", "callback-2")
	probe := r.start("rotated", "camera").signedWith(t, newKey)
	g.Eventually(func() int { code, _ := probe.send(t); return code }, time.Minute, poll).Should(Equal(http.StatusOK), "the new key is not taken")
	s.key.Store(new(newKey))
	s.taken(50, "the new key is not taken by every receiver")
	setKeys("callback-2")
	s.end()
	old := r.start("forged", "camera").signedWith(t, callbackKey)
	g.Eventually(func() int { code, _ := old.send(t); return code }, time.Minute, poll).Should(Equal(http.StatusUnauthorized))
}
