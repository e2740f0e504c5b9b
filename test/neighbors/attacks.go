// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// writers is how many of the attacker's clients write objects at one time.
const writers = 8

// attacker is the tenant that attacks.
type attacker struct {
	// k8s has the rights of a tenant, admin those of who lets a tenant have a webhook.
	k8s, admin client.Client
	options    *options
	hanging    *hangingServers
	// written is how many objects and callbacks were written.
	written atomic.Int64
	// refused is the first error of a write: an attack that the API server refuses shows nothing.
	refused atomic.Pointer[error]
}

// attack is one way to attack: begin prepares it, and keep goes on until its context ends. One of them may be nil.
type attack struct {
	name  string
	begin func(ctx context.Context) error
	keep  func(ctx context.Context)
}

func newAttacker(users *users, admin client.Client, o *options) *attacker {
	return &attacker{k8s: users.attacker, admin: admin, options: o, hanging: newHangingServers()}
}

// attackNames are the names of all attacks, in order.
func attackNames() []string {
	var names []string
	for _, one := range (&attacker{}).attacks() {
		names = append(names, one.name)
	}
	return names
}

// attack is the attack of a name.
func (a *attacker) attack(name string) attack {
	all := a.attacks()
	return all[slices.IndexFunc(all, func(one attack) bool { return one.name == name })]
}

func (a *attacker) attacks() []attack {
	all := []attack{
		{"routes", a.beginRoutes, a.writeFiles("routes", 4)},
		{"fat objects", nil, a.fatten},
		{"hanging storage", a.beginStorage, nil},
		{"files and tasks", a.beginFiles, a.writeFilesAndTasks},
		{"callbacks", a.beginCallbacks, a.flood},
		{"hanging webhook", a.beginWebhook, a.flood},
	}
	return append(all, attack{"all at once",
		func(ctx context.Context) error {
			for _, one := range all {
				// The source of the flood is the same with and without a webhook.
				if one.begin != nil && one.name != "callbacks" {
					if err := one.begin(ctx); err != nil {
						return fmt.Errorf("%s: %w", one.name, err)
					}
				}
			}
			return nil
		},
		func(ctx context.Context) {
			var running sync.WaitGroup
			for _, one := range all {
				if one.keep != nil && one.name != "callbacks" {
					running.Go(func() { one.keep(ctx) })
				}
			}
			running.Wait()
		},
	}, attack{backlog, a.beginBacklog, nil})
}

// backlog is the name of an attack whose files are all there before the other tenant's come.
const backlog = "backlog"

// beginBacklog creates as many files as the options say. Most of them wait, since the namespace has all the Jobs that it may.
func (a *attacker) beginBacklog(ctx context.Context) error {
	if err := createAll(ctx, a.k8s,
		builders.MakeStorageLocation(backlog).In(attackerNamespace).Claim(backlog).Obj(),
		builders.MakeRecordingPipeline(backlog).In(attackerNamespace).Archive("keep", backlog).Obj(),
		signedSource(attackerNamespace, backlog, v1alpha1.RecordingSourceSpec{
			StorageRef: &v1alpha1.LocalReference{Name: backlog},
			Routes:     []v1alpha1.Route{{PipelineRef: v1alpha1.LocalReference{Name: backlog}}},
		})); err != nil {
		return err
	}
	a.write(ctx, a.options.files, func(ctx context.Context, n int) error {
		made := builders.MakeRecordingFile(fmt.Sprintf("%s-%05d", backlog, n), backlog).Object("recordings", fmt.Sprintf("%d.mp4", n)).Obj()
		made.Namespace = attackerNamespace
		return a.k8s.Create(ctx, made)
	})
	if refused := a.refused.Load(); refused != nil {
		return fmt.Errorf("create %d files: %w", a.options.files, *refused)
	}
	return ctx.Err()
}

// during measures while the attack goes on.
func (a *attacker) during(ctx context.Context, attack attack, measure func() (sample, error)) (sample, error) {
	if err := createAll(ctx, a.k8s, callbackSecret(attackerNamespace)); err != nil {
		return sample{}, err
	}
	if attack.begin != nil {
		if err := attack.begin(ctx); err != nil {
			return sample{}, err
		}
	}
	attacking, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	if attack.keep != nil {
		running.Go(func() { attack.keep(attacking) })
	}
	found, err := measure()
	stop()
	running.Wait()
	if refused := a.refused.Load(); refused != nil && a.written.Load() == 0 {
		err = errors.Join(err, fmt.Errorf("no write succeeded: %w", *refused))
	}
	return found, err
}

func (a *attacker) close() { a.hanging.close() }

// beginRoutes makes sources whose every route costs as much as the operator lets it.
func (a *attacker) beginRoutes(ctx context.Context) error {
	hostile := []string{
		strings.Repeat("recording.object.matches('x*y')||", 15) + "false",
		strings.Repeat("recording.object.indexOf(recording.object+'y')==1||", 19) + "false",
		`recording.object.split("").exists(c, recording.object.matches("(a*){249}b"))`,
		"recording.stream.replace('',recording.room).replace('',recording.object).size() == 7",
	}
	for n := range 4 {
		routes := make([]v1alpha1.Route, 32)
		for i := range routes {
			routes[i].PipelineRef.Name = "none"
			routes[i].When = hostile[n] + strings.Repeat(" ", i) // each is compiled by itself
		}
		if err := createAll(ctx, a.k8s, signedSource(attackerNamespace, fmt.Sprintf("routes-%d", n), v1alpha1.RecordingSourceSpec{Routes: routes})); err != nil {
			return err
		}
	}
	return nil
}

// write has writers do something until the context ends, or a number of times; what fails is the API server's to refuse.
func (a *attacker) write(ctx context.Context, times int, do func(ctx context.Context, n int) error) {
	var next atomic.Int64
	var running sync.WaitGroup
	for range writers {
		running.Go(func() {
			for n := int(next.Add(1)) - 1; n < times && ctx.Err() == nil; n = int(next.Add(1)) - 1 {
				switch err := do(ctx, n); {
				case err == nil:
					a.written.Add(1)
				case ctx.Err() == nil:
					a.refused.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	running.Wait()
}

// writeFiles creates files of sources PREFIX-0 to PREFIX-(sources-1) by hand, and then changes them again and again.
func (a *attacker) writeFiles(prefix string, sources int) func(context.Context) {
	return func(ctx context.Context) {
		named := func(n int) *v1alpha1.RecordingFile {
			made := builders.MakeRecordingFile(fmt.Sprintf("%s-%05d", prefix, n), fmt.Sprintf("%s-%d", prefix, n%sources)).
				Object("recordings", strings.Repeat("x", 900)+fmt.Sprint(n)+".mp4").Obj()
			made.Namespace = attackerNamespace
			made.Spec.Room, made.Spec.Stream = strings.Repeat("a", 250), strings.Repeat("é", 250)
			return made
		}
		a.write(ctx, a.options.files, func(ctx context.Context, n int) error { return a.k8s.Create(ctx, named(n)) })
		a.change(ctx, func(n int) client.Object { return named(n % a.options.files) }, `{"spec":{"room":"room-%d"}}`)
	}
}

// change patches objects until the context ends. The number of the patch is in it.
func (a *attacker) change(ctx context.Context, object func(n int) client.Object, patch string) {
	a.write(ctx, 1<<30, func(ctx context.Context, n int) error {
		return a.k8s.Patch(ctx, object(n), client.RawPatch(types.MergePatchType, fmt.Appendf(nil, patch, n)))
	})
}

// fatten creates objects with the largest annotations that config/admission lets through, and goes on changing these.
func (a *attacker) fatten(ctx context.Context) {
	const objects = 100
	fat := strings.Repeat("0123456789abcdef", 15<<10/16)
	named := func(n int) *v1alpha1.RecordingFile {
		made := builders.MakeRecordingFile(fmt.Sprintf("fat-%05d", n%objects), "none").Object("recordings", fmt.Sprint(n%objects)+".mp4").Obj()
		made.Namespace = attackerNamespace
		return made
	}
	a.write(ctx, objects, func(ctx context.Context, n int) error {
		made := named(n)
		made.Annotations = map[string]string{"fat": fat}
		return a.k8s.Create(ctx, made)
	})
	a.change(ctx, func(n int) client.Object { return named(n) }, `{"metadata":{"annotations":{"changed":"%d"}}}`)
}

// beginStorage makes locations whose servers never respond, and sources that are to be scanned there.
func (a *attacker) beginStorage(ctx context.Context) error {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: attackerNamespace, Name: "s3"}, StringData: map[string]string{
		v1alpha1.SecretKeyAccessKeyID: "AKID", v1alpha1.SecretKeySecretAccessKey: "secret"}}
	if err := createAll(ctx, a.k8s, secret); err != nil {
		return err
	}
	for n := range 64 {
		name := fmt.Sprintf("hangs-%d", n)
		if err := createAll(ctx, a.k8s,
			builders.MakeStorageLocation(name).In(attackerNamespace).S3(a.hanging.storage, "recordings", "s3").Obj(),
			signedSource(attackerNamespace, name, v1alpha1.RecordingSourceSpec{
				StorageRef: &v1alpha1.LocalReference{Name: name}, Discovery: &v1alpha1.Discovery{Interval: &metav1.Duration{Duration: time.Minute}},
			}),
		); err != nil {
			return err
		}
	}
	return nil
}

// beginFiles makes what thousands of files need to get a Job each.
func (a *attacker) beginFiles(ctx context.Context) error {
	return createAll(ctx, a.k8s,
		builders.MakeStorageLocation("archive").In(attackerNamespace).Claim("archive").Obj(),
		builders.MakeRecordingPipeline("keep").In(attackerNamespace).Archive("keep", "archive").Obj(),
		signedSource(attackerNamespace, "files-0", v1alpha1.RecordingSourceSpec{
			StorageRef: &v1alpha1.LocalReference{Name: "archive"},
			Routes:     []v1alpha1.Route{{PipelineRef: v1alpha1.LocalReference{Name: "keep"}}},
		}))
}

func (a *attacker) writeFilesAndTasks(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { a.writeFiles("files", 1)(ctx) })
	running.Go(func() {
		named := func(n int) *v1alpha1.RecordingTask {
			made := builders.MakeRecordingTask(fmt.Sprintf("task-%05d", n), "files-0", fmt.Sprint(n)).Obj()
			made.Namespace = attackerNamespace
			return made
		}
		a.write(ctx, a.options.files, func(ctx context.Context, n int) error { return a.k8s.Create(ctx, named(n)) })
		a.change(ctx, func(n int) client.Object { return named(n % a.options.files) }, `{"spec":{"starts":{"%016x":"1"}}}`)
	})
	running.Wait()
}
