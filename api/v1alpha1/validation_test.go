// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The smallest objects that are allowed; the tests lay patches over them.
const (
	minimalSource = `
apiVersion: recording.sparkrtc.dev/v1alpha1
kind: RecordingSource
metadata: {name: classroom}
spec:
  callback:
    keys: [{secretRef: {name: classroom-callback, key: key}}]
`
	minimalFile = `
apiVersion: recording.sparkrtc.dev/v1alpha1
kind: RecordingFile
metadata: {name: lecture-1}
spec:
  sourceRef: {name: classroom}
  object: {bucket: abc-rtc, key: Record/lecture-1.m3u8}
`
	minimalTask = `
apiVersion: recording.sparkrtc.dev/v1alpha1
kind: RecordingTask
metadata: {name: task-1}
spec:
  sourceRef: {name: classroom}
  taskID: task-1
`
	minimalPipeline = `
apiVersion: recording.sparkrtc.dev/v1alpha1
kind: RecordingPipeline
metadata: {name: lecture}
spec:
  steps:
  - {name: keep, archive: {}, output: {storageRef: {name: archive}}}
`
	minimalStorage = `
apiVersion: recording.sparkrtc.dev/v1alpha1
kind: StorageLocation
metadata: {name: archive}
spec:
  s3: {provider: HuaweiOBS, endpoint: "https://obs.cn-north-4.myhuaweicloud.com", bucket: abc-archive, credentialsSecretRef: {name: obs}}
`
)

// service is how a source is registered.
func service(fields string) string {
	if !strings.Contains(fields, "publicURL:") {
		fields = `publicURL: "https://recordings.example.com", ` + fields
	}
	return "{projectID: p, credentialsSecretRef: {name: rtc}, " + strings.TrimSuffix(fields, ", ") + "}"
}

// notification is a source with one, that has these fields in place of its own.
func notification(fields string) string {
	for _, own := range []string{"name: a", "events: [FileReady]", `sink: {uri: "https://a.example.com"}`} {
		if name, _, _ := strings.Cut(own, ":"); !strings.HasPrefix(fields, name+":") {
			fields += ", " + own
		}
	}
	return "spec: {notifications: [{" + fields + "}]}"
}

// step is a pipeline of one step, named mp4, that transcodes unless the fields say otherwise.
func step(fields string) string {
	if !strings.Contains(fields, "transcode:") && !strings.Contains(fields, "archive:") && !strings.Contains(fields, "thumbnails:") &&
		!strings.Contains(fields, "container:") {
		fields = "transcode: {preset: Remux}, " + fields
	}
	if !strings.Contains(fields, "output:") {
		fields += ", output: {storageRef: {name: archive}}"
	}
	if !strings.Contains(fields, "name: mp4") && !strings.Contains(fields, "name: none") {
		fields = "name: mp4, " + fields
	}
	return fmt.Sprintf("spec: {steps: [{%s}]}", strings.TrimSuffix(strings.TrimSpace(fields), ","))
}

// pictures is a pipeline with a step that makes them.
func pictures(fields string) string { return step("thumbnails: {" + fields + "}") }

// image is a pipeline with a step of kind container that has these fields more.
func image(fields string) string {
	return step("container: {" + minimalContainer + ", " + fields + "}")
}

const minimalContainer = "image: a, outputs: [{path: a, kind: Data}]"

// steps is a pipeline of archive steps, each with fields of its own, that publish to folders of their own.
func steps(fields ...string) string {
	var b strings.Builder
	b.WriteString("spec: {steps: [")
	for _, f := range fields {
		fmt.Fprintf(&b, "{transcode: {preset: Remux}, output: {storageRef: {name: archive}}, %s},", f)
	}
	return b.String() + "]}"
}

// burning is a pipeline with the steps a to d, and one of kind container with these fields.
func burning(fields string) string {
	made := strings.TrimSuffix(steps("name: a", "name: b", "name: c", "name: d"), "]}")
	return made + "{name: burn, container: {" + minimalContainer + "}, output: {storageRef: {name: archive}}, " + fields + "}]}"
}

func long(n int) string { return strings.Repeat("a", n) }

func list(n int, format string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(format, i)
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// starts are those of a task.
func starts(n int) string {
	return "{" + strings.Trim(list(n, `"%016x": "1619600217"`), "[]") + "}"
}

// allowed are objects at the edge of the rules.
var allowed = map[string]map[string]string{
	minimalSource: {
		"the smallest":           ``,
		"every field":            `spec: {appID: app, storageRef: {name: obs}, allowedBuckets: [abc-rtc], allowedHosts: ["media.example.com:8443"], callback: {authentication: Signature, timestamp: {policy: Enforce, tolerance: 24h}}, notifications: [{name: a, events: [FileReady], when: "recording.room == 'a'", sink: {uri: "https://a.example.com/e", mode: Binary}, signing: {secretRef: {name: s, key: key}}}], routes: [{when: "recording.format == 'HLS'", pipelineRef: {name: lecture}}, {pipelineRef: {name: plain}}]}`,
		"no keys with None":      `spec: {callback: {authentication: None, keys: null}}`,
		"an empty list of keys":  `spec: {callback: {authentication: None, keys: []}}`,
		"four keys":              `spec: {callback: {keys: ` + list(4, "{secretRef: {name: s, key: k%d}}") + `}}`,
		"a tolerance of seconds": `spec: {callback: {timestamp: {tolerance: 1s}}}`,
		"open for a month":       `spec: {openTimeout: 720h}`,
		"kept for a day":         `spec: {ttlAfterFinished: 24h}`,
		"discovery by default":   `spec: {storageRef: {name: obs}, discovery: {}}`,
		"all of discovery":       `spec: {storageRef: {name: obs}, discovery: {interval: 1m, prefix: Record/, minAge: 168h}}`,
		"a rate limit":           `spec: {callback: {rateLimit: {callbacksPerSecond: 5, burst: 5}}}`,
		"a burst alone":          `spec: {callback: {rateLimit: {burst: 200000}}}`,
		"a service":              `spec: {appID: app, service: ` + service(``) + `}`,
		"all of a service":       `spec: {appID: app_1-A, service: ` + service(`endpoint: "https://rtc.example.com:8443/", onDrift: Repair, rotateAfter: 24h, rotateKey: "2026-11-26T09:00:00Z"`) + `}`,
		"a notification":         `spec: {notifications: [{name: a, events: [FileReady], sink: {uri: "https://events.example.com"}}]}`,
		"all of notifications":   `spec: {notifications: [{name: ` + long(24) + `, events: [FileRecorded, FileReady, FileFailed, StepFinished, TaskEnded], when: "recording.room == 'a'", sink: {uri: "http://broker.svc.cluster.local:8080/a/b%20c", mode: Binary}, signing: {secretRef: {name: s, key: key}}}]}`,
		"four notifications":     `spec: {notifications: ` + list(4, `{name: n%d, events: [TaskEnded], sink: {uri: "https://events.example.com/"}}`) + `}`,
		"32 routes":              `spec: {routes: ` + list(32, "{pipelineRef: {name: p%d}}") + `}`,
		"a name of 63":           `metadata: {name: ` + long(63) + `}`,
	},
	minimalFile: {
		"the smallest":               ``,
		"every field":                `spec: {taskIDs: [a, b], app: a, room: "房间 01/é", stream: "教室-一班_张三", format: HLS, suspend: true, pipelineRef: {name: lecture}, reported: {app: a, room: r, stream: s, format: HLS, endTime: "2021-04-28T08:58:02Z", startTime: "2021-04-28T08:56:57Z", sizeBytes: 1125899906842624, durationSeconds: 2147483647, width: 65536, height: 65536, downloadURL: "https://example.com/a.m3u8?sign=1", location: "http://obs.example.com", ignoredFields: [record_duration]}, discovered: {lastModified: "2021-04-28T08:59:02Z", sizeBytes: 1, durationSeconds: 1, startTime: "2021-04-28T08:56:57Z", endTime: "2021-04-28T08:58:02Z", width: 1, height: 1, stream: s}}`,
		"approvals":                  `spec: {approvals: [{step: a, run: 1, by: "system:serviceaccount:media:bot", decision: Reject}, {step: b, run: 7, by: Alice}]}`,
		"a rerun":                    `spec: {rerun: {token: "2026-11-26T09:00:00Z", from: mp4, includeSucceeded: true}}`,
		"a URL alone":                `spec: {object: {bucket: null, key: null, url: "https://example.com:8443/a b/教室.MP4"}}`,
		"a URL without a path":       `spec: {object: {bucket: null, key: null, url: "http://example.com"}, format: MP4}`,
		"a key without an ending":    `spec: {object: {key: Record/lecture}, format: HLS}`,
		"a reported odd bucket":      `spec: {object: {bucket: "Odd_Bucket/"}, reported: {}}`,
		"a report of nothing":        `spec: {reported: {}}`,
		"a format of tomorrow":       `spec: {reported: {format: WEBM}}`,
		"a reported key of a root":   `spec: {object: {key: /a.m3u8}, reported: {}}`,
		"a discovered key of a root": `spec: {object: {key: /a.m3u8}, discovered: {lastModified: "2021-04-28T08:59:02Z"}}`,
		"eight tasks":                `spec: {taskIDs: ` + list(8, "t%d") + `}`,
		"characters, not bytes":      `spec: {room: "` + strings.Repeat("教", 256) + `"}`,
		"a name of 63":               `metadata: {name: ` + long(63) + `}`,
	},
	minimalTask: {
		"the smallest": ``,
		"every field":  `spec: {app: a, room: "房间 01/é", stream: s, format: HLS, starts: {0123456789abcdef: "1619600217", fedcba9876543210: ""}, ended: true}`,
		"256 starts":   `spec: {starts: ` + starts(256) + `}`,
		"a name of 63": `metadata: {name: ` + long(63) + `}`,
	},
	minimalPipeline: {
		"the smallest":            ``,
		"every field":             step(`name: mp4, transcode: {preset: H264, video: {maxHeight: 720, crf: 0}, audio: {bitrateKbps: 16}, onDamage: Publish, strict: true}, retries: 0, timeout: 168h, resources: {requests: {cpu: "1"}, limits: {cpu: "2", memory: 2Gi}}, nodeSelector: {disk: fast}, tolerations: [{key: media, operator: Equal, value: only, effect: NoExecute, tolerationSeconds: 60}], optional: true, output: {storageRef: {name: archive}, path: "{namespace}/{source}/{app}/{task}/{room}/{stream}/{format}/{file}/{step}/{start}/{date}/"}`),
		"every field of pictures": pictures(`times: [0s, 1m30s, 1500ms, 168h], percentages: [0, 50, 100], poster: true, format: WebP, maxWidth: 7680, maxHeight: 16`),
		"every field of a trigger": `spec: {triggerServiceAccountName: recording-trigger-a, steps: [{name: a, when: "recording.room == 'a'", priorityClassName: low, trigger: {` +
			`object: {apiVersion: v1, kind: ConfigMap, metadata: {labels: {a: b}, annotations: {a: b}}, data: {a: b}}, set: [{path: /data/a, value: recording.room}], owned: true, ` +
			`wait: {success: "true", failure: "false", message: "'m'", results: [{name: r, value: "'v'"}]}}}]}`,
		"every field of a container": step(`container: {image: "registry.example.com:5000/team/whisper:1.8@sha256:` + long(64) + `", command: [/bin/caption], args: [--model, ""], ` +
			`env: [{name: THREADS, value: "4"}], params: [{name: room, value: recording.room}], secrets: [{name: API_KEY, secretRef: {name: asr, key: token}}], ` +
			`volumes: [{name: models, mountPath: /models, persistentVolumeClaim: {claimName: models}}], ` +
			`outputs: [{path: captions.vtt, kind: Subtitles, language: zh-Hans}, {path: "a/words-*.json", kind: Data, optional: true}], results: [{name: language}], runAsUser: 1000}, output: {storageRef: {name: archive}}`),
		"every field of an approval": `spec: {steps: [{name: a, when: "recording.room == 'a'", optional: true, background: true, approve: {message: "fit?", timeout: 8760h, onTimeout: Skip}}]}`,
		"the smallest approval":      approval(`message: "` + strings.Repeat("教", 256) + `"`),
		"the smallest container":     step("container: {" + minimalContainer + "}"),
		"every default": `spec: {defaults: {retries: 1, timeout: 1h, resources: {requests: {cpu: "1"}, limits: {cpu: "2"}}, nodeSelector: {disk: fast}, ` +
			`tolerations: [{key: media, operator: Equal, value: only, effect: NoExecute}], priorityClassName: low}}`,
		"limits":                  `spec: {concurrency: {files: 8, steps: [{name: keep, jobs: 2}, {name: tell, jobs: 1}]}, queueName: video, workloadPriorityClassName: urgent, finally: [{name: tell, archive: {}, output: {storageRef: {name: archive}}}]}`,
		"steps of finally":        `spec: {finally: ` + list(4, "{name: s%d, archive: {}, when: \"outcome == 'Failed'\", output: {storageRef: {name: archive}}}") + `}`,
		"a poster alone":          pictures(`poster: true`),
		"every field of Remux":    step(`transcode: {preset: Remux, onChange: Split, onDamage: Fail, strict: true}`),
		"steps in any order":      steps("name: b, dependsOn: [a]", "name: a", "name: c, input: {step: b}"),
		"the recording as input":  steps("name: a, input: {step: recording}"),
		"the recording and steps": burning("inputs: [{step: a}, {step: recording}, {step: b}]"),
		"the recording, finally":  `spec: {finally: [{name: a, inputs: [{step: recording}, {step: keep}], container: {` + minimalContainer + `}, output: {storageRef: {name: a}}}, {name: b, input: {step: recording}, transcode: {preset: Remux}, output: {storageRef: {name: a}}}]}`,
		"inputs of four steps":    burning("inputs: [{step: d}, {step: a}, {step: b}, {step: c}]"),
		"16 steps":                `spec: {steps: ` + list(16, "{name: s%d, archive: {}, output: {storageRef: {name: archive}}}") + `}`,
		"one folder in two sinks": `spec: {steps: [{name: a, archive: {}, output: {storageRef: {name: one}, path: x/}}, {name: b, archive: {}, output: {storageRef: {name: two}, path: x/}}]}`,
		"dots in a part":          step(`output: {storageRef: {name: archive}, path: "a..b/.c/{file}"}`),
		"a ttl of 10 minutes":     `spec: {ttlAfterFinished: 10m}`,
		"a ttl of a year":         `spec: {ttlAfterFinished: 8760h}`,
		"a timeout of a second":   step(`timeout: 1s`),
		"a name of 63":            `metadata: {name: ` + long(63) + `}`,
	},
	minimalStorage: {
		"the smallest":        ``,
		"every field":         `spec: {s3: {provider: Other, endpoint: "http://[fd00::1]:9000/", region: cn-north-4, prefix: "recordings/2026/", caSecretRef: {name: ca, key: ca.crt}}}`,
		"AWS by default":      `spec: {s3: {provider: AWS, endpoint: null}}`,
		"a volume":            `spec: {s3: null, persistentVolumeClaim: {claimName: media}}`,
		"a folder at the end": `spec: {s3: {prefix: a/b/}}`,
		"a volume's place":    `spec: {s3: null, persistentVolumeClaim: {claimName: media, subPath: a/b..c}}`,
		"a name of 63":        `metadata: {name: ` + long(63) + `}`,
	},
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	for base, cases := range allowed {
		for name, patch := range cases {
			made := object(t, namespace, base, patch)
			t.Run(made.GetKind()+"/"+name, func(t *testing.T) {
				if err := k8s.Create(t.Context(), made, client.DryRunAll); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

const configMapTrigger = "trigger: {object: {apiVersion: v1, kind: ConfigMap}}"

// withTrigger is a pipeline of one step, with an account.
func withTrigger(step string) string {
	return "spec: {triggerServiceAccountName: recording-trigger, steps: [{" + step + "}]}"
}

// approval is a pipeline of one step of kind approve.
func approval(fields string) string { return "spec: {steps: [{name: a, approve: {" + fields + "}}]}" }

// oneKind is what the API server says of a step that has no kind, or several.
const oneKind = "exactly one of transcode, archive, thumbnails, trigger, container and approve must be set"

// refused are objects with one fault each, and the field and the words in which the API server has to name it.
var refused = []struct{ base, name, patch, field, message string }{
	{minimalSource, "no spec", `spec: null`, "spec", "Required"},
	{minimalSource, "no callback", `spec: {callback: null}`, "spec.callback", "Required"},
	{minimalSource, "no keys", `spec: {callback: {keys: null, timestamp: {}}}`, "spec.callback.keys", "authentication Signature needs at least one key"},
	{minimalSource, "empty keys", `spec: {callback: {keys: []}}`, "spec.callback.keys", "authentication Signature needs at least one key"},
	{minimalSource, "keys with None", `spec: {callback: {authentication: None}}`, "spec.callback.keys", "authentication None takes no keys"},
	{minimalSource, "five keys", `spec: {callback: {keys: ` + list(5, "{secretRef: {name: s, key: k%d}}") + `}}`, "spec.callback.keys", "Too many"},
	{minimalSource, "a key without a Secret", `spec: {callback: {keys: [{}]}}`, "spec.callback.keys[0].secretRef", "Required"},
	{minimalSource, "no name of a Secret", `spec: {callback: {keys: [{secretRef: {name: a/b, key: key}}]}}`, "spec.callback.keys[0].secretRef.name", "should match"},
	{minimalSource, "no key of a Secret", `spec: {callback: {keys: [{secretRef: {name: s, key: a/b}}]}}`, "spec.callback.keys[0].secretRef.key", "should match"},
	{minimalSource, "a Secret without a name", `spec: {callback: {keys: [{secretRef: {key: key}}]}}`, "spec.callback.keys[0].secretRef.name", "Required"},
	{minimalSource, "a Secret with an empty name", `spec: {callback: {keys: [{secretRef: {name: "", key: key}}]}}`, "spec.callback.keys[0].secretRef.name", "at least 1 chars"},
	{minimalSource, "a Secret without a key", `spec: {callback: {keys: [{secretRef: {name: s}}]}}`, "spec.callback.keys[0].secretRef.key", "Required"},
	{minimalSource, "a Secret with an empty key", `spec: {callback: {keys: [{secretRef: {name: s, key: ""}}]}}`, "spec.callback.keys[0].secretRef.key", "at least 1 chars"},
	{minimalSource, "another authentication", `spec: {callback: {authentication: Basic}}`, "spec.callback.authentication", "Unsupported value"},
	{minimalSource, "another policy", `spec: {callback: {timestamp: {policy: Ignore}}}`, "spec.callback.timestamp.policy", "Unsupported value"},
	{minimalSource, "no tolerance at all", `spec: {callback: {timestamp: {tolerance: 0s}}}`, "spec.callback.timestamp.tolerance", "more than 0s and at most 24h"},
	{minimalSource, "a negative tolerance", `spec: {callback: {timestamp: {tolerance: -1s}}}`, "spec.callback.timestamp.tolerance", "more than 0s and at most 24h"},
	{minimalSource, "a tolerance of days", `spec: {callback: {timestamp: {tolerance: 24h1s}}}`, "spec.callback.timestamp.tolerance", "more than 0s and at most 24h"},
	{minimalSource, "a tolerance that is none", `spec: {callback: {timestamp: {tolerance: soon}}}`, "spec.callback.timestamp.tolerance", "tolerance"},
	{minimalSource, "no rate at all", `spec: {callback: {rateLimit: {callbacksPerSecond: 0}}}`, "spec.callback.rateLimit.callbacksPerSecond", "greater than or equal to 1"},
	{minimalSource, "a mad rate", `spec: {callback: {rateLimit: {callbacksPerSecond: 100001, burst: 200000}}}`, "spec.callback.rateLimit.callbacksPerSecond", "less than or equal to 100000"},
	{minimalSource, "no burst at all", `spec: {callback: {rateLimit: {callbacksPerSecond: 1, burst: 0}}}`, "spec.callback.rateLimit.burst", "greater than or equal to 1"},
	{minimalSource, "a mad burst", `spec: {callback: {rateLimit: {burst: 200001}}}`, "spec.callback.rateLimit.burst", "less than or equal to 200000"},
	{minimalSource, "a burst below the rate", `spec: {callback: {rateLimit: {callbacksPerSecond: 10, burst: 9}}}`, "spec.callback.rateLimit.burst", "must be at least callbacksPerSecond"},
	{minimalSource, "open for a moment", `spec: {openTimeout: 59s}`, "spec.openTimeout", "at least 1m and at most 720h"},
	{minimalSource, "kept for days", `spec: {ttlAfterFinished: 7d}`, "spec.ttlAfterFinished", "in hours, minutes and seconds"},
	{minimalSource, "kept for a moment", `spec: {ttlAfterFinished: 23h}`, "spec.ttlAfterFinished", "at least 24h and at most 87600h"},
	{minimalSource, "kept for ever", `spec: {ttlAfterFinished: 87601h}`, "spec.ttlAfterFinished", "at least 24h and at most 87600h"},
	{minimalSource, "open for ever", `spec: {openTimeout: 721h}`, "spec.openTimeout", "at least 1m and at most 720h"},
	{minimalSource, "discovery without a location", `spec: {discovery: {}}`, "spec.discovery", "needs storageRef"},
	{minimalSource, "hasty discovery", `spec: {storageRef: {name: obs}, discovery: {interval: 59s}}`, "spec.discovery.interval", "at least 1m and at most 168h"},
	{minimalSource, "lazy discovery", `spec: {storageRef: {name: obs}, discovery: {interval: 169h}}`, "spec.discovery.interval", "at least 1m and at most 168h"},
	{minimalSource, "discovery of young objects", `spec: {storageRef: {name: obs}, discovery: {minAge: 0s}}`, "spec.discovery.minAge", "at least 1m and at most 168h"},
	{minimalSource, "discovery of old objects", `spec: {storageRef: {name: obs}, discovery: {minAge: 169h}}`, "spec.discovery.minAge", "at least 1m and at most 168h"},
	{minimalSource, "a prefix with a slash", `spec: {storageRef: {name: obs}, discovery: {prefix: /Record}}`, "spec.discovery.prefix", "must not begin with a slash"},
	{minimalSource, "a long prefix", `spec: {storageRef: {name: obs}, discovery: {prefix: ` + long(1025) + `}}`, "spec.discovery.prefix", "1024"},
	{minimalSource, "five notifications", `spec: {notifications: ` + list(5, `{name: n%d, events: [FileReady], sink: {uri: "https://a.example.com"}}`) + `}`, "spec.notifications", "Too many"},
	{minimalSource, "a notification twice", `spec: {notifications: [{name: a, events: [FileReady], sink: {uri: "https://a.example.com"}}, {name: a, events: [FileReady], sink: {uri: "https://a.example.com"}}]}`, "spec.notifications[1]", "Duplicate value"},
	{minimalSource, "a notification without a name", `spec: {notifications: [{events: [FileReady], sink: {uri: "https://a.example.com"}}]}`, "spec.notifications[0].name", "Required"},
	{minimalSource, "a notification of capitals", notification(`name: Lms`), "spec.notifications[0].name", "should match"},
	{minimalSource, "a notification of a long name", notification(`name: ` + long(25)), "spec.notifications[0].name", "24"},
	{minimalSource, "a notification of nothing", notification(`events: []`), "spec.notifications[0].events", "at least 1"},
	{minimalSource, "a notification without events", `spec: {notifications: [{name: a, sink: {uri: "https://a.example.com"}}]}`, "spec.notifications[0].events", "Required"},
	{minimalSource, "a notification of an event twice", notification(`events: [FileReady, FileReady]`), "spec.notifications[0].events[1]", "Duplicate value"},
	{minimalSource, "a notification of another event", notification(`events: [FileLost]`), "spec.notifications[0].events[0]", "Unsupported value"},
	{minimalSource, "an empty when", notification(`when: ""`), "spec.notifications[0].when", "at least 1 chars"},
	{minimalSource, "a long when", notification(`when: ` + long(1025)), "spec.notifications[0].when", "1024"},
	{minimalSource, "a notification to nobody", `spec: {notifications: [{name: a, events: [FileReady]}]}`, "spec.notifications[0].sink", "Required"},
	{minimalSource, "a sink without a URI", notification(`sink: {mode: Binary}`), "spec.notifications[0].sink.uri", "Required"},
	{minimalSource, "a sink of another mode", notification(`sink: {uri: "https://a.example.com", mode: Batched}`), "spec.notifications[0].sink.mode", "Unsupported value"},
	{minimalSource, "a sink that is a host", notification(`sink: {uri: "a.example.com/events"}`), "spec.notifications[0].sink.uri", "should match"},
	{minimalSource, "a sink of another scheme", notification(`sink: {uri: "ftp://a.example.com"}`), "spec.notifications[0].sink.uri", "should match"},
	{minimalSource, "a sink with a user", notification(`sink: {uri: "https://u:p@a.example.com/"}`), "spec.notifications[0].sink.uri", "should match"},
	{minimalSource, "a sink with a query", notification(`sink: {uri: "https://a.example.com/?token=a"}`), "spec.notifications[0].sink.uri", "should match"},
	{minimalSource, "a sink with a fragment", notification(`sink: {uri: "https://a.example.com/#a"}`), "spec.notifications[0].sink.uri", "should match"},
	{minimalSource, "a sink with a backslash", notification(`sink: {uri: 'https://a.example.com\@b.example.com'}`), "spec.notifications[0].sink.uri", "should match"},
	{minimalSource, "a long sink", notification(`sink: {uri: "https://` + long(510) + `"}`), "spec.notifications[0].sink.uri", "512"},
	{minimalSource, "a signature without a key", notification(`signing: {}`), "spec.notifications[0].signing.secretRef", "Required"},
	{minimalSource, "a signature of a climbing Secret", notification(`signing: {secretRef: {name: ../a, key: key}}`), "spec.notifications[0].signing.secretRef.name", "should match"},
	{minimalSource, "a service without an app", `spec: {service: ` + service(``) + `}`, "spec.appID", "service needs the ID of the app"},
	{minimalSource, "a service of an app that climbs", `spec: {appID: "..", service: ` + service(``) + `}`, "spec.appID", "service needs the ID of the app"},
	{minimalSource, "a service without keys", `spec: {appID: app, callback: {authentication: None, keys: null}, service: ` + service(``) + `}`, "spec.callback.authentication", "must be Signature"},
	{minimalSource, "a service without a project", `spec: {appID: app, service: {credentialsSecretRef: {name: rtc}, publicURL: "https://recordings.example.com"}}`, "spec.service.projectID", "Required"},
	{minimalSource, "a project that climbs", `spec: {appID: app, service: {projectID: "../p", credentialsSecretRef: {name: rtc}, publicURL: "https://recordings.example.com"}}`, "spec.service.projectID", "should match"},
	{minimalSource, "a service without credentials", `spec: {appID: app, service: {projectID: p, publicURL: "https://recordings.example.com"}}`, "spec.service.credentialsSecretRef", "Required"},
	{minimalSource, "a service without a public URL", `spec: {appID: app, service: {projectID: p, credentialsSecretRef: {name: rtc}}}`, "spec.service.publicURL", "Required"},
	{minimalSource, "an endpoint without TLS", `spec: {appID: app, service: ` + service(`endpoint: "http://rtc-api.myhuaweicloud.com"`) + `}`, "spec.service.endpoint", "should match"},
	{minimalSource, "an endpoint with a path", `spec: {appID: app, service: ` + service(`endpoint: "https://rtc-api.myhuaweicloud.com/v2"`) + `}`, "spec.service.endpoint", "should match"},
	{minimalSource, "an endpoint with a user", `spec: {appID: app, service: ` + service(`endpoint: "https://rtc-api.myhuaweicloud.com@evil.example.com"`) + `}`, "spec.service.endpoint", "should match"},
	{minimalSource, "a public URL without TLS", `spec: {appID: app, service: ` + service(`publicURL: "http://recordings.example.com"`) + `}`, "spec.service.publicURL", "should match"},
	{minimalSource, "a public URL of another source", `spec: {appID: app, service: ` + service(`publicURL: "https://recordings.example.com/callbacks/media/other?"`) + `}`, "spec.service.publicURL", "should match"},
	{minimalSource, "another drift", `spec: {appID: app, service: ` + service(`onDrift: Ignore`) + `}`, "spec.service.onDrift", "Unsupported value"},
	{minimalSource, "a hasty rotation", `spec: {appID: app, service: ` + service(`rotateAfter: 23h`) + `}`, "spec.service.rotateAfter", "at least 24h and at most 87600h"},
	{minimalSource, "a rotation that is none", `spec: {appID: app, service: ` + service(`rotateAfter: never`) + `}`, "spec.service.rotateAfter", "at least 24h and at most 87600h"},
	{minimalSource, "a rotation for no reason", `spec: {appID: app, service: ` + service(`rotateKey: ""`) + `}`, "spec.service.rotateKey", "at least 1 chars"},
	{minimalSource, "an empty app", `spec: {appID: ""}`, "spec.appID", "at least 1 chars"},
	{minimalSource, "the placeholder of an app", `spec: {appID: <your SparkRTC app ID>}`, "spec.appID", "must be the ID of your SparkRTC app"},
	{minimalSource, "a long app", `spec: {appID: ` + long(129) + `}`, "spec.appID", "128"},
	{minimalSource, "an empty storageRef", `spec: {storageRef: {name: ""}}`, "spec.storageRef.name", "at least 1 chars"},
	{minimalSource, "a long storageRef", `spec: {storageRef: {name: ` + long(64) + `}}`, "spec.storageRef.name", "63"},
	{minimalSource, "a bucket twice", `spec: {allowedBuckets: [abc, abc]}`, "spec.allowedBuckets[1]", "Duplicate value"},
	{minimalSource, "a short bucket", `spec: {allowedBuckets: [ab]}`, "spec.allowedBuckets[0]", "at least 3 chars"},
	{minimalSource, "a long bucket", `spec: {allowedBuckets: [` + long(64) + `]}`, "spec.allowedBuckets[0]", "63"},
	{minimalSource, "33 buckets", `spec: {allowedBuckets: ` + list(33, "bucket-%d") + `}`, "spec.allowedBuckets", "Too many"},
	{minimalSource, "a host twice", `spec: {allowedHosts: [a.example.com, a.example.com]}`, "spec.allowedHosts[1]", "Duplicate value"},
	{minimalSource, "an empty host", `spec: {allowedHosts: [""]}`, "spec.allowedHosts[0]", "at least 1 chars"},
	{minimalSource, "a long host", `spec: {allowedHosts: [` + long(254) + `]}`, "spec.allowedHosts[0]", "253"},
	{minimalSource, "33 hosts", `spec: {allowedHosts: ` + list(33, "h%d") + `}`, "spec.allowedHosts", "Too many"},
	{minimalSource, "a URL for a host", `spec: {allowedHosts: ["https://media.example.com/"]}`, "spec.allowedHosts[0]", "should match"},
	{minimalSource, "a route that leads nowhere", `spec: {routes: [{when: "true"}]}`, "spec.routes[0].pipelineRef", "Required"},
	{minimalSource, "an empty condition", `spec: {routes: [{when: "", pipelineRef: {name: p}}]}`, "spec.routes[0].when", "at least 1 chars"},
	{minimalSource, "a long condition", `spec: {routes: [{when: "` + long(1025) + `", pipelineRef: {name: p}}]}`, "spec.routes[0].when", "1024"},
	{minimalSource, "33 routes", `spec: {routes: ` + list(33, "{pipelineRef: {name: p%d}}") + `}`, "spec.routes", "Too many"},
	{minimalSource, "a name of 64", `metadata: {name: ` + long(64) + `}`, "<nil>", "metadata.name: must be at most 63 characters"},

	{minimalFile, "no spec", `spec: null`, "spec", "Required"},
	{minimalFile, "no source", `spec: {sourceRef: null, app: a}`, "spec.sourceRef", "Required"},
	{minimalFile, "an empty source", `spec: {sourceRef: {name: ""}}`, "spec.sourceRef.name", "at least 1 chars"},
	{minimalFile, "no object", `spec: {object: null}`, "spec.object", "Required"},
	{minimalFile, "an object of nothing", `spec: {object: {bucket: null, key: null}}`, "spec.object", "set bucket and key, or url alone"},
	{minimalFile, "a key without a bucket", `spec: {object: {bucket: null}}`, "spec.object", "set bucket and key, or url alone"},
	{minimalFile, "a bucket without a key", `spec: {object: {key: null}}`, "spec.object", "set bucket and key, or url alone"},
	{minimalFile, "a URL beside a key", `spec: {object: {url: "https://example.com/a"}}`, "spec.object", "set bucket and key, or url alone"},
	{minimalFile, "an empty bucket", `spec: {object: {bucket: ""}}`, "spec.object.bucket", "at least 1 chars"},
	{minimalFile, "a long bucket", `spec: {object: {bucket: ` + long(256) + `}}`, "spec.object.bucket", "255"},
	{minimalFile, "an empty key", `spec: {object: {key: ""}}`, "spec.object.key", "at least 1 chars"},
	{minimalFile, "a long key", `spec: {object: {key: ` + long(1025) + `}}`, "spec.object.key", "1024"},
	{minimalFile, "a key with a leading slash", `spec: {object: {key: /a.m3u8}}`, "spec.object.key", "without a leading slash"},
	{minimalFile, "a key that is a URI", `spec: {object: {key: "s3://b/a.m3u8"}}`, "spec.object.key", "without a leading slash, without s3://"},
	{minimalFile, "a key that is a folder", `spec: {object: {key: Record/lecture/}, format: HLS}`, "spec.object.key", "and not a folder"},
	{minimalFile, "a bucket that is a URI", `spec: {object: {bucket: "s3://abc-rtc"}}`, "spec.object.bucket", "without s3:// and the key"},
	{minimalFile, "a bucket with a key", `spec: {object: {bucket: abc-rtc/Record}}`, "spec.object.bucket", "without s3:// and the key"},
	{minimalFile, "a bucket in capitals", `spec: {object: {bucket: ABC-RTC}}`, "spec.object.bucket", "lower-case letters"},
	{minimalFile, "a key of an unknown format", `spec: {object: {key: Record/lecture}}`, "spec.format", "set HLS or MP4"},
	{minimalFile, "a URL of an unknown format", `spec: {object: {bucket: null, key: null, url: "https://example.com/a"}}`, "spec.format", "set HLS or MP4"},
	{minimalFile, "a reported format in lower case", `spec: {reported: {format: hls}}`, "spec.reported.format", "must be in upper case"},
	{minimalTask, "a format in lower case", `spec: {format: hls}`, "spec.format", "must be in upper case"},
	{minimalFile, "a source that is a path", `spec: {sourceRef: {name: media/classroom}}`, "spec.sourceRef.name", "should match"},
	{minimalFile, "a source in capitals", `spec: {sourceRef: {name: Classroom}}`, "spec.sourceRef.name", "should match"},
	{minimalFile, "a pipeline that is a path", `spec: {pipelineRef: {name: media/lecture}}`, "spec.pipelineRef.name", "should match"},
	{minimalSource, "open for days", `spec: {openTimeout: 1d}`, "spec.openTimeout", "in hours, minutes and seconds, for example 36h"},
	{minimalSource, "a tolerance without a unit", `spec: {callback: {timestamp: {tolerance: "900"}}}`, "spec.callback.timestamp.tolerance", "in hours, minutes and seconds"},
	{minimalSource, "a tolerance of a day", `spec: {callback: {timestamp: {tolerance: 1d}}}`, "spec.callback.timestamp.tolerance", "in hours, minutes and seconds"},
	{minimalSource, "discovery once a day", `spec: {storageRef: {name: obs}, discovery: {interval: 1d}}`, "spec.discovery.interval", "in hours, minutes and seconds"},
	{minimalSource, "discovery after a week", `spec: {storageRef: {name: obs}, discovery: {minAge: 1w}}`, "spec.discovery.minAge", "in hours, minutes and seconds"},
	{minimalSource, "a bucket that is a URI", `spec: {allowedBuckets: ["s3://abc"]}`, "spec.allowedBuckets[0]", "should match"},
	{minimalPipeline, "a ttl of days", `spec: {ttlAfterFinished: 7d}`, "spec.ttlAfterFinished", "in hours, minutes and seconds"},
	{minimalPipeline, "a timeout in words", step(`timeout: 6 hours`), "spec.steps[0].timeout", "in hours, minutes and seconds"},
	{minimalPipeline, "pictures after a day", pictures("times: [1d]"), "spec.steps[0].thumbnails.times[0]", "should match"},
	{minimalPipeline, "a label that is none", step(`nodeSelector: {"a b": v}`), "spec.steps[0].nodeSelector", "each key must be the name of a label"},
	{minimalPipeline, "a label with a value that is none", step(`nodeSelector: {a: "v v"}`), "spec.steps[0].nodeSelector.a", "should match"},
	{minimalPipeline, "a limit on nothing", step(`resources: {limits: {"a b": "1"}}`), "spec.steps[0].resources.limits", "each key must be the name of a resource"},
	{minimalPipeline, "a request for nothing", step(`resources: {requests: {"a b": "1"}}`), "spec.steps[0].resources.requests", "each key must be the name of a resource"},
	{minimalFile, "a URL with a query", `spec: {object: {bucket: null, key: null, url: "https://example.com/a?b"}}`, "spec.object.url", "must be an http or https URL"},
	{minimalFile, "a URL with a fragment", `spec: {object: {bucket: null, key: null, url: "https://example.com/a#b"}}`, "spec.object.url", "must be an http or https URL"},
	{minimalFile, "a URL of another scheme", `spec: {object: {bucket: null, key: null, url: "ftp://example.com/a"}}`, "spec.object.url", "must be an http or https URL"},
	{minimalFile, "a URL with a user", `spec: {object: {bucket: null, key: null, url: "https://u:p@example.com/a"}}`, "spec.object.url", "must be an http or https URL"},
	{minimalFile, "a URL in capitals", `spec: {object: {bucket: null, key: null, url: "https://Example.com/a"}}`, "spec.object.url", "must be an http or https URL"},
	{minimalFile, "a URL without a host", `spec: {object: {bucket: null, key: null, url: "https:///a"}}`, "spec.object.url", "must be an http or https URL"},
	{minimalFile, "an empty URL", `spec: {object: {bucket: null, key: null, url: ""}, format: MP4}`, "spec.object.url", "at least 1 chars"},
	{minimalFile, "a long URL", `spec: {object: {bucket: null, key: null, url: "https://example.com/` + long(4096) + `"}}`, "spec.object.url", "4096"},
	{minimalFile, "a long app", `spec: {app: ` + long(129) + `}`, "spec.app", "128"},
	{minimalFile, "a long room", `spec: {room: ` + long(257) + `}`, "spec.room", "256"},
	{minimalFile, "a long stream", `spec: {stream: ` + long(257) + `}`, "spec.stream", "256"},
	{minimalFile, "a format in lower case", `spec: {format: hls}`, "spec.format", "Unsupported value"},
	{minimalFile, "a long reported app", `spec: {reported: {app: ` + long(129) + `}}`, "spec.reported.app", "128"},
	{minimalFile, "a long reported room", `spec: {reported: {room: ` + long(257) + `}}`, "spec.reported.room", "256"},
	{minimalFile, "a long reported stream", `spec: {reported: {stream: ` + long(257) + `}}`, "spec.reported.stream", "256"},
	{minimalFile, "a long reported format", `spec: {reported: {format: ` + long(33) + `}}`, "spec.reported.format", "32"},
	{minimalFile, "a long reported downloadURL", `spec: {reported: {downloadURL: ` + long(4097) + `}}`, "spec.reported.downloadURL", "4096"},
	{minimalFile, "a long reported location", `spec: {reported: {location: ` + long(1025) + `}}`, "spec.reported.location", "1024"},
	{minimalFile, "a long discovered stream", `spec: {discovered: {lastModified: "2021-04-28T08:58:02Z", stream: ` + long(257) + `}}`, "spec.discovered.stream", "256"},
	{minimalFile, "something discovered at no time", `spec: {discovered: {sizeBytes: 1}}`, "spec.discovered.lastModified", "Required"},
	{minimalFile, "nine tasks", `spec: {taskIDs: ` + list(9, "t%d") + `}`, "spec.taskIDs", "Too many"},
	{minimalFile, "a task twice", `spec: {taskIDs: [a, a]}`, "spec.taskIDs[1]", "Duplicate value"},
	{minimalFile, "an empty task", `spec: {taskIDs: [""]}`, "spec.taskIDs[0]", "at least 1 chars"},
	{minimalFile, "a long task", `spec: {taskIDs: [` + long(129) + `]}`, "spec.taskIDs[0]", "128"},
	{minimalFile, "17 ignored fields", `spec: {reported: {ignoredFields: [` + strings.Repeat("f, ", 17) + `]}}`, "spec.reported.ignoredFields", "Too many"},
	{minimalFile, "an ignored field that is none", `spec: {reported: {ignoredFields: ["a b"]}}`, "spec.reported.ignoredFields[0]", "should match"},
	{minimalFile, "a long ignored field", `spec: {reported: {ignoredFields: [` + long(65) + `]}}`, "spec.reported.ignoredFields[0]", "64"},
	{minimalFile, "an empty pipelineRef", `spec: {pipelineRef: {}}`, "spec.pipelineRef.name", "Required"},
	{minimalFile, "a negative size", `spec: {reported: {sizeBytes: -1}}`, "spec.reported.sizeBytes", "greater than or equal to 0"},
	{minimalFile, "a huge size", `spec: {reported: {sizeBytes: 1125899906842625}}`, "spec.reported.sizeBytes", "less than or equal to 1125899906842624"},
	{minimalFile, "a negative duration", `spec: {reported: {durationSeconds: -1}}`, "spec.reported.durationSeconds", "greater than or equal to 0"},
	{minimalFile, "a huge duration", `spec: {reported: {durationSeconds: 2147483648}}`, "spec.reported.durationSeconds", "less than or equal to 2147483647"},
	{minimalFile, "a negative width", `spec: {reported: {width: -1}}`, "spec.reported.width", "greater than or equal to 0"},
	{minimalFile, "a huge width", `spec: {reported: {width: 65537}}`, "spec.reported.width", "less than or equal to 65536"},
	{minimalFile, "a negative height", `spec: {reported: {height: -1}}`, "spec.reported.height", "greater than or equal to 0"},
	{minimalFile, "a huge height", `spec: {reported: {height: 65537}}`, "spec.reported.height", "less than or equal to 65536"},
	{minimalFile, "a start that is no time", `spec: {reported: {startTime: yesterday}}`, "spec.reported.startTime", "date-time"},
	{minimalFile, "an end that is no time", `spec: {reported: {endTime: tomorrow}}`, "spec.reported.endTime", "date-time"},
	{minimalFile, "a control character in app", `spec: {app: "a\u009b"}`, "spec.app", "must not contain control characters"},
	{minimalFile, "a control character in room", `spec: {room: "a\u009b"}`, "spec.room", "must not contain control characters"},
	{minimalFile, "a control character in stream", `spec: {stream: "a\u009b"}`, "spec.stream", "must not contain control characters"},
	{minimalFile, "a control character in the reported app", `spec: {reported: {app: "a\u0007"}}`, "spec.reported.app", "must not contain control characters"},
	{minimalFile, "a control character in the reported room", `spec: {reported: {room: "a\u0007"}}`, "spec.reported.room", "must not contain control characters"},
	{minimalFile, "a control character in the reported stream", `spec: {reported: {stream: "a\u0007"}}`, "spec.reported.stream", "must not contain control characters"},
	{minimalFile, "a control character in the reported format", `spec: {reported: {format: "a\u0007"}}`, "spec.reported.format", "must not contain control characters"},
	{minimalFile, "a control character in the reported downloadURL", `spec: {reported: {downloadURL: "a\u0007"}}`, "spec.reported.downloadURL", "must not contain control characters"},
	{minimalFile, "a control character in the reported location", `spec: {reported: {location: "a\u0007"}}`, "spec.reported.location", "must not contain control characters"},
	{minimalFile, "a control character in a task", `spec: {taskIDs: ["a\n"]}`, "spec.taskIDs[0]", "must not contain control characters"},
	{minimalFile, "a control character in the discovered stream", `spec: {discovered: {lastModified: "2021-04-28T08:58:02Z", stream: "\u007f"}}`, "spec.discovered.stream", "must not contain control characters"},
	{minimalFile, "a control character in the bucket", `spec: {object: {bucket: "a\t"}}`, "spec.object.bucket", "must not contain control characters"},
	{minimalFile, "a control character in the key", `spec: {object: {key: "a\u0000b"}}`, "spec.object.key", "must not contain control characters"},
	{minimalFile, "a control character in the URL", `spec: {object: {bucket: null, key: null, url: "https://example.com/\u0080"}}`, "spec.object.url", "must not contain control characters"},
	{minimalFile, "a name of 64", `metadata: {name: ` + long(64) + `}`, "<nil>", "metadata.name: must be at most 63 characters"},

	{minimalFile, "an approval of no step", `spec: {approvals: [{run: 1, by: a}]}`, "spec.approvals[0].step", "Required"},
	{minimalFile, "an approval of an empty step", `spec: {approvals: [{step: "", run: 1, by: a}]}`, "spec.approvals[0].step", "at least 1 chars"},
	{minimalFile, "an approval of a long step", `spec: {approvals: [{step: ` + long(25) + `, run: 1, by: a}]}`, "spec.approvals[0].step", "24"},
	{minimalFile, "an approval of a step in capitals", `spec: {approvals: [{step: A, run: 1, by: a}]}`, "spec.approvals[0].step", "should match"},
	{minimalFile, "an approval of no run", `spec: {approvals: [{step: a, by: a}]}`, "spec.approvals[0].run", "Required"},
	{minimalFile, "an approval of run 0", `spec: {approvals: [{step: a, run: 0, by: a}]}`, "spec.approvals[0].run", "greater than or equal to 1"},
	{minimalFile, "an approval by nobody", `spec: {approvals: [{step: a, run: 1}]}`, "spec.approvals[0].by", "Required"},
	{minimalFile, "an approval by an empty name", `spec: {approvals: [{step: a, run: 1, by: ""}]}`, "spec.approvals[0].by", "at least 1 chars"},
	{minimalFile, "an approval by a long name", `spec: {approvals: [{step: a, run: 1, by: ` + long(257) + `}]}`, "spec.approvals[0].by", "256"},
	{minimalFile, "another decision", `spec: {approvals: [{step: a, run: 1, by: a, decision: Maybe}]}`, "spec.approvals[0].decision", "Unsupported value"},
	{minimalFile, "two approvals of a step", `spec: {approvals: [{step: a, run: 1, by: a}, {step: a, run: 2, by: b}]}`, "spec.approvals[1]", "Duplicate value"},
	{minimalFile, "17 approvals", `spec: {approvals: ` + list(17, "{step: s%d, run: 1, by: a}") + `}`, "spec.approvals", "Too many"},
	{minimalTask, "no spec", `spec: null`, "spec", "Required"},
	{minimalTask, "no source", `spec: {sourceRef: null}`, "spec.sourceRef", "Required"},
	{minimalTask, "no task", `spec: {taskID: null}`, "spec.taskID", "Required"},
	{minimalTask, "an empty task", `spec: {taskID: ""}`, "spec.taskID", "at least 1 chars"},
	{minimalTask, "a long task", `spec: {taskID: ` + long(129) + `}`, "spec.taskID", "128"},
	{minimalTask, "a long app", `spec: {app: ` + long(129) + `}`, "spec.app", "128"},
	{minimalTask, "a long room", `spec: {room: ` + long(257) + `}`, "spec.room", "256"},
	{minimalTask, "a long stream", `spec: {stream: ` + long(257) + `}`, "spec.stream", "256"},
	{minimalTask, "a long format", `spec: {format: ` + long(33) + `}`, "spec.format", "32"},
	{minimalTask, "a control character in taskID", `spec: {taskID: "a\u009b"}`, "spec.taskID", "must not contain control characters"},
	{minimalTask, "a control character in app", `spec: {app: "a\u009b"}`, "spec.app", "must not contain control characters"},
	{minimalTask, "a control character in room", `spec: {room: "a\u009b"}`, "spec.room", "must not contain control characters"},
	{minimalTask, "a control character in stream", `spec: {stream: "a\u009b"}`, "spec.stream", "must not contain control characters"},
	{minimalTask, "a control character in format", `spec: {format: "a\u009b"}`, "spec.format", "must not contain control characters"},
	{minimalTask, "257 starts", `spec: {starts: ` + starts(257) + `}`, "spec.starts", "Too many"},
	{minimalTask, "a start without a digest", `spec: {starts: {first: ""}}`, "spec.starts", "each key must be 16 hexadecimal digits"},
	{minimalTask, "a start at a long time", `spec: {starts: {0123456789abcdef: ` + long(33) + `}}`, "spec.starts.0123456789abcdef", "may not be more than 32"},
	{minimalTask, "a name of 64", `metadata: {name: ` + long(64) + `}`, "<nil>", "metadata.name: must be at most 63 characters"},

	{minimalPipeline, "no spec", `spec: null`, "spec", "Required"},
	{minimalPipeline, "no steps", `spec: {steps: null, ttlAfterFinished: 1h}`, "spec.steps", "Required"},
	{minimalPipeline, "empty steps", `spec: {steps: []}`, "spec.steps", "at least 1 items"},
	{minimalPipeline, "17 steps", `spec: {steps: ` + list(17, "{name: s%d, archive: {}, output: {storageRef: {name: archive}}}") + `}`, "spec.steps", "Too many"},
	{minimalPipeline, "two steps of one name", steps("name: a", "name: a"), "spec.steps[1]", "Duplicate value"},
	{minimalPipeline, "a step without a name", `spec: {steps: [{archive: {}, output: {storageRef: {name: archive}}}]}`, "spec.steps[0].name", "Required"},
	{minimalPipeline, "a step with an empty name", steps(`name: ""`), "spec.steps[0].name", "at least 1 chars"},
	{minimalPipeline, "a step with a long name", steps("name: " + long(25)), "spec.steps[0].name", "24"},
	{minimalPipeline, "a step in capitals", steps("name: MP4"), "spec.steps[0].name", "should match"},
	{minimalPipeline, "a step with a hyphen at its end", steps("name: a-"), "spec.steps[0].name", "should match"},
	{minimalPipeline, "a step that does nothing", `spec: {steps: [{name: a, output: {storageRef: {name: archive}}}]}`, "spec.steps[0]", oneKind},
	{minimalPipeline, "an archive without braces", "spec:\n  steps:\n  - name: a\n    archive:\n    output: {storageRef: {name: archive}}\n", "spec.steps[0]", "without settings, write archive: {}"},
	{minimalPipeline, "a step that does two things", step("transcode: {preset: Remux}, archive: {}"), "spec.steps[0]", oneKind},
	{minimalPipeline, "an archive with an input", `spec: {steps: [{name: a, archive: {}, output: {storageRef: {name: archive}}}, {name: b, archive: {}, input: {step: a}, output: {storageRef: {name: archive}}}]}`, "spec.steps[1].input", "takes no input"},
	{minimalPipeline, "no preset", step("transcode: {}"), "spec.steps[0].transcode.preset", "Required"},
	{minimalPipeline, "another preset", step("transcode: {preset: AV1}"), "spec.steps[0].transcode.preset", "Unsupported value"},
	{minimalPipeline, "pictures and an MP4", step("transcode: {preset: Remux}, thumbnails: {poster: true}"), "spec.steps[0]", oneKind},
	{minimalPipeline, "no pictures", pictures(""), "spec.steps[0].thumbnails", "at least one of times, percentages and poster must be set"},
	{minimalPipeline, "no poster", pictures("poster: false"), "spec.steps[0].thumbnails", "at least one of times, percentages and poster must be set"},
	{minimalPipeline, "no times", pictures("times: []"), "spec.steps[0].thumbnails.times", "at least 1 items"},
	{minimalPipeline, "17 times", pictures("times: " + list(17, "%ds")), "spec.steps[0].thumbnails.times", "must have at most 16 items"},
	{minimalPipeline, "a time twice", pictures("times: [10s, 10s]"), "spec.steps[0].thumbnails.times[1]", "Duplicate value"},
	{minimalPipeline, "a time that is none", pictures("times: [soon]"), "spec.steps[0].thumbnails.times[0]", "should match"},
	{minimalPipeline, "a long time", pictures("times: [10000000000000000s]"), "spec.steps[0].thumbnails.times[0]", "may not be more than 16 bytes"},
	{minimalPipeline, "a time before the beginning", pictures("times: [-1s]"), "spec.steps[0].thumbnails.times[0]", "should match"},
	{minimalPipeline, "a time after a week", pictures("times: [169h]"), "spec.steps[0].thumbnails.times[0]", "times must be at most 168h"},
	{minimalPipeline, "no percentages", pictures("percentages: []"), "spec.steps[0].thumbnails.percentages", "at least 1 items"},
	{minimalPipeline, "17 percentages", pictures("percentages: " + list(17, "%d")), "spec.steps[0].thumbnails.percentages", "must have at most 16 items"},
	{minimalPipeline, "a percentage twice", pictures("percentages: [1, 1]"), "spec.steps[0].thumbnails.percentages[1]", "Duplicate value"},
	{minimalPipeline, "a negative percentage", pictures("percentages: [-1]"), "spec.steps[0].thumbnails.percentages[0]", "greater than or equal to 0"},
	{minimalPipeline, "101 percent", pictures("percentages: [101]"), "spec.steps[0].thumbnails.percentages[0]", "less than or equal to 100"},
	{minimalPipeline, "another format of pictures", pictures("poster: true, format: PNG"), "spec.steps[0].thumbnails.format", "Unsupported value"},
	{minimalPipeline, "a narrow picture", pictures("poster: true, maxWidth: 14"), "spec.steps[0].thumbnails.maxWidth", "greater than or equal to 16"},
	{minimalPipeline, "a wide picture", pictures("poster: true, maxWidth: 7682"), "spec.steps[0].thumbnails.maxWidth", "less than or equal to 7680"},
	{minimalPipeline, "an odd width", pictures("poster: true, maxWidth: 321"), "spec.steps[0].thumbnails.maxWidth", "multiple of 2"},
	{minimalPipeline, "a flat picture", pictures("poster: true, maxHeight: 14"), "spec.steps[0].thumbnails.maxHeight", "greater than or equal to 16"},
	{minimalPipeline, "a tall picture", pictures("poster: true, maxHeight: 4322"), "spec.steps[0].thumbnails.maxHeight", "less than or equal to 4320"},
	{minimalPipeline, "an odd height", pictures("poster: true, maxHeight: 181"), "spec.steps[0].thumbnails.maxHeight", "multiple of 2"},
	{minimalPipeline, "Remux with video", step("transcode: {preset: Remux, video: {crf: 20}}"), "spec.steps[0].transcode", "neither video nor audio"},
	{minimalPipeline, "Remux with audio", step("transcode: {preset: Remux, audio: {bitrateKbps: 64}}"), "spec.steps[0].transcode", "neither video nor audio"},
	{minimalPipeline, "another way to change", step("transcode: {preset: Remux, onChange: Ignore}"), "spec.steps[0].transcode.onChange", "Unsupported value"},
	{minimalPipeline, "H264 with onChange", step("transcode: {preset: H264, onChange: Fail}"), "spec.steps[0].transcode.onChange", "onChange: applies to preset Remux only"},
	{minimalPipeline, "another way to be damaged", step("transcode: {preset: Remux, onDamage: Repair}"), "spec.steps[0].transcode.onDamage", "Unsupported value"},
	{minimalPipeline, "a low picture", step("transcode: {preset: H264, video: {maxHeight: 142}}"), "spec.steps[0].transcode.video.maxHeight", "greater than or equal to 144"},
	{minimalPipeline, "a high picture", step("transcode: {preset: H264, video: {maxHeight: 4322}}"), "spec.steps[0].transcode.video.maxHeight", "less than or equal to 4320"},
	{minimalPipeline, "an odd picture", step("transcode: {preset: H264, video: {maxHeight: 721}}"), "spec.steps[0].transcode.video.maxHeight", "multiple of 2"},
	{minimalPipeline, "a negative crf", step("transcode: {preset: H264, video: {crf: -1}}"), "spec.steps[0].transcode.video.crf", "greater than or equal to 0"},
	{minimalPipeline, "a crf of 52", step("transcode: {preset: H264, video: {crf: 52}}"), "spec.steps[0].transcode.video.crf", "less than or equal to 51"},
	{minimalPipeline, "a low bit rate", step("transcode: {preset: H264, audio: {bitrateKbps: 15}}"), "spec.steps[0].transcode.audio.bitrateKbps", "greater than or equal to 16"},
	{minimalPipeline, "a high bit rate", step("transcode: {preset: H264, audio: {bitrateKbps: 513}}"), "spec.steps[0].transcode.audio.bitrateKbps", "less than or equal to 512"},
	{minimalPipeline, "dependsOn an unknown step", steps("name: a, dependsOn: [b]"), "spec.steps", "steps: dependsOn must name other steps of this pipeline; step a names b"},
	{minimalPipeline, "dependsOn an unknown step beside a known one", steps("name: a", "name: c, dependsOn: [a, d]"), "spec.steps", "steps: dependsOn must name other steps of this pipeline; step c names d"},
	{minimalPipeline, "dependsOn itself", steps("name: a, dependsOn: [a]"), "spec.steps", "steps: dependsOn must name other steps of this pipeline; step a names a"},
	{minimalPipeline, "dependsOn twice", steps("name: a", "name: b, dependsOn: [a, a]"), "spec.steps[1].dependsOn[1]", "Duplicate value"},
	{minimalPipeline, "an input from an unknown step", steps("name: a, input: {step: b}"), "spec.steps", "steps: input.step must name another step of this pipeline, or recording; step a names b"},
	{minimalPipeline, "an input from itself", steps("name: a, input: {step: a}"), "spec.steps", "steps: input.step must name another step of this pipeline, or recording; step a names a"},
	{minimalPipeline, "inputs of an unknown step", burning("inputs: [{step: a}, {step: e}]"), "spec.steps", "steps: inputs must name other steps of this pipeline, or recording; step burn names e"},
	{minimalPipeline, "inputs of itself", burning("inputs: [{step: burn}]"), "spec.steps", "steps: inputs must name other steps of this pipeline, or recording; step burn names burn"},
	{minimalPipeline, "inputs of one step twice", burning("inputs: [{step: a}, {step: a}]"), "spec.steps[4].inputs[1]", "Duplicate value"},
	{minimalPipeline, "no inputs", burning("inputs: []"), "spec.steps[4].inputs", "at least 1 items"},
	{minimalPipeline, "inputs of five steps", `spec: {steps: ` + strings.TrimSuffix(list(5, "{name: s%d, archive: {}, output: {storageRef: {name: archive}}}"), "]") +
		`, {name: burn, container: {` + minimalContainer + `}, output: {storageRef: {name: archive}}, inputs: ` + list(5, "{step: s%d}") + `}]}`, "spec.steps[5].inputs", "must have at most 4 items"},
	{minimalPipeline, "input and inputs", burning("input: {step: a}, inputs: [{step: b}]"), "spec.steps[4].inputs", "input and inputs cannot both be set"},
	{minimalPipeline, "inputs of a transcode", steps("name: a", "name: b, inputs: [{step: a}]"), "spec.steps[1].inputs", "only container works on several inputs"},
	{minimalPipeline, "the recording twice", burning("inputs: [{step: recording}, {step: recording}]"), "spec.steps[4].inputs[1]", "Duplicate value"},
	{minimalPipeline, "a step called recording", steps("name: recording"), "spec.steps[0].name", "recording is the name of the recording itself"},
	{minimalPipeline, "depends on the recording", steps("name: a, dependsOn: [recording]"), "spec.steps", "step a names recording"},
	{minimalPipeline, "an archive of the recording as input", `spec: {steps: [{name: a, archive: {}, input: {step: recording}, output: {storageRef: {name: archive}}}]}`, "spec.steps[0].input", "takes no input"},
	{minimalPipeline, "inputs of finally", `spec: {finally: [{name: a, inputs: [{step: keep}, {step: b}], container: {` + minimalContainer + `}, output: {storageRef: {name: a}}}]}`, "spec.finally", "input.step and inputs name some of steps"},
	{minimalPipeline, "an input without a step", steps("name: a, input: {}"), "spec.steps[0].input.step", "Required"},
	{minimalPipeline, "no output", `spec: {steps: [{name: a, archive: {}}]}`, "spec.steps[0].output", "output: say where the results are published"},
	{minimalPipeline, "a trigger without an account", `spec: {steps: [{name: a, ` + configMapTrigger + `}]}`, "spec.triggerServiceAccountName", "a step of kind trigger needs a ServiceAccount"},
	{minimalPipeline, "a trigger of finally without an account", `spec: {finally: [{name: a, ` + configMapTrigger + `}]}`, "spec.triggerServiceAccountName", "a step of kind trigger needs a ServiceAccount"},
	{minimalPipeline, "a trigger with an output", withTrigger(`name: a, output: {storageRef: {name: a}}, ` + configMapTrigger), "spec.steps[0].trigger", "takes neither input nor output"},
	{minimalPipeline, "a trigger that names its object", withTrigger(`name: a, trigger: {object: {apiVersion: v1, kind: ConfigMap, metadata: {spec: {a: b}}}}`), "spec.steps[0].trigger.object.metadata", "metadata holds labels and annotations alone"},
	{minimalPipeline, "a trigger that sets its kind", withTrigger(`name: a, trigger: {object: {apiVersion: v1, kind: ConfigMap}, set: [{path: /kind, value: "'Secret'"}]}`), "spec.steps[0].trigger.set", "a path cannot name apiVersion, kind or metadata"},
	{minimalPipeline, "another account", `spec: {triggerServiceAccountName: deployer}`, "spec.triggerServiceAccountName", "should match"},
	{minimalPipeline, "an approval and an MP4", step("transcode: {preset: Remux}, approve: {message: m}"), "spec.steps[0]", oneKind},
	{minimalPipeline, "an approval without a message", approval(""), "spec.steps[0].approve.message", "Required"},
	{minimalPipeline, "an approval with an empty message", approval(`message: ""`), "spec.steps[0].approve.message", "at least 1 chars"},
	{minimalPipeline, "an approval with a long message", approval("message: " + long(257)), "spec.steps[0].approve.message", "256"},
	{minimalPipeline, "an approval without any time", approval("message: m, timeout: 0s"), "spec.steps[0].approve.timeout", "timeout must be from 1s to 8760h"},
	{minimalPipeline, "an approval for ever", approval("message: m, timeout: 8761h"), "spec.steps[0].approve.timeout", "timeout must be from 1s to 8760h"},
	{minimalPipeline, "an approval by silence", approval("message: m, timeout: 1h, onTimeout: Approve"), "spec.steps[0].approve.onTimeout", "Unsupported value"},
	{minimalPipeline, "an approval with an output", "spec: {steps: [{name: a, approve: {message: m}, output: {storageRef: {name: a}}}]}", "spec.steps[0].approve", "approve has neither a Job nor files"},
	{minimalPipeline, "an approval with a timeout of Jobs", "spec: {steps: [{name: a, approve: {message: m}, timeout: 1h}]}", "spec.steps[0].approve", "how long it waits is approve.timeout"},
	{minimalPipeline, "an approval with retries", "spec: {steps: [{name: a, approve: {message: m}, retries: 1}]}", "spec.steps[0].approve", "approve has neither a Job nor files"},
	{minimalPipeline, "an approval of finally", "spec: {finally: [{name: b, approve: {message: m}}]}", "spec.finally", "an approval here would hold nothing up"},
	{minimalPipeline, "a container and an MP4", step("transcode: {preset: Remux}, container: {" + minimalContainer + "}"), "spec.steps[0]", oneKind},
	{minimalPipeline, "a container without an output", "spec: {steps: [{name: a, container: {" + minimalContainer + "}}]}", "spec.steps[0].output", "output: say where the results are published"},
	{minimalPipeline, "a container without an image", step("container: {outputs: [{path: a, kind: Data}]}"), "spec.steps[0].container.image", "Required"},
	{minimalPipeline, "a container without outputs", step("container: {image: a, outputs: []}"), "spec.steps[0].container.outputs", "at least 1 items"},
	{minimalPipeline, "17 outputs", step("container: {image: a, outputs: " + list(17, "{path: f%d, kind: Data}") + "}"), "spec.steps[0].container.outputs", "must have at most 16 items"},
	{minimalPipeline, "an image with a blank", step(`container: {image: "a b", outputs: [{path: a, kind: Data}]}`), "spec.steps[0].container.image", "should match"},
	{minimalPipeline, "an output twice", step("container: {image: a, outputs: [{path: a, kind: Data}, {path: a, kind: Data}]}"), "spec.steps[0].container.outputs[1]", "Duplicate value"},
	{minimalPipeline, "an absolute output", step("container: {image: a, outputs: [{path: /etc/passwd, kind: Data}]}"), "spec.steps[0].container.outputs[0].path", "path must be relative"},
	{minimalPipeline, "an output that climbs", step("container: {image: a, outputs: [{path: a/../../b, kind: Data}]}"), "spec.steps[0].container.outputs[0].path", "path must be relative"},
	{minimalPipeline, "a folder as an output", step("container: {image: a, outputs: [{path: a/, kind: Data}]}"), "spec.steps[0].container.outputs[0].path", "path must be relative"},
	{minimalPipeline, "an output with a class", step(`container: {image: a, outputs: [{path: "a[0-9]", kind: Data}]}`), "spec.steps[0].container.outputs[0].path", "should match"},
	{minimalPipeline, "the manifest as an output", step("container: {image: a, outputs: [{path: manifest.json, kind: Data}]}"), "spec.steps[0].container.outputs[0].path", "the step publishes a file of this name itself"},
	{minimalPipeline, "a long output", step("container: {image: a, outputs: [{path: " + long(257) + ", kind: Data}]}"), "spec.steps[0].container.outputs[0].path", "may not be more than 256 bytes"},
	{minimalPipeline, "an output of no kind", step("container: {image: a, outputs: [{path: a}]}"), "spec.steps[0].container.outputs[0].kind", "Required"},
	{minimalPipeline, "an output of another kind", step("container: {image: a, outputs: [{path: a, kind: Song}]}"), "spec.steps[0].container.outputs[0].kind", "Unsupported value"},
	{minimalPipeline, "a language that is none", step("container: {image: a, outputs: [{path: a, kind: Data, language: en_US}]}"), "spec.steps[0].container.outputs[0].language", "should match"},
	{minimalPipeline, "root", image("runAsUser: 0"), "spec.steps[0].container.runAsUser", "greater than or equal to 1"},
	{minimalPipeline, "a user beyond all", image("runAsUser: 2147483648"), "spec.steps[0].container.runAsUser", "less than or equal to 2147483647"},
	{minimalPipeline, "an empty command", image("command: []"), "spec.steps[0].container.command", "at least 1 items"},
	{minimalPipeline, "65 arguments", image("args: " + list(65, "a%d")), "spec.steps[0].container.args", "must have at most 64 items"},
	{minimalPipeline, "a long argument", image("args: [" + long(4097) + "]"), "spec.steps[0].container.args[0]", "may not be more than 4096 bytes"},
	{minimalPipeline, "33 variables", image("env: " + list(33, "{name: A%d}")), "spec.steps[0].container.env", "must have at most 32 items"},
	{minimalPipeline, "a variable twice", image("env: [{name: A}, {name: A}]"), "spec.steps[0].container.env[1]", "Duplicate value"},
	{minimalPipeline, "a variable with a hyphen", image("env: [{name: A-B}]"), "spec.steps[0].container.env[0].name", "should match"},
	{minimalPipeline, "a variable of ours", image("env: [{name: RECORDING_PARAM_A}]"), "spec.steps[0].container.env[0].name", "must not begin with RECORDING_: the operator sets these variables"},
	{minimalPipeline, "a Secret as a variable of ours", image("secrets: [{name: RECORDING_STEP, secretRef: {name: a, key: b}}]"), "spec.steps[0].container.secrets[0].name", "must not begin with RECORDING_: the operator sets these variables"},
	{minimalPipeline, "a variable and a Secret", image("env: [{name: A}], secrets: [{name: A, secretRef: {name: a, key: b}}]"), "spec.steps[0].container.secrets", "env has the same name"},
	{minimalPipeline, "a Secret without a key", image("secrets: [{name: A, secretRef: {name: a}}]"), "spec.steps[0].container.secrets[0].secretRef.key", "Required"},
	{minimalPipeline, "17 Secrets", image("secrets: " + list(17, "{name: A%d, secretRef: {name: a, key: b}}")), "spec.steps[0].container.secrets", "must have at most 16 items"},
	{minimalPipeline, "a param in upper case", image("params: [{name: Room, value: recording.room}]"), "spec.steps[0].container.params[0].name", "should match"},
	{minimalPipeline, "a param without a value", image("params: [{name: room}]"), "spec.steps[0].container.params[0].value", "Required"},
	{minimalPipeline, "17 params", image("params: " + list(17, "{name: a%d, value: recording.room}")), "spec.steps[0].container.params", "must have at most 16 items"},
	{minimalPipeline, "a volume in the contract's folder", image("volumes: [{name: a, mountPath: /recording/input, persistentVolumeClaim: {claimName: a}}]"), "spec.steps[0].container.volumes[0].mountPath", "cannot lie in /recording"},
	{minimalPipeline, "a volume over the contract's folder", image("volumes: [{name: a, mountPath: /recording, persistentVolumeClaim: {claimName: a}}]"), "spec.steps[0].container.volumes[0].mountPath", "cannot lie in /recording"},
	{minimalPipeline, "a volume over /tmp", image("volumes: [{name: a, mountPath: /tmp, persistentVolumeClaim: {claimName: a}}]"), "spec.steps[0].container.volumes[0].mountPath", "mountPath cannot be /tmp"},
	{minimalPipeline, "a volume in /proc", image("volumes: [{name: a, mountPath: /proc/self, persistentVolumeClaim: {claimName: a}}]"), "spec.steps[0].container.volumes[0].mountPath", "/proc"},
	{minimalPipeline, "a volume over everything", image("volumes: [{name: a, mountPath: /, persistentVolumeClaim: {claimName: a}}]"), "spec.steps[0].container.volumes[0].mountPath", "at least 2"},
	{minimalPipeline, "a volume somewhere", image("volumes: [{name: a, mountPath: models, persistentVolumeClaim: {claimName: a}}]"), "spec.steps[0].container.volumes[0].mountPath", "should match"},
	{minimalPipeline, "a volume that climbs", image("volumes: [{name: a, mountPath: /a/../recording, persistentVolumeClaim: {claimName: a}}]"), "spec.steps[0].container.volumes[0].mountPath", "mountPath must be without . and .."},
	{minimalPipeline, "two volumes in one place", image("volumes: [{name: a, mountPath: /a, persistentVolumeClaim: {claimName: a}}, {name: b, mountPath: /a, persistentVolumeClaim: {claimName: b}}]"), "spec.steps[0].container.volumes", "two volumes cannot have the same mountPath"},
	{minimalPipeline, "a volume without a claim", image("volumes: [{name: a, mountPath: /a}]"), "spec.steps[0].container.volumes[0].persistentVolumeClaim", "Required"},
	{minimalPipeline, "9 volumes", image("volumes: " + list(9, "{name: a%[1]d, mountPath: /a%[1]d, persistentVolumeClaim: {claimName: a}}")), "spec.steps[0].container.volumes", "must have at most 8 items"},
	{minimalPipeline, "a result with a path", image("results: [{name: ../a}]"), "spec.steps[0].container.results[0].name", "should match"},
	{minimalPipeline, "9 results", image("results: " + list(9, "{name: a%d}")), "spec.steps[0].container.results", "must have at most 8 items"},
	{minimalPipeline, "two timeouts", steps("name: a, timeout: 1h, timeoutFactor: 2"), "spec.steps[0].timeoutFactor", "timeout and timeoutFactor cannot both be set"},
	{minimalPipeline, "a factor of nothing", steps("name: a, timeoutFactor: 0"), "spec.steps[0].timeoutFactor", "greater than or equal to 1"},
	{minimalPipeline, "an empty when", steps(`name: a, when: ""`), "spec.steps[0].when", "at least 1"},
	{minimalPipeline, "two default timeouts", `spec: {defaults: {timeout: 1h, timeoutFactor: 2}}`, "spec.defaults.timeoutFactor", "timeout and timeoutFactor cannot both be set"},
	{minimalPipeline, "a default timeout of a month", `spec: {defaults: {timeout: 720h}}`, "spec.defaults.timeout", "timeout must be from 1s to 168h"},
	{minimalPipeline, "finally has a step's name", `spec: {finally: [{name: keep, archive: {}, output: {storageRef: {name: a}}}]}`, "spec.finally", "finally: a step of steps has the same name: keep"},
	{minimalPipeline, "finally depends", `spec: {finally: [{name: a, dependsOn: [keep], archive: {}, output: {storageRef: {name: a}}}]}`, "spec.finally", "a step here runs after all of steps"},
	{minimalPipeline, "finally works on its own", `spec: {finally: [{name: a, input: {step: b}, transcode: {preset: Remux}, output: {storageRef: {name: a}}}]}`, "spec.finally", "a step here runs after all of steps"},
	{minimalPipeline, "finally publishes where others do", `spec: {finally: [{name: a, archive: {}, output: {storageRef: {name: archive}, path: x/}}]}`, "spec.finally", "put {step} into output.path"},
	{minimalPipeline, "a limit of no step", `spec: {concurrency: {steps: [{name: other, jobs: 2}]}}`, "spec.concurrency.steps", "concurrency: steps must name steps of this pipeline, and none is called other"},
	{minimalPipeline, "a limit of 0 for a step", `spec: {concurrency: {steps: [{name: keep, jobs: 0}]}}`, "spec.concurrency.steps[0].jobs", "greater than or equal to 1"},
	{minimalPipeline, "a limit of 0 files", `spec: {concurrency: {files: 0}}`, "spec.concurrency.files", "greater than or equal to 1"},
	{minimalPipeline, "a priority class without a queue", `spec: {workloadPriorityClassName: urgent}`, "spec.workloadPriorityClassName", "needs queueName"},
	{minimalPipeline, "a queue with a space", `spec: {queueName: "my queue"}`, "spec.queueName", "should match"},
	{minimalPipeline, "5 steps of finally", `spec: {finally: ` + list(5, "{name: s%d, archive: {}, output: {storageRef: {name: a}}}") + `}`, "spec.finally", "Too many"},

	{minimalPipeline, "no storageRef", step("output: {path: a}"), "spec.steps[0].output.storageRef", "Required"},
	{minimalPipeline, "an empty path", step(`output: {storageRef: {name: archive}, path: ""}`), "spec.steps[0].output.path", "at least 1 chars"},
	{minimalPipeline, "a long path", step(`output: {storageRef: {name: archive}, path: ` + long(513) + `}`), "spec.steps[0].output.path", "512"},
	{minimalPipeline, "an absolute path", step(`output: {storageRef: {name: archive}, path: /a}`), "spec.steps[0].output.path", "path must be relative"},
	{minimalPipeline, "a path that climbs", step(`output: {storageRef: {name: archive}, path: a/../b}`), "spec.steps[0].output.path", "path must be relative"},
	{minimalPipeline, "a path of here", step(`output: {storageRef: {name: archive}, path: ./a}`), "spec.steps[0].output.path", "path must be relative"},
	{minimalPipeline, "a path with backslashes", step(`output: {storageRef: {name: archive}, path: 'a\b'}`), "spec.steps[0].output.path", "backslashes"},
	{minimalPipeline, "an unknown placeholder", step(`output: {storageRef: {name: archive}, path: "{teacher}/"}`), "spec.steps[0].output.path", "unknown {placeholder}"},
	{minimalPipeline, "half a placeholder", step(`output: {storageRef: {name: archive}, path: "{room/"}`), "spec.steps[0].output.path", "unknown {placeholder}"},
	{minimalPipeline, "two steps to one folder", `spec: {steps: [{name: a, archive: {}, output: {storageRef: {name: archive}, path: "{file}/"}}, {name: b, archive: {}, output: {storageRef: {name: archive}, path: "{file}/"}}]}`, "spec.steps", "put {step} into the path"},
	{minimalPipeline, "negative retries", step("retries: -1"), "spec.steps[0].retries", "greater than or equal to 0"},
	{minimalPipeline, "11 retries", step("retries: 11"), "spec.steps[0].retries", "less than or equal to 10"},
	{minimalPipeline, "no timeout", step("timeout: 0s"), "spec.steps[0].timeout", "from 1s to 168h"},
	{minimalPipeline, "a timeout of more than a week", step("timeout: 168h1s"), "spec.steps[0].timeout", "from 1s to 168h"},
	{minimalPipeline, "a timeout that is none", step("timeout: long"), "spec.steps[0].timeout", "timeout"},
	{minimalPipeline, "17 tolerations", step("tolerations: " + list(17, "{key: k%d, operator: Exists}")), "spec.steps[0].tolerations", "Too many"},
	{minimalPipeline, "17 node labels", step("nodeSelector: {" + strings.Trim(list(17, `k%d: v`), "[]") + "}"), "spec.steps[0].nodeSelector", "Too many"},
	{minimalPipeline, "a ttl that is too short", `spec: {ttlAfterFinished: 9m59s}`, "spec.ttlAfterFinished", "from 10m to 8760h"},
	{minimalPipeline, "a ttl that no Job takes", `spec: {ttlAfterFinished: 600000h}`, "spec.ttlAfterFinished", "from 10m to 8760h"},
	{minimalPipeline, "a ttl that is none", `spec: {ttlAfterFinished: never}`, "spec.ttlAfterFinished", "ttlAfterFinished"},
	{minimalPipeline, "a name of 64", `metadata: {name: ` + long(64) + `}`, "<nil>", "metadata.name: must be at most 63 characters"},

	{minimalStorage, "no spec", `spec: null`, "spec", "Required"},
	{minimalStorage, "nothing", `spec: {s3: null}`, "spec", "exactly one of s3 and persistentVolumeClaim must be set"},
	{minimalStorage, "two places", `spec: {persistentVolumeClaim: {claimName: media}}`, "spec", "exactly one of s3 and persistentVolumeClaim must be set"},
	{minimalStorage, "no provider", `spec: {s3: {provider: null}}`, "spec.s3.provider", "Required"},
	{minimalStorage, "another provider", `spec: {s3: {provider: Ceph}}`, "spec.s3.provider", "Unsupported value"},
	{minimalStorage, "no endpoint", `spec: {s3: {endpoint: null}}`, "spec.s3.endpoint", "only provider AWS has a default endpoint"},
	{minimalStorage, "an endpoint without a scheme", `spec: {s3: {endpoint: obs.example.com}}`, "spec.s3.endpoint", "should match"},
	{minimalStorage, "an endpoint of another scheme", `spec: {s3: {endpoint: "ftp://obs.example.com"}}`, "spec.s3.endpoint", "should match"},
	{minimalStorage, "an endpoint with a user", `spec: {s3: {endpoint: "https://a:b@obs.example.com"}}`, "spec.s3.endpoint", "should match"},
	{minimalStorage, "an endpoint with a path", `spec: {s3: {endpoint: "https://obs.example.com/a"}}`, "spec.s3.endpoint", "should match"},
	{minimalStorage, "a long endpoint", `spec: {s3: {endpoint: "https://` + long(512) + `"}}`, "spec.s3.endpoint", "512"},
	{minimalStorage, "a region with a slash", `spec: {s3: {region: cn/north}}`, "spec.s3.region", "should match"},
	{minimalStorage, "a long region", `spec: {s3: {region: ` + long(64) + `}}`, "spec.s3.region", "63"},
	{minimalStorage, "no bucket", `spec: {s3: {bucket: null}}`, "spec.s3.bucket", "Required"},
	{minimalStorage, "a short bucket", `spec: {s3: {bucket: ab}}`, "spec.s3.bucket", "at least 3 chars"},
	{minimalStorage, "a long bucket", `spec: {s3: {bucket: ` + long(64) + `}}`, "spec.s3.bucket", "63"},
	{minimalStorage, "a bucket in capitals", `spec: {s3: {bucket: Archive}}`, "spec.s3.bucket", "should match"},
	{minimalStorage, "a bucket and a path", `spec: {s3: {bucket: archive/a}}`, "spec.s3.bucket", "should match"},
	{minimalStorage, "an absolute prefix", `spec: {s3: {prefix: /a}}`, "spec.s3.prefix", "prefix must be relative"},
	{minimalStorage, "a prefix that climbs", `spec: {s3: {prefix: a/..}}`, "spec.s3.prefix", "prefix must be relative"},
	{minimalStorage, "a prefix with an empty part", `spec: {s3: {prefix: a//b}}`, "spec.s3.prefix", "prefix must be relative"},
	{minimalStorage, "a prefix with a backslash", `spec: {s3: {prefix: 'a\b'}}`, "spec.s3.prefix", "backslashes"},
	{minimalStorage, "a long prefix", `spec: {s3: {prefix: ` + long(513) + `}}`, "spec.s3.prefix", "512"},
	{minimalStorage, "no credentials", `spec: {s3: {credentialsSecretRef: null}}`, "spec.s3.credentialsSecretRef", "Required"},
	{minimalStorage, "credentials without a name", `spec: {s3: {credentialsSecretRef: {name: ""}}}`, "spec.s3.credentialsSecretRef.name", "at least 1 chars"},
	{minimalStorage, "a CA without a key", `spec: {s3: {caSecretRef: {name: ca}}}`, "spec.s3.caSecretRef.key", "Required"},
	{minimalStorage, "a volume without a claim", `spec: {s3: null, persistentVolumeClaim: {}}`, "spec.persistentVolumeClaim.claimName", "Required"},
	{minimalStorage, "a volume with an empty claim", `spec: {s3: null, persistentVolumeClaim: {claimName: ""}}`, "spec.persistentVolumeClaim.claimName", "at least 1 chars"},
	{minimalStorage, "a subPath that climbs", `spec: {s3: null, persistentVolumeClaim: {claimName: media, subPath: ../a}}`, "spec.persistentVolumeClaim.subPath", "subPath must be relative"},
	{minimalStorage, "an absolute subPath", `spec: {s3: null, persistentVolumeClaim: {claimName: media, subPath: /a}}`, "spec.persistentVolumeClaim.subPath", "subPath must be relative"},
	{minimalStorage, "a subPath with an empty part", `spec: {s3: null, persistentVolumeClaim: {claimName: media, subPath: a//b}}`, "spec.persistentVolumeClaim.subPath", "subPath must be relative"},
	{minimalStorage, "a subPath with a backslash", `spec: {s3: null, persistentVolumeClaim: {claimName: media, subPath: 'a\b'}}`, "spec.persistentVolumeClaim.subPath", "backslashes"},
	{minimalStorage, "a long subPath", `spec: {s3: null, persistentVolumeClaim: {claimName: media, subPath: ` + long(513) + `}}`, "spec.persistentVolumeClaim.subPath", "512"},
	{minimalStorage, "a name of 64", `metadata: {name: ` + long(64) + `}`, "<nil>", "metadata.name: must be at most 63 characters"},
}

func TestRefused(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	for _, c := range refused {
		made := object(t, namespace, c.base, c.patch)
		t.Run(made.GetKind()+"/"+c.name, func(t *testing.T) {
			wantRefusal(t, k8s.Create(t.Context(), made, client.DryRunAll), c.field, c.message)
		})
	}
}

// Objects as they are before a change.
const (
	reported = `spec: {taskIDs: [j], reported: {app: b, room: "b", stream: b, format: HLS, sizeBytes: 100, durationSeconds: 65, startTime: "2021-04-28T08:56:57Z", endTime: "2021-04-28T08:58:02Z", width: 640, height: 480}}`
	atURL    = `spec: {object: {bucket: null, key: null, url: "https://example.com/a.mp4"}}`
	started  = `spec: {app: b, room: b, stream: b, format: HLS, starts: {0123456789abcdef: "1"}}`
)

// changes are what is done to an object, and what comes of that. An empty field: the change is allowed.
var changes = map[string]struct{ base, before, change, field, message string }{
	"the source is another":             {minimalFile, ``, `spec: {sourceRef: {name: other}}`, "spec.sourceRef", "sourceRef is part of the file's identity and cannot change; delete the file and create it again"},
	"the bucket is another":             {minimalFile, ``, `spec: {object: {bucket: other}}`, "spec.object", "object is the file's identity and cannot change; delete the file and create it again"},
	"the key is another":                {minimalFile, ``, `spec: {object: {key: other}}`, "spec.object", "cannot change"},
	"the URL is another":                {minimalFile, atURL, `spec: {object: {url: "https://example.com/b"}}`, "spec.object", "cannot change"},
	"the URL becomes an object":         {minimalFile, atURL, `spec: {object: {bucket: abc, key: o.mp4, url: null}}`, "spec.object", "cannot change"},
	"the file is reported":              {minimalFile, ``, reported, "", ""},
	"the report is removed":             {minimalFile, reported, `spec: {reported: null}`, "spec.reported", "reported cannot be removed"},
	"the reported app is smaller":       {minimalFile, reported, `spec: {reported: {app: a}}`, "spec.reported.app", "to correct it, set spec.app"},
	"the reported app is removed":       {minimalFile, reported, `spec: {reported: {app: null}}`, "spec.reported.app", "the one that sorts last is kept"},
	"the reported room is smaller":      {minimalFile, reported, `spec: {reported: {room: a}}`, "spec.reported.room", "to correct it, set spec.room"},
	"the reported room is greater":      {minimalFile, reported, `spec: {reported: {room: "ä"}}`, "", ""},
	"the reported stream is smaller":    {minimalFile, reported, `spec: {reported: {stream: a}}`, "spec.reported.stream", "to correct it, set spec.stream"},
	"the reported format is smaller":    {minimalFile, reported, `spec: {reported: {format: AAC}}`, "spec.reported.format", "to correct it, set spec.format"},
	"the reported facts shrink":         {minimalFile, reported, `spec: {reported: {sizeBytes: 1, durationSeconds: 1, startTime: "2021-04-28T08:56:58Z", endTime: "2021-04-28T08:56:59Z", width: 1, height: 1}}`, "", ""},
	"the reported facts are removed":    {minimalFile, reported, `spec: {reported: {sizeBytes: null, durationSeconds: null, startTime: null, endTime: null, width: null, height: null}}`, "", ""},
	"the room is overridden":            {minimalFile, reported, `spec: {room: a, stream: a, app: a, format: MP4}`, "", ""},
	"the override is taken back":        {minimalFile, `spec: {room: b}`, `spec: {room: null}`, "", ""},
	"it is suspended":                   {minimalFile, reported, `spec: {suspend: true}`, "", ""},
	"another pipeline is chosen":        {minimalFile, `spec: {pipelineRef: {name: a}}`, `spec: {pipelineRef: {name: b}}`, "", ""},
	"the chosen pipeline is taken back": {minimalFile, `spec: {pipelineRef: {name: a}}`, `spec: {pipelineRef: null}`, "", ""},

	"the task's source is another": {minimalTask, ``, `spec: {sourceRef: {name: other}}`, "spec.sourceRef", "sourceRef is part of the task's identity and cannot change; delete the task and create it again"},
	"the task is another":          {minimalTask, ``, `spec: {taskID: other}`, "spec.taskID", "taskID is the task's identity and cannot change; delete the task and create it again"},
	"the task's app is smaller":    {minimalTask, started, `spec: {app: a}`, "spec.app", "of several values the one that sorts last is kept"},
	"the task's room is smaller":   {minimalTask, started, `spec: {room: a}`, "spec.room", "of several values the one that sorts last is kept"},
	"the task's room is removed":   {minimalTask, started, `spec: {room: null}`, "spec.room", "of several values the one that sorts last is kept"},
	"the task's stream is smaller": {minimalTask, started, `spec: {stream: a}`, "spec.stream", "of several values the one that sorts last is kept"},
	"the task's format is smaller": {minimalTask, started, `spec: {format: AAC}`, "spec.format", "of several values the one that sorts last is kept"},
	"the task's room is greater":   {minimalTask, started, `spec: {room: c}`, "", ""},
	"another file starts":          {minimalTask, started, `spec: {starts: {fedcba9876543210: "2"}}`, "", ""},
	"a start is removed":           {minimalTask, started, `spec: {starts: {0123456789abcdef: null, fedcba9876543210: "2"}}`, "spec.starts", "a start cannot be removed"},
	"all starts are removed":       {minimalTask, started, `spec: {starts: null}`, "spec.starts", "a start cannot be removed"},
	"the task ends":                {minimalTask, started, `spec: {ended: true}`, "", ""},
	"the task goes on after all":   {minimalTask, `spec: {ended: true}`, `spec: {ended: false}`, "spec.ended", "a task that ended stays ended"},
	"the end is removed":           {minimalTask, `spec: {ended: true}`, `spec: {ended: null}`, "spec.ended", "a task that ended stays ended"},
}

func TestChanges(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	for name, c := range changes {
		t.Run(name, func(t *testing.T) {
			file := object(t, namespace, c.base, c.before)
			file.SetName("")
			file.SetGenerateName("changed-")
			if err := k8s.Create(t.Context(), file); err != nil {
				t.Fatal(err)
			}
			changed := &unstructured.Unstructured{Object: merge(file.DeepCopy().Object, parse(t, c.change)).(map[string]any)}
			err := k8s.Update(t.Context(), changed)
			if c.field == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantRefusal(t, err, c.field, c.message)
		})
	}
}

// TestDefinitions_EveryRuleIsTested holds that each CEL rule of the definitions refuses something in the tables above.
func TestDefinitions_EveryRuleIsTested(t *testing.T) {
	t.Parallel()
	index := regexp.MustCompile(`\[\d+\]`)
	tested := func(kind, field, message string, isPrefix bool) bool {
		if strings.HasPrefix(message, "must not contain control characters") {
			return true // TestControlCharacters_AreRefusedInEveryText tries every text
		}
		for _, c := range refused {
			if strings.Contains(c.base, "kind: "+kind+"\n") && index.ReplaceAllString(c.field, "[]") == field &&
				(strings.Contains(message, c.message) || isPrefix && strings.HasPrefix(c.message, message)) {
				return true
			}
		}
		for _, c := range changes {
			if strings.Contains(c.base, "kind: "+kind+"\n") && c.field == field && c.message != "" && strings.Contains(message, c.message) {
				return true
			}
		}
		for _, c := range rejectedChanges {
			if kind == "RejectedCallback" && c.field == field && strings.Contains(message, c.message) {
				return true
			}
		}
		return false
	}
	var visit func(kind, path string, schema *apiextensionsv1.JSONSchemaProps)
	visit = func(kind, path string, schema *apiextensionsv1.JSONSchemaProps) {
		for _, rule := range schema.XValidations {
			path := strings.Replace(path, ".spec.finally[]", ".spec.steps[]", 1) // items of one type
			path = strings.Replace(path, ".spec.defaults.", ".spec.steps[].", 1)
			field := cmp.Or(strings.TrimPrefix(path+rule.FieldPath, "."), "<nil>")
			// A message that is made by an expression begins as the one that stands in for it.
			if !tested(kind, field, rule.Message, rule.MessageExpression != "") {
				t.Errorf("%s: nothing is refused for field %s with %q", kind, field, rule.Message)
			}
		}
		for name, property := range schema.Properties {
			visit(kind, path+"."+name, &property)
		}
		if schema.Items != nil {
			visit(kind, path+"[]", schema.Items.Schema)
		}
	}
	for kind, definition := range definitions(t) {
		visit(kind, "", definition.Spec.Versions[0].Schema.OpenAPIV3Schema)
	}
}

// TestDefinitions_StatusIsASubresource holds that the right to write a spec is no right to write a status.
func TestDefinitions_StatusIsASubresource(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	for _, base := range []string{minimalSource, minimalTask, minimalFile, minimalPipeline, minimalStorage} {
		made := object(t, namespace, base, `status: {observedGeneration: 7}`)
		if err := k8s.Create(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		if generation, found, _ := unstructured.NestedInt64(made.Object, "status", "observedGeneration"); found {
			t.Errorf("%s: status.observedGeneration %d was written with the spec", made.GetKind(), generation)
		}
		patch := client.RawPatch(types.MergePatchType, []byte(`{"status":{"observedGeneration":7}}`))
		if err := k8s.Status().Patch(t.Context(), made, patch); err != nil {
			t.Errorf("%s: %v", made.GetKind(), err)
		}
		if seen, _, _ := unstructured.NestedInt64(made.Object, "status", "observedGeneration"); seen != 7 {
			t.Errorf("%s: the status is not stored", made.GetKind())
		}
	}
}

// TestStatusRules holds what the API server checks of a status.
func TestStatusRules(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	file := object(t, namespace, minimalFile, ``)
	if err := k8s.Create(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	const condition = `{type: Ready, status: "True", reason: Succeeded, message: "", lastTransitionTime: "2026-01-01T00:00:00Z"}`
	for name, c := range map[string]struct{ status, field, message string }{
		"a condition twice":     {`{conditions: [` + condition + `, ` + condition + `]}`, "status.conditions[1]", "Duplicate value"},
		"a state of its own":    {`{steps: [{name: a, state: Lost}]}`, "status.steps[0].state", "Unsupported value"},
		"21 steps":              {`{steps: ` + list(21, "{name: s%d, state: Pending}") + `}`, "status.steps", "Too many"},
		"5 outputs":             {`{steps: [{name: a, state: Succeeded, outputs: ` + list(5, `{name: a%d}`) + `}]}`, "status.steps[0].outputs", "Too many"},
		"an output of nothing":  {`{steps: [{name: a, state: Succeeded, outputs: [{sizeBytes: 1}]}]}`, "status.steps[0].outputs[0].name", "Required"},
		"a long message":        {`{steps: [{name: a, state: Failed, message: ` + long(513) + `}]}`, "status.steps[0].message", "512"},
		"a manifest of nothing": {`{steps: [{name: a, state: Succeeded, manifest: {outputs: 1}}]}`, "status.steps[0].manifest.uri", "Required"},
		"17 findings":           {`{steps: [{name: a, state: Succeeded, integrity: {state: Damaged, checked: Structure, findings: ` + list(17, `{type: Corrupt, segment: %d}`) + `}}]}`, "status.steps[0].integrity.findings", "Too many"},
		"a finding of nothing":  {`{steps: [{name: a, state: Succeeded, integrity: {state: Intact, checked: Structure, findings: [{message: m}]}}]}`, "status.steps[0].integrity.findings[0].type", "Required"},
		"a long finding":        {`{steps: [{name: a, state: Succeeded, integrity: {state: Intact, checked: Structure, findings: [{type: Pause, message: ` + long(257) + `}]}}]}`, "status.steps[0].integrity.findings[0].message", "256"},
		"another integrity":     {`{steps: [{name: a, state: Succeeded, integrity: {state: Fine, checked: Structure}}]}`, "status.steps[0].integrity.state", "Unsupported value"},
		"another check":         {`{steps: [{name: a, state: Succeeded, integrity: {state: Intact, checked: Heard}}]}`, "status.steps[0].integrity.checked", "Unsupported value"},
		"25 notifications":      {`{notifications: ` + list(25, `{event: FileReady, run: %d, to: [a], time: "2026-01-01T00:00:00Z"}`) + `}`, "status.notifications", "Too many"},
		"another event":         {`{notifications: [{event: Lost, to: [a], time: "2026-01-01T00:00:00Z"}]}`, "status.notifications[0].event", "Unsupported value"},
		"an event to nobody":    {`{notifications: [{event: FileReady, to: [], time: "2026-01-01T00:00:00Z"}]}`, "status.notifications[0].to", "at least 1"},
		"a nameless pipeline":   {`{pipeline: {revision: r}}`, "status.pipeline.name", "Required"},
		"a pipeline's revision": {`{pipeline: {name: r}}`, "status.pipeline.revision", "Required"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := file.DeepCopy()
			changed.Object["status"] = parse(t, c.status)
			wantRefusal(t, k8s.Status().Update(t.Context(), changed, client.DryRunAll), c.field, c.message)
		})
	}
}

// TestDefinitions_UnknownFieldsAreNamed holds that a slip of the pen is told, as kubectl apply does it, and not swallowed.
func TestDefinitions_UnknownFieldsAreNamed(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	for base, patch := range map[string]string{
		minimalSource:   `spec: {callback: {key: k}}`,
		minimalFile:     `spec: {roomID: r}`,
		minimalTask:     `spec: {jobID: r}`,
		minimalPipeline: `spec: {parallelism: 3}`,
		minimalStorage:  `spec: {s3: {accessKey: k}}`,
	} {
		made := object(t, namespace, base, patch)
		err := k8s.Create(t.Context(), made, client.DryRunAll)
		if err == nil || !strings.Contains(err.Error(), "unknown field \"spec.") {
			t.Errorf("%s: got %v, want the unknown field named", made.GetKind(), err)
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	for name, c := range map[string]struct {
		base, patch string
		path        []string
		want        any
	}{
		"authentication": {minimalSource, ``, []string{"spec", "callback", "authentication"}, "Signature"},
		"None is kept":   {minimalSource, `spec: {callback: {authentication: None, keys: null}}`, []string{"spec", "callback", "authentication"}, "None"},
		"policy":         {minimalSource, `spec: {callback: {timestamp: {}}}`, []string{"spec", "callback", "timestamp", "policy"}, "Observe"},
		"tolerance":      {minimalSource, `spec: {callback: {timestamp: {}}}`, []string{"spec", "callback", "timestamp", "tolerance"}, "15m"},
		"no timestamp":   {minimalSource, ``, []string{"spec", "callback", "timestamp"}, nil},
		"retries":        {minimalPipeline, ``, []string{"spec", "steps", "0", "retries"}, nil},
		"timeout":        {minimalPipeline, ``, []string{"spec", "steps", "0", "timeout"}, nil},
		"path":           {minimalPipeline, ``, []string{"spec", "steps", "0", "output", "path"}, "{room}/{stream}/{start}-{file}/{step}/"},
		"ttl":            {minimalPipeline, ``, []string{"spec", "ttlAfterFinished"}, "24h"},
		"crf":            {minimalPipeline, step("transcode: {preset: H264, video: {}}"), []string{"spec", "steps", "0", "transcode", "video", "crf"}, int64(23)},
		"bit rate":       {minimalPipeline, step("transcode: {preset: H264, audio: {}}"), []string{"spec", "steps", "0", "transcode", "audio", "bitrateKbps"}, int64(128)},
		"picture format": {minimalPipeline, pictures("poster: true"), []string{"spec", "steps", "0", "thumbnails", "format"}, "JPEG"},
		"damage fails":   {minimalPipeline, step("transcode: {preset: H264}"), []string{"spec", "steps", "0", "transcode", "onDamage"}, "Fail"},
		"change":         {minimalPipeline, step("transcode: {preset: Remux}"), []string{"spec", "steps", "0", "transcode", "onChange"}, nil},
		"no video":       {minimalPipeline, step("transcode: {preset: H264}"), []string{"spec", "steps", "0", "transcode", "video"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			made := object(t, namespace, c.base, c.patch)
			if err := k8s.Create(t.Context(), made, client.DryRunAll); err != nil {
				t.Fatal(err)
			}
			if got := dig(made.Object, c.path); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s is %v, want %v", strings.Join(c.path, "."), got, c.want)
			}
		})
	}
}

// dig reads a value; the part 0 is the first item of a list.
func dig(value any, path []string) any {
	for _, part := range path {
		switch at := value.(type) {
		case map[string]any:
			value = at[part]
		case []any:
			value = at[0]
		default:
			return nil
		}
	}
	return value
}
