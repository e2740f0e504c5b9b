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
metadata: {name: film}
spec:
  sourceRef: {name: classroom}
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

// step is a pipeline of one step, named mp4, that transcodes unless the fields say otherwise.
func step(fields string) string {
	if !strings.Contains(fields, "transcode:") && !strings.Contains(fields, "archive:") {
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

// steps is a pipeline of archive steps, each with fields of its own, that publish to folders of their own.
func steps(fields ...string) string {
	var b strings.Builder
	b.WriteString("spec: {steps: [")
	for _, f := range fields {
		fmt.Fprintf(&b, "{transcode: {preset: Remux}, output: {storageRef: {name: archive}}, %s},", f)
	}
	return b.String() + "]}"
}

func long(n int) string { return strings.Repeat("a", n) }

func list(n int, format string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(format, i)
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// allowed are objects at the edge of the rules.
var allowed = map[string]map[string]string{
	minimalSource: {
		"the smallest":           ``,
		"every field":            `spec: {appID: app, storageRef: {name: obs}, allowedBuckets: [abc-rtc], allowedHosts: ["media.example.com:8443"], callback: {authentication: Signature, timestamp: {policy: Enforce, tolerance: 24h}}, routes: [{when: "recording.format == 'HLS'", pipelineRef: {name: lecture}}, {pipelineRef: {name: plain}}]}`,
		"no keys with None":      `spec: {callback: {authentication: None, keys: null}}`,
		"an empty list of keys":  `spec: {callback: {authentication: None, keys: []}}`,
		"four keys":              `spec: {callback: {keys: ` + list(4, "{secretRef: {name: s, key: k%d}}") + `}}`,
		"a tolerance of seconds": `spec: {callback: {timestamp: {tolerance: 1s}}}`,
		"open for a month":       `spec: {openTimeout: 720h}`,
		"a sweep of defaults":    `spec: {storageRef: {name: obs}, sweep: {}}`,
		"every field of a sweep": `spec: {storageRef: {name: obs}, sweep: {interval: 1m, prefix: Record/, minAge: 168h}}`,
		"a rate limit":           `spec: {callback: {rateLimit: {callbacksPerSecond: 5, burst: 5}}}`,
		"a burst alone":          `spec: {callback: {rateLimit: {burst: 200000}}}`,
		"32 routes":              `spec: {routes: ` + list(32, "{pipelineRef: {name: p%d}}") + `}`,
		"a name of 63":           `metadata: {name: ` + long(63) + `}`,
	},
	minimalFile: {
		"the smallest":          ``,
		"every field":           `spec: {appID: a, jobID: j, roomID: "房间 01/é", streamName: "教室-一班_张三", format: HLS, jobOver: true, suspend: true, pipelineRef: {name: lecture}, file: {downloadURL: "https://example.com/a.m3u8", sizeBytes: 1125899906842624, durationSeconds: 2147483647, startTime: "2021-04-28T08:56:57Z", endTime: "2021-04-28T08:58:02Z", width: 65536, height: 0, obs: {location: "http://obs.example.com", bucket: b, object: "a/a.m3u8"}}}`,
		"an object alone":       `spec: {file: {obs: {bucket: b, object: o}}}`,
		"a URL alone":           `spec: {file: {downloadURL: "https://example.com/a.mp4"}}`,
		"a format of tomorrow":  `spec: {format: WEBM}`,
		"characters, not bytes": `spec: {roomID: "` + strings.Repeat("教", 256) + `"}`,
		"a name of 63":          `metadata: {name: ` + long(63) + `}`,
	},
	minimalPipeline: {
		"the smallest":            ``,
		"every field":             step(`name: mp4, transcode: {preset: H264, video: {maxHeight: 720, crf: 0}, audio: {bitrateKbps: 16}, onDamage: Publish, strict: true}, retries: 0, timeout: 168h, resources: {limits: {cpu: "2", memory: 2Gi}}, nodeSelector: {disk: fast}, tolerations: [{key: media, operator: Exists}], optional: true, output: {storageRef: {name: archive}, path: "{namespace}/{source}/{app}/{job}/{room}/{stream}/{format}/{file}/{step}/{start}/{date}/"}`),
		"every field of Remux":    step(`transcode: {preset: Remux, onChange: Split, onDamage: Fail, strict: true}`),
		"steps in any order":      steps("name: b, dependsOn: [a]", "name: a", "name: c, input: {step: b}"),
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
	{minimalSource, "open for ever", `spec: {openTimeout: 721h}`, "spec.openTimeout", "at least 1m and at most 720h"},
	{minimalSource, "a sweep of nothing", `spec: {sweep: {}}`, "spec.sweep", "needs storageRef"},
	{minimalSource, "a hasty sweep", `spec: {storageRef: {name: obs}, sweep: {interval: 59s}}`, "spec.sweep.interval", "at least 1m and at most 168h"},
	{minimalSource, "a lazy sweep", `spec: {storageRef: {name: obs}, sweep: {interval: 169h}}`, "spec.sweep.interval", "at least 1m and at most 168h"},
	{minimalSource, "a sweep of young objects", `spec: {storageRef: {name: obs}, sweep: {minAge: 0s}}`, "spec.sweep.minAge", "at least 1m and at most 168h"},
	{minimalSource, "a sweep of old objects", `spec: {storageRef: {name: obs}, sweep: {minAge: 169h}}`, "spec.sweep.minAge", "at least 1m and at most 168h"},
	{minimalSource, "a prefix with a slash", `spec: {storageRef: {name: obs}, sweep: {prefix: /Record}}`, "spec.sweep.prefix", "must not begin with a slash"},
	{minimalSource, "a long prefix", `spec: {storageRef: {name: obs}, sweep: {prefix: ` + long(1025) + `}}`, "spec.sweep.prefix", "1024"},
	{minimalSource, "an empty app", `spec: {appID: ""}`, "spec.appID", "at least 1 chars"},
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
	{minimalFile, "no source", `spec: {sourceRef: null, appID: a}`, "spec.sourceRef", "Required"},
	{minimalFile, "an empty source", `spec: {sourceRef: {name: ""}}`, "spec.sourceRef.name", "at least 1 chars"},
	{minimalFile, "a long app", `spec: {appID: ` + long(129) + `}`, "spec.appID", "128"},
	{minimalFile, "a long job", `spec: {jobID: ` + long(129) + `}`, "spec.jobID", "128"},
	{minimalFile, "a long room", `spec: {roomID: ` + long(257) + `}`, "spec.roomID", "256"},
	{minimalFile, "a long stream", `spec: {streamName: ` + long(257) + `}`, "spec.streamName", "256"},
	{minimalFile, "a long format", `spec: {format: ` + long(33) + `}`, "spec.format", "32"},
	{minimalFile, "an empty pipelineRef", `spec: {pipelineRef: {}}`, "spec.pipelineRef.name", "Required"},
	{minimalFile, "facts of nothing", `spec: {file: {sizeBytes: 1}}`, "spec.file", "obs or downloadURL must say where the file lies"},
	{minimalFile, "an empty URL", `spec: {file: {downloadURL: ""}}`, "spec.file.downloadURL", "at least 1 chars"},
	{minimalFile, "a long URL", `spec: {file: {downloadURL: ` + long(4097) + `}}`, "spec.file.downloadURL", "4096"},
	{minimalFile, "a bucket without an object", `spec: {file: {obs: {bucket: b}}}`, "spec.file.obs.object", "Required"},
	{minimalFile, "an object without a bucket", `spec: {file: {obs: {object: o}}}`, "spec.file.obs.bucket", "Required"},
	{minimalFile, "an empty bucket", `spec: {file: {obs: {bucket: "", object: o}}}`, "spec.file.obs.bucket", "at least 1 chars"},
	{minimalFile, "a long bucket", `spec: {file: {obs: {bucket: ` + long(256) + `, object: o}}}`, "spec.file.obs.bucket", "255"},
	{minimalFile, "an empty object", `spec: {file: {obs: {bucket: b, object: ""}}}`, "spec.file.obs.object", "at least 1 chars"},
	{minimalFile, "a long object", `spec: {file: {obs: {bucket: b, object: ` + long(1025) + `}}}`, "spec.file.obs.object", "1024"},
	{minimalFile, "a long location", `spec: {file: {obs: {bucket: b, object: o, location: ` + long(1025) + `}}}`, "spec.file.obs.location", "1024"},
	{minimalFile, "a negative size", `spec: {file: {downloadURL: u, sizeBytes: -1}}`, "spec.file.sizeBytes", "greater than or equal to 0"},
	{minimalFile, "a size of more than a pebibyte", `spec: {file: {downloadURL: u, sizeBytes: 1125899906842625}}`, "spec.file.sizeBytes", "less than or equal to 1125899906842624"},
	{minimalFile, "a duration of centuries", `spec: {file: {downloadURL: u, durationSeconds: 2147483648}}`, "spec.file.durationSeconds", "less than or equal to 2147483647"},
	{minimalFile, "a negative duration", `spec: {file: {downloadURL: u, durationSeconds: -1}}`, "spec.file.durationSeconds", "greater than or equal to 0"},
	{minimalFile, "a negative width", `spec: {file: {downloadURL: u, width: -1}}`, "spec.file.width", "greater than or equal to 0"},
	{minimalFile, "a huge width", `spec: {file: {downloadURL: u, width: 65537}}`, "spec.file.width", "less than or equal to 65536"},
	{minimalFile, "a negative height", `spec: {file: {downloadURL: u, height: -1}}`, "spec.file.height", "greater than or equal to 0"},
	{minimalFile, "a huge height", `spec: {file: {downloadURL: u, height: 65537}}`, "spec.file.height", "less than or equal to 65536"},
	{minimalFile, "a start that is no time", `spec: {file: {downloadURL: u, startTime: yesterday}}`, "spec.file.startTime", "date-time"},
	{minimalFile, "an end that is no time", `spec: {file: {downloadURL: u, endTime: tomorrow}}`, "spec.file.endTime", "date-time"},
	{minimalFile, "a name of 64", `metadata: {name: ` + long(64) + `}`, "<nil>", "metadata.name: must be at most 63 characters"},

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
	{minimalPipeline, "a step that does nothing", `spec: {steps: [{name: a, output: {storageRef: {name: archive}}}]}`, "spec.steps[0]", "exactly one of transcode and archive must be set"},
	{minimalPipeline, "a step that does two things", step("transcode: {preset: Remux}, archive: {}"), "spec.steps[0]", "exactly one of transcode and archive must be set"},
	{minimalPipeline, "an archive with an input", `spec: {steps: [{name: a, archive: {}, output: {storageRef: {name: archive}}}, {name: b, archive: {}, input: {step: a}, output: {storageRef: {name: archive}}}]}`, "spec.steps[1].input", "takes no input"},
	{minimalPipeline, "no preset", step("transcode: {}"), "spec.steps[0].transcode.preset", "Required"},
	{minimalPipeline, "another preset", step("transcode: {preset: AV1}"), "spec.steps[0].transcode.preset", "Unsupported value"},
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
	{minimalPipeline, "dependsOn a stranger", steps("name: a, dependsOn: [b]"), "spec.steps", "dependsOn must name other steps"},
	{minimalPipeline, "dependsOn itself", steps("name: a, dependsOn: [a]"), "spec.steps", "dependsOn must name other steps"},
	{minimalPipeline, "dependsOn twice", steps("name: a", "name: b, dependsOn: [a, a]"), "spec.steps[1].dependsOn[1]", "Duplicate value"},
	{minimalPipeline, "an input from a stranger", steps("name: a, input: {step: b}"), "spec.steps", "input.step must name another step"},
	{minimalPipeline, "an input from itself", steps("name: a, input: {step: a}"), "spec.steps", "input.step must name another step"},
	{minimalPipeline, "an input without a step", steps("name: a, input: {}"), "spec.steps[0].input.step", "Required"},
	{minimalPipeline, "no output", `spec: {steps: [{name: a, archive: {}}]}`, "spec.steps[0].output", "Required"},
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

// RecordingFiles as they are before a change.
const (
	identified = `spec: {appID: a, jobID: j, roomID: r, streamName: s, format: HLS}`
	inBucket   = `spec: {file: {downloadURL: "https://example.com/a?sign=1", sizeBytes: 100, durationSeconds: 65, startTime: "2021-04-28T08:56:57Z", endTime: "2021-04-28T08:58:02Z", width: 640, height: 480, obs: {location: "http://obs.example.com", bucket: b, object: o}}}`
	atURL      = `spec: {file: {downloadURL: "https://example.com/a"}}`
)

// changes are what is done to a RecordingFile, and what comes of that. An empty field: the change is allowed.
var changes = map[string]struct{ before, change, field, message string }{
	"the source is another":             {``, `spec: {sourceRef: {name: other}}`, "spec.sourceRef", "cannot change"},
	"the app is another":                {identified, `spec: {appID: b}`, "spec.appID", "cannot change"},
	"the app is removed":                {identified, `spec: {appID: null}`, "spec.appID", "cannot change"},
	"the job is another":                {identified, `spec: {jobID: b}`, "spec.jobID", "cannot change"},
	"the job is removed":                {identified, `spec: {jobID: null}`, "spec.jobID", "cannot change"},
	"the room is another":               {identified, `spec: {roomID: b}`, "spec.roomID", "cannot change"},
	"the room is removed":               {identified, `spec: {roomID: null}`, "spec.roomID", "cannot change"},
	"the stream is another":             {identified, `spec: {streamName: b}`, "spec.streamName", "cannot change"},
	"the stream is removed":             {identified, `spec: {streamName: null}`, "spec.streamName", "cannot change"},
	"the format is another":             {identified, `spec: {format: MP4}`, "spec.format", "cannot change"},
	"the format is removed":             {identified, `spec: {format: null}`, "spec.format", "cannot change"},
	"what was unknown is set":           {``, identified, "", ""},
	"the file is reported":              {identified, inBucket, "", ""},
	"the file is removed":               {inBucket, `spec: {file: null}`, "spec.file", "cannot be removed"},
	"the bucket is another":             {inBucket, `spec: {file: {obs: {bucket: other}}}`, "spec.file.obs", "the file's object cannot change"},
	"the object is another":             {inBucket, `spec: {file: {obs: {object: other}}}`, "spec.file.obs", "the file's object cannot change"},
	"the object is removed":             {inBucket, `spec: {file: {obs: null}}`, "spec.file.obs", "the file's object cannot change"},
	"the location is another":           {inBucket, `spec: {file: {obs: {location: "http://obs.example.org"}}}`, "", ""},
	"the URL beside an object":          {inBucket, `spec: {file: {downloadURL: "https://example.com/a?sign=2"}}`, "", ""},
	"the URL beside an object goes":     {inBucket, `spec: {file: {downloadURL: null}}`, "", ""},
	"the URL alone is another":          {atURL, `spec: {file: {downloadURL: "https://example.com/b"}}`, "spec.file.downloadURL", "the file's URL cannot change"},
	"a URL becomes an object":           {atURL, `spec: {file: {obs: {bucket: b, object: o}}}`, "spec.file.downloadURL", "the file's URL cannot change"},
	"a URL is replaced by an object":    {atURL, `spec: {file: {downloadURL: null, obs: {bucket: b, object: o}}}`, "spec.file.downloadURL", "the file's URL cannot change"},
	"the size shrinks":                  {inBucket, `spec: {file: {sizeBytes: 99}}`, "spec.file.sizeBytes", "only grows"},
	"the size is removed":               {inBucket, `spec: {file: {sizeBytes: null}}`, "spec.file.sizeBytes", "only grows"},
	"the duration shrinks":              {inBucket, `spec: {file: {durationSeconds: 64}}`, "spec.file.durationSeconds", "only grows"},
	"the duration is removed":           {inBucket, `spec: {file: {durationSeconds: null}}`, "spec.file.durationSeconds", "only grows"},
	"the end is earlier":                {inBucket, `spec: {file: {endTime: "2021-04-28T08:58:01Z"}}`, "spec.file.endTime", "only grows"},
	"the end is removed":                {inBucket, `spec: {file: {endTime: null}}`, "spec.file.endTime", "only grows"},
	"the start is later":                {inBucket, `spec: {file: {startTime: "2021-04-28T08:56:58Z"}}`, "spec.file.startTime", "only grows"},
	"the start is removed":              {inBucket, `spec: {file: {startTime: null}}`, "spec.file.startTime", "only grows"},
	"the width shrinks":                 {inBucket, `spec: {file: {width: 639}}`, "spec.file.width", "only grows"},
	"the height shrinks":                {inBucket, `spec: {file: {height: 479}}`, "spec.file.height", "only grows"},
	"everything grows":                  {inBucket, `spec: {file: {sizeBytes: 101, durationSeconds: 66, startTime: "2021-04-28T08:56:56Z", endTime: "2021-04-28T08:58:03Z", width: 1280, height: 720}}`, "", ""},
	"the same end in another zone":      {inBucket, `spec: {file: {endTime: "2021-04-28T16:58:02+08:00"}}`, "", ""},
	"what was not reported is":          {atURL, `spec: {file: {sizeBytes: 1, durationSeconds: 1, startTime: "2021-04-28T08:56:56Z", endTime: "2021-04-28T08:58:03Z", width: 2, height: 2}}`, "", ""},
	"the job is over":                   {``, `spec: {jobOver: true}`, "", ""},
	"the job is not over after all":     {`spec: {jobOver: true}`, `spec: {jobOver: null, file: {obs: {bucket: b, object: o}}}`, "", ""},
	"it is suspended":                   {inBucket, `spec: {suspend: true}`, "", ""},
	"another pipeline is chosen":        {`spec: {pipelineRef: {name: a}}`, `spec: {pipelineRef: {name: b}}`, "", ""},
	"the chosen pipeline is taken back": {`spec: {pipelineRef: {name: a}}`, `spec: {pipelineRef: null}`, "", ""},
}

func TestChanges(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	for name, c := range changes {
		t.Run(name, func(t *testing.T) {
			file := object(t, namespace, minimalFile, c.before)
			file.SetName("")
			file.SetGenerateName("film-")
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

// TestEveryRuleIsTested holds that each CEL rule of the definitions refuses something in the tables above.
func TestEveryRuleIsTested(t *testing.T) {
	t.Parallel()
	index := regexp.MustCompile(`\[\d+\]`)
	tested := func(kind, field, message string) bool {
		for _, c := range refused {
			if strings.Contains(c.base, "kind: "+kind+"\n") && index.ReplaceAllString(c.field, "[]") == field && strings.Contains(message, c.message) {
				return true
			}
		}
		for _, c := range changes {
			if kind == "RecordingFile" && c.field == field && strings.Contains(message, c.message) {
				return true
			}
		}
		return false
	}
	var visit func(kind, path string, schema *apiextensionsv1.JSONSchemaProps)
	visit = func(kind, path string, schema *apiextensionsv1.JSONSchemaProps) {
		for _, rule := range schema.XValidations {
			field := cmp.Or(strings.TrimPrefix(path+rule.FieldPath, "."), "<nil>")
			if !tested(kind, field, rule.Message) {
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

// TestStatusIsASubresource holds that the right to write a spec is no right to write a status.
func TestStatusIsASubresource(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	for _, base := range []string{minimalSource, minimalFile, minimalPipeline, minimalStorage} {
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
		"a step twice":          {`{steps: [{name: a, state: Pending}, {name: a, state: Failed}]}`, "status.steps[1]", "Duplicate value"},
		"a state of its own":    {`{steps: [{name: a, state: Lost}]}`, "status.steps[0].state", "Unsupported value"},
		"17 steps":              {`{steps: ` + list(17, "{name: s%d, state: Pending}") + `}`, "status.steps", "Too many"},
		"65 outputs":            {`{steps: [{name: a, state: Succeeded, outputs: ` + list(65, `{uri: "s3://b/%d"}`) + `}]}`, "status.steps[0].outputs", "Too many"},
		"an output of nothing":  {`{steps: [{name: a, state: Succeeded, outputs: [{sizeBytes: 1}]}]}`, "status.steps[0].outputs[0].uri", "Required"},
		"a long message":        {`{steps: [{name: a, state: Failed, message: ` + long(1025) + `}]}`, "status.steps[0].message", "1024"},
		"17 findings":           {`{steps: [{name: a, state: Succeeded, integrity: {state: Damaged, checked: Structure, findings: ` + list(17, `{type: Corrupt, segment: %d}`) + `}}]}`, "status.steps[0].integrity.findings", "Too many"},
		"a finding of nothing":  {`{steps: [{name: a, state: Succeeded, integrity: {state: Intact, checked: Structure, findings: [{message: m}]}}]}`, "status.steps[0].integrity.findings[0].type", "Required"},
		"a long finding":        {`{steps: [{name: a, state: Succeeded, integrity: {state: Intact, checked: Structure, findings: [{type: Pause, message: ` + long(257) + `}]}}]}`, "status.steps[0].integrity.findings[0].message", "256"},
		"another integrity":     {`{steps: [{name: a, state: Succeeded, integrity: {state: Fine, checked: Structure}}]}`, "status.steps[0].integrity.state", "Unsupported value"},
		"another check":         {`{steps: [{name: a, state: Succeeded, integrity: {state: Intact, checked: Heard}}]}`, "status.steps[0].integrity.checked", "Unsupported value"},
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

// TestUnknownFieldsAreNamed holds that a slip of the pen is told, as kubectl apply does it, and not swallowed.
func TestUnknownFieldsAreNamed(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	for base, patch := range map[string]string{
		minimalSource:   `spec: {callback: {key: k}}`,
		minimalFile:     `spec: {room: r}`,
		minimalPipeline: `spec: {concurrency: 3}`,
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
		"retries":        {minimalPipeline, ``, []string{"spec", "steps", "0", "retries"}, int64(3)},
		"timeout":        {minimalPipeline, ``, []string{"spec", "steps", "0", "timeout"}, "6h"},
		"path":           {minimalPipeline, ``, []string{"spec", "steps", "0", "output", "path"}, "{room}/{stream}/{start}-{file}/{step}/"},
		"ttl":            {minimalPipeline, ``, []string{"spec", "ttlAfterFinished"}, "24h"},
		"crf":            {minimalPipeline, step("transcode: {preset: H264, video: {}}"), []string{"spec", "steps", "0", "transcode", "video", "crf"}, int64(23)},
		"bit rate":       {minimalPipeline, step("transcode: {preset: H264, audio: {}}"), []string{"spec", "steps", "0", "transcode", "audio", "bitrateKbps"}, int64(128)},
		"damage fails":   {minimalPipeline, step("transcode: {preset: H264}"), []string{"spec", "steps", "0", "transcode", "onDamage"}, "Fail"},
		"change":         {minimalPipeline, step("transcode: {preset: Remux}"), []string{"spec", "steps", "0", "transcode", "onChange"}, nil},
		"no video":       {minimalPipeline, step("transcode: {preset: H264}"), []string{"spec", "steps", "0", "transcode", "video"}, nil},
		"jobOver":        {minimalFile, ``, []string{"spec", "jobOver"}, nil},
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
