// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import "go.uber.org/zap/zapcore"

// deferred encodes the values of a logger when the first line is written with them. controller-runtime gives each
// reconcile a logger with five values, and most reconciles write no line: encoding them cost as much CPU time as the
// reconcile of a file that has to wait.
type deferred struct{ zapcore.Core }

func deferValues(core zapcore.Core) zapcore.Core { return deferred{core} }

// With implements zapcore.Core.
func (d deferred) With(values []zapcore.Field) zapcore.Core {
	return deferred{zapcore.NewLazyWith(d.Core, values)}
}
