// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/config"
	"sparkrtc.dev/recording-operator/internal/doctor"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const (
	// probeEvent is an event_type that the service does not have. The receiver verifies such a callback as any other, answers
	// 200, and stores nothing.
	probeEvent = "DOCTOR_PROBE"
	// maxSources bounds to how many sources callbacks are sent, and sourcesAtOnce to how many at the same time.
	maxSources    = 50
	sourcesAtOnce = 4
	// maxAnswer bounds an answer, and maxMetrics the metrics of a pod.
	maxAnswer  = 4 << 10
	maxMetrics = 8 << 20
)

// callbacks reads the keys of every source, and sends each source a signed callback that stores nothing: through the Service,
// and to the public URL if there is one.
func (g *gatherer) callbacks(ctx context.Context) {
	sources := g.snapshot.Sources.Value
	type result struct {
		keys         []doctor.Key
		service, url *doctor.Callback
	}
	results := make([]result, len(sources))
	var group errgroup.Group
	group.SetLimit(sourcesAtOnce)
	for i := range sources {
		group.Go(func() error {
			var signing *sparkrtc.Key
			for index := range sources[i].Spec.Callback.Keys {
				found, key := g.key(ctx, &sources[i], index)
				results[i].keys = append(results[i].keys, found)
				if signing == nil && found.State.Err == nil && found.State.Value == doctor.KeyUsable {
					signing = &key
				}
			}
			signed := sources[i].Spec.Callback.Authentication != v1alpha1.AuthenticationNone
			if signed && signing == nil {
				return nil
			}
			probe := g.probe
			if i >= maxSources {
				probe = skip
			}
			results[i].service = probe(ctx, &sources[i], signing, true)
			if g.URL != "" {
				results[i].url = probe(ctx, &sources[i], signing, false)
			}
			return nil
		})
	}
	_ = group.Wait() // what went wrong is in the results
	for _, found := range results {
		g.snapshot.Keys = append(g.snapshot.Keys, found.keys...)
		if found.service != nil {
			g.snapshot.ServiceCallbacks = append(g.snapshot.ServiceCallbacks, *found.service)
		}
		if found.url != nil {
			g.snapshot.URLCallbacks = append(g.snapshot.URLCallbacks, *found.url)
		}
	}
}

// skip stands for a callback that is not sent, since there are too many sources.
func skip(_ context.Context, source *v1alpha1.RecordingSource, _ *sparkrtc.Key, _ bool) *doctor.Callback {
	return &doctor.Callback{Source: client.ObjectKeyFromObject(source), Err: &doctor.UnreadError{
		Reason: fmt.Sprintf("all but the first %d RecordingSources", maxSources), Fix: "kubectl recordings doctor -n " + source.Namespace,
	}}
}

// probe sends one callback, through the Service or to the URL.
func (g *gatherer) probe(ctx context.Context, source *v1alpha1.RecordingSource, key *sparkrtc.Key, service bool) *doctor.Callback {
	c := &doctor.Callback{Source: client.ObjectKeyFromObject(source), Target: "Service " + g.OperatorNamespace + "/" + config.NamePrefix + "callback"}
	if source.Status.CallbackPath == "" {
		c.Err = &doctor.UnreadError{Reason: "the source has no status.callbackPath: no manager has looked at it", Fix: "kubectl -n " + source.Namespace + " describe recordingsource " + source.Name}
		return c
	}
	// The path is not taken from the status: with ".." in it, a signed request with its user's rights would go anywhere behind
	// the API server.
	path := sparkrtc.Path(source.Namespace, source.Name)
	sender := g.http
	var target *url.URL
	var err error
	if service {
		target, err = g.proxied("services", g.serviceName(), path)
	} else {
		sender = &http.Client{Transport: g.Transport, Timeout: partTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		if target, err = url.Parse(g.URL); err == nil {
			target = target.JoinPath(path)
			c.Target = target.Redacted()
		}
	}
	if err == nil {
		err = g.send(ctx, sender, target, source, key, c)
	}
	if err != nil && service && apierrors.IsForbidden(err) {
		err = unread(err, "create services/proxy -n "+g.OperatorNamespace)
	}
	c.Err = err
	return c
}

// serviceName names the port of the callback Service as the API server's proxy wants it.
func (g *gatherer) serviceName() string {
	name := config.NamePrefix + "callback:http"
	for i := range g.snapshot.Workloads.Value {
		if g.snapshot.Workloads.Value[i].TLS {
			return "https:" + name
		}
	}
	return name
}

// proxied is the URL of a path of a Service or pod of the operator's, through the API server.
func (g *gatherer) proxied(resource, name, path string) (*url.URL, error) {
	base, _, err := rest.DefaultServerUrlFor(g.Config)
	if err != nil {
		return nil, err
	}
	return base.JoinPath("api/v1/namespaces", g.OperatorNamespace, resource, name, "proxy", path), nil
}

// send posts a signed callback, and reads the answer.
func (g *gatherer) send(ctx context.Context, sender *http.Client, target *url.URL, source *v1alpha1.RecordingSource, key *sparkrtc.Key, c *doctor.Callback) error {
	body, err := json.Marshal(map[string]string{"event_type": probeEvent, "app_id": source.Spec.AppID})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "kubectl-recordings/"+g.Plugin)
	sent := g.Clock.Now()
	if key != nil {
		proof, err := sparkrtc.Sign(*key, rand.Text(), strconv.FormatInt(sent.Unix(), 10), body)
		if err != nil {
			return err
		}
		proof.SetHeader(request.Header)
	}
	response, err := sender.Do(request)
	if err != nil {
		return withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	received := g.Clock.Now()
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	var status metav1.Status
	if json.Unmarshal(answer, &status) == nil && status.Kind == "Status" {
		return &apierrors.StatusError{ErrStatus: status} // the API server's own: it reached nobody
	}
	var word struct {
		Result string `json:"result"`
	}
	c.Operator = json.Unmarshal(answer, &word) == nil && word.Result != ""
	c.Code, c.Result, c.Took, c.Skew = response.StatusCode, word.Result, received.Sub(sent), skewOf(response.Header, sent, received)
	return nil
}

// withoutURL leaves out the URL, which the finding names already.
func withoutURL(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}

// metrics reads some metrics of each receiver, through the API server.
func (g *gatherer) metrics(ctx context.Context) {
	if err := g.snapshot.Workloads.Err; err != nil {
		g.snapshot.Metrics.Err = err
		return
	}
	var pods []string
	for i := range g.snapshot.Workloads.Value {
		for _, pod := range g.snapshot.Workloads.Value[i].Pods {
			// The check of the workloads reports those that do not run.
			if g.snapshot.Workloads.Value[i].Component == doctor.Receiver && pod.Problem == "" {
				pods = append(pods, pod.Name)
			}
		}
	}
	found := make([]doctor.PodMetrics, len(pods))
	var group sync.WaitGroup
	for i, pod := range pods {
		group.Go(func() {
			found[i].Pod = pod
			values, err := g.scrape(ctx, pod)
			found[i].Values = values
			found[i].Err = unread(err, "get pods/proxy -n "+g.OperatorNamespace)
		})
	}
	group.Wait()
	g.snapshot.Metrics.Value = found
}

func (g *gatherer) scrape(ctx context.Context, pod string) (map[string]float64, error) {
	target, err := g.proxied("pods", pod+":8080", "metrics")
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	response, err := g.http.Do(request)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	bounded := io.LimitReader(response.Body, maxMetrics)
	if response.StatusCode != http.StatusOK {
		var status metav1.Status
		if json.NewDecoder(bounded).Decode(&status) == nil && status.Kind == "Status" {
			return nil, &apierrors.StatusError{ErrStatus: status}
		}
		return nil, fmt.Errorf("/metrics answers %d", response.StatusCode)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bounded)
	if err != nil {
		return nil, fmt.Errorf("/metrics is malformed: %w", err)
	}
	values := map[string]float64{}
	for name, family := range families {
		for _, metric := range family.GetMetric() {
			values[name] += valueOf(metric)
		}
	}
	return values, nil
}

// valueOf is the value of a gauge or counter.
func valueOf(metric *dto.Metric) float64 {
	return metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
}
