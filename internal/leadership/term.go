// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package leadership

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// term is the manager as the controllers of one term see it: they are added to the term, and watch through handlers
// that the term remembers. All else is the lasting manager's.
type term struct {
	manager.Manager
	cache       *handlers
	controllers []manager.Runnable
}

func (t *term) Add(controller manager.Runnable) error {
	t.controllers = append(t.controllers, controller)
	return nil
}

func (t *term) GetCache() cache.Cache { return t.cache }

// GetControllerOptions allows the names of controllers to come again, term after term.
func (t *term) GetControllerOptions() config.Controller {
	options := t.Manager.GetControllerOptions()
	options.SkipNameValidation = new(true)
	return options
}

// handlers is the shared cache, with a memory of the event handlers that were added through it. A controller adds
// handlers to the informers that it watches and never removes them: without this, every term would leave its own, with
// two goroutines and a queue each.
type handlers struct {
	cache.Cache

	mu      sync.Mutex
	removed bool
	added   []func() error
}

var errTermOver = errors.New("the term is over")

// add adds a handler by a call that returns its registration, unless the term is over: controllers add theirs in the
// background, and may come too late.
func (h *handlers) add(to cache.Informer, call func() (toolscache.ResourceEventHandlerRegistration, error)) (toolscache.ResourceEventHandlerRegistration, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.removed {
		return nil, errTermOver
	}
	registration, err := call()
	if err != nil {
		return nil, err
	}
	h.added = append(h.added, func() error { return to.RemoveEventHandler(registration) })
	return registration, nil
}

// remove removes every handler that was added, and lets no more be added.
func (h *handlers) remove() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.removed = true
	var problems []error
	for _, remove := range h.added {
		problems = append(problems, remove())
	}
	h.added = nil
	return errors.Join(problems...)
}

func (h *handlers) GetInformer(ctx context.Context, object client.Object, options ...cache.InformerGetOption) (cache.Informer, error) {
	shared, err := h.Cache.GetInformer(ctx, object, options...)
	if err != nil {
		return nil, err
	}
	return &informer{Informer: shared, handlers: h}, nil
}

func (h *handlers) GetInformerForKind(ctx context.Context, kind schema.GroupVersionKind, options ...cache.InformerGetOption) (cache.Informer, error) {
	shared, err := h.Cache.GetInformerForKind(ctx, kind, options...)
	if err != nil {
		return nil, err
	}
	return &informer{Informer: shared, handlers: h}, nil
}

// informer is a shared informer whose handlers the term remembers, whichever way they are added.
type informer struct {
	cache.Informer
	handlers *handlers
}

func (i *informer) AddEventHandler(handler toolscache.ResourceEventHandler) (toolscache.ResourceEventHandlerRegistration, error) {
	return i.AddEventHandlerWithOptions(handler, toolscache.HandlerOptions{})
}

func (i *informer) AddEventHandlerWithResyncPeriod(handler toolscache.ResourceEventHandler, period time.Duration) (toolscache.ResourceEventHandlerRegistration, error) {
	return i.AddEventHandlerWithOptions(handler, toolscache.HandlerOptions{ResyncPeriod: &period})
}

func (i *informer) AddEventHandlerWithOptions(handler toolscache.ResourceEventHandler, options toolscache.HandlerOptions) (toolscache.ResourceEventHandlerRegistration, error) {
	return i.handlers.add(i.Informer, func() (toolscache.ResourceEventHandlerRegistration, error) {
		return i.Informer.AddEventHandlerWithOptions(handler, options)
	})
}
