// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduler

import (
	"slices"
)

// startCost is what a Job costs its namespace besides the minutes that it runs: so turns are turns while Jobs start, and
// many short Jobs are not cheaper than one long one.
const startCost = 1.0

// namespace is what runs and waits in a namespace.
type namespace struct {
	name   string
	weight int
	// jobs have slots, by name.
	jobs map[string]*job
	// files are the Jobs with slots of each file.
	files     map[string][]*job
	sources   map[string]*source
	pipelines map[string]*pipeline
	// waiting are the requests of each class, in their order; no list is empty. requests are the same by file.
	waiting  map[class][]*Request
	requests map[string][]*Request

	// spent is what Jobs have cost that ended, and what the others have cost to start, in minutes. begun is the sum of the
	// minutes at which the others began.
	spent, begun float64
	// behind: the namespace had nothing that could start when there was a slot. It saves up nothing meanwhile.
	behind bool
	turn   uint64
}

type source struct {
	limit, active int
	turn          uint64
}

type pipeline struct {
	limits PipelineLimits
	// files are how many Jobs of a file have slots, and steps how many of a step; none is zero.
	files, steps map[string]int
}

// class is what requests have in common that the same limits hold for.
type class struct {
	source, pipeline, step string
	// begun: a Job of the file has a slot, so that the file counts already.
	begun bool
}

func newNamespace(name string, weight int) *namespace {
	return &namespace{
		name: name, weight: weight, behind: true, jobs: map[string]*job{}, files: map[string][]*job{},
		sources: map[string]*source{}, pipelines: map[string]*pipeline{},
		waiting: map[class][]*Request{}, requests: map[string][]*Request{},
	}
}

func (n *namespace) source(name string) *source {
	found := n.sources[name]
	if found == nil {
		found = &source{}
		n.sources[name] = found
	}
	return found
}

func (n *namespace) pipeline(name string) *pipeline {
	found := n.pipelines[name]
	if found == nil {
		found = &pipeline{files: map[string]int{}, steps: map[string]int{}}
		n.pipelines[name] = found
	}
	return found
}

// cost is what the namespace's Jobs have cost, for its weight.
func (n *namespace) cost(minutes float64) float64 {
	return (n.spent + float64(len(n.jobs))*minutes - n.begun) / float64(n.weight)
}

// catchUp raises the cost to that of the others.
func (n *namespace) catchUp(virtual, minutes float64) {
	if short := virtual - n.cost(minutes); short > 0 {
		n.spent += short * float64(n.weight)
	}
	n.behind = false
}

func (n *namespace) begin(started *job, minutes float64) {
	n.jobs[started.name] = started
	n.spent += startCost
	n.begun += minutes
	n.source(started.Source).active++
	used := n.pipeline(started.Pipeline)
	used.steps[started.Name]++
	used.files[started.File]++
	n.files[started.File] = append(n.files[started.File], started)
	if used.files[started.File] == 1 {
		n.sort(started.File)
	}
}

func (n *namespace) end(ended *job, began, minutes float64) {
	delete(n.jobs, ended.name)
	n.spent += minutes - began
	n.begun -= began
	n.source(ended.Source).active--
	used := n.pipeline(ended.Pipeline)
	countDown(used.steps, ended.Name)
	countDown(used.files, ended.File)
	n.files[ended.File] = slices.DeleteFunc(n.files[ended.File], func(j *job) bool { return j == ended })
	if len(n.files[ended.File]) == 0 {
		delete(n.files, ended.File)
	}
	if used.files[ended.File] == 0 {
		n.sort(ended.File)
	}
}

func countDown(counts map[string]int, name string) {
	if counts[name]--; counts[name] == 0 {
		delete(counts, name)
	}
}

// sort puts the requests of a file into the classes that they have now.
func (n *namespace) sort(file string) {
	for _, request := range n.requestsOf(file) {
		for _, begun := range []bool{false, true} {
			kind := class{request.Source, request.Pipeline, request.Name, begun}
			n.removeFrom(kind, request)
		}
		n.insert(request)
	}
}

func (n *namespace) jobsOf(file string) []*job { return slices.Clone(n.files[file]) }

func (n *namespace) requestsOf(file string) []*Request { return slices.Clone(n.requests[file]) }

func (n *namespace) classOf(r *Request) class {
	begun := false
	if p := n.pipelines[r.Pipeline]; p != nil {
		begun = p.files[r.File] > 0
	}
	return class{r.Source, r.Pipeline, r.Name, begun}
}

// add has a request wait that does not wait yet.
func (n *namespace) add(r *Request) {
	if slices.ContainsFunc(n.requests[r.File], func(other *Request) bool { return *other == *r }) {
		return
	}
	n.requests[r.File] = append(n.requests[r.File], r)
	n.insert(r)
}

func (n *namespace) insert(r *Request) {
	kind := n.classOf(r)
	at, _ := slices.BinarySearchFunc(n.waiting[kind], r, compareRequests)
	n.waiting[kind] = slices.Insert(n.waiting[kind], at, r)
}

// remove has a request wait no longer.
func (n *namespace) remove(r *Request) {
	n.removeFrom(n.classOf(r), r)
	n.requests[r.File] = slices.DeleteFunc(n.requests[r.File], func(other *Request) bool { return other == r })
	if len(n.requests[r.File]) == 0 {
		delete(n.requests, r.File)
	}
}

func (n *namespace) removeFrom(kind class, r *Request) {
	at, found := slices.BinarySearchFunc(n.waiting[kind], r, compareRequests)
	if !found {
		return
	}
	if n.waiting[kind] = slices.Delete(n.waiting[kind], at, at+1); len(n.waiting[kind]) == 0 {
		delete(n.waiting, kind)
	}
}
