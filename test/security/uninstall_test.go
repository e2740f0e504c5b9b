// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package security

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// definitionOf is a definition of the API server, as a client deletes it.
func definitionOf(name string) *unstructured.Unstructured {
	definition := &unstructured.Unstructured{}
	definition.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	definition.SetName(name)
	return definition
}

// TestUninstall_KeepsDefinitions: what removes the operator has no definition in it, since to delete one deletes every
// object of its kind.
func TestUninstall_KeepsDefinitions(t *testing.T) {
	g := NewWithT(t)
	for _, name := range []string{"default", "namespaced", "persistent-spool"} {
		objects, err := render(name)
		g.Expect(err).NotTo(HaveOccurred())
		for _, object := range objects {
			g.Expect(object.GetKind()).NotTo(Equal("CustomResourceDefinition"), "config/%s has %s", name, object.GetName())
			g.Expect(object.GroupVersionKind().Group).NotTo(HavePrefix("recording."), "config/%s has %s", name, object.GetName())
		}
	}
}

// TestDefinitions_AreKeptWhileTheOperatorIsInstalled: nobody deletes them by mistake, and nobody is kept from deleting those
// of others.
func TestDefinitions_AreKeptWhileTheOperatorIsInstalled(t *testing.T) {
	g := NewWithT(t)
	definitions, err := render("crd")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(definitions)).To(BeNumerically(">=", 6))
	for _, definition := range definitions {
		g.Eventually(func() error { // the API server has read the policy
			return admin.Delete(t.Context(), definitionOf(definition.GetName()), client.DryRunAll)
		}, timeout, poll).Should(And(Satisfy(apierrors.IsForbidden), MatchError(ContainSubstring("uninstall the recording operator first"))))
	}
	other := definitions[0]
	const group = "other.example.com"
	plural, _, _ := strings.Cut(other.GetName(), ".")
	other.SetName(plural + "." + group)
	g.Expect(unstructured.SetNestedField(other.Object, group, "spec", "group")).To(Succeed())
	unstructured.RemoveNestedField(other.Object, "spec", "names", "shortNames")
	g.Expect(admin.Create(t.Context(), other)).To(Succeed())
	g.Expect(admin.Delete(t.Context(), definitionOf(other.GetName()))).To(Succeed())
}
