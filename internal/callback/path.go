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

package callback

// PathPrefix is what the paths begin with at which the operator takes callbacks.
const PathPrefix = "/callbacks/"

// Path is where the operator takes the callbacks of a RecordingSource.
func Path(namespace, source string) string { return PathPrefix + namespace + "/" + source }
