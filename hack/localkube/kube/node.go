//go:build !envtest

/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package main

import (
	"context"

	"k8s.io/component-base/cli"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func init() {
	programs["kube-controller-manager"] = func() int { return cli.Run(controllermanager.NewControllerManagerCommand()) }
	programs["kube-scheduler"] = func() int { return cli.Run(scheduler.NewSchedulerCommand()) }
	programs["kube-proxy"] = func() int { return cli.Run(proxy.NewProxyCommand()) }
	programs["kubelet"] = func() int { return cli.Run(kubelet.NewKubeletCommand(context.Background())) }
}
