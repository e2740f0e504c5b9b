// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

// Checks are those of an installation, in the order in which a person reads them: what is broken first breaks what follows.
var Checks = []Check{
	{"definitions", "The API server serves every kind of this version.", definitions},
	{"workloads", "Every replica of receiver and manager is ready.", workloads},
	{"versions", "Receiver, manager, step images and plugin have the same version.", versions},
	{"leader", "One manager leads.", leader},
	{"rights", "Receiver and manager have the rights of config/rbac.", rights},
	{"secret-rights", "Receiver and manager may read Secrets where there are recordings.", secretRights},
	{"policies", "The admission policies are enforced.", policies},
	{"keys", "Every callback key is usable.", keys},
	{"sources", "Every RecordingSource is ready.", sources},
	{"registration", "Every callback that the operator registers is registered with SparkRTC.", registration},
	{"storage", "Every StorageLocation is reachable.", storage},
	{"pipelines", "Every RecordingPipeline is valid.", pipelines},
	{"service", "The receiver accepts signed callbacks through its Service.", serviceCallbacks},
	{"url", "The receiver accepts signed callbacks at the public URL, where one was given.", urlCallbacks},
	{"clock", "The clocks of cluster and this machine agree.", clock},
	{"spool", "No callback waits on a receiver's disk.", spool},
	{"rejected", "No rejected callback waits for a person.", rejected},
	{"discovery", "Every bucket that is to be searched was searched.", discovered},
	{"unfinished", "No recording is unfinished for more than a day.", unfinished},
	{"pod-security", "Namespaces enforce Pod Security \"restricted\".", podSecurity},
	{"webhooks", "No slow webhook stands before the operator's kinds.", webhooks},
	{"quota", "Quotas leave room for steps.", quota},
}

// PreChecks are those of a cluster before the operator is installed.
var PreChecks = []Check{
	{"kubernetes", "The version of Kubernetes is supported.", kubernetes},
	{"installer", "You may install definitions, roles, policies and Deployments.", installer},
	{"leftovers", "No definition of another version is there.", leftovers},
	{"nodes", "A node can run the operator and its steps.", nodes},
	{"clock", "The clocks of cluster and this machine agree.", clock},
	{"pod-security", "The operator's namespace does not exist, or enforces Pod Security \"restricted\".", podSecurity},
	{"webhooks", "No slow webhook stands before the operator's kinds.", webhooks},
}
