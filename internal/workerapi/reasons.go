// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package workerapi

// Reasons of a Failure.
const (
	// ReasonInvalidStep: the StepSpec cannot be understood; the operator and the worker image do not match.
	ReasonInvalidStep = "InvalidStep"
	// ReasonNotFound: the recording is not where the callback said.
	ReasonNotFound = "NotFound"
	// ReasonSegmentMissing: the playlist names a segment that is not there, or is empty.
	ReasonSegmentMissing = "SegmentMissing"
	// ReasonForbidden: the storage refuses the credentials, or the host is not allowed.
	ReasonForbidden = "Forbidden"
	// ReasonInvalidPlaylist: the HLS playlist breaks the rules of RFC 8216 or names what may not be fetched.
	ReasonInvalidPlaylist = "InvalidPlaylist"
	// ReasonTooLarge: the recording is larger than the bound.
	ReasonTooLarge = "TooLarge"
	// ReasonNotMedia: the recording holds no media that ffmpeg can read.
	ReasonNotMedia = "NotMedia"
	// ReasonNoVideo: the step makes pictures, and the recording is sound alone.
	ReasonNoVideo = "NoVideo"
	// ReasonFramesMissing: the recording is damaged in another way than by a missing segment, and onDamage is Fail.
	ReasonFramesMissing = "FramesMissing"
	// ReasonRecordingChanged: the recording changes in a way that one MP4 track cannot hold, and onChange is Fail.
	ReasonRecordingChanged = "RecordingChanged"
	// ReasonDurationMismatch: the recording does not last as long as the service reported, and strict is true.
	ReasonDurationMismatch = "DurationMismatch"
	// ReasonNotVerified: it cannot be decided whether the recording is whole, and strict is true.
	ReasonNotVerified = "NotVerified"
	// ReasonResultDiffers: the result does not hold what the recording does, although the recording was read well: a
	// fault of the worker or of a disk.
	ReasonResultDiffers = "ResultDiffers"
	// ReasonOutOfMemory: the container, or a program in it, was killed because it needed more memory than it may have.
	ReasonOutOfMemory = "OutOfMemory"
	// ReasonUnsupported: the step cannot process this format.
	ReasonUnsupported = "Unsupported"
	// ReasonDestinationTaken: the folder holds the output of another recording.
	ReasonDestinationTaken = "DestinationTaken"
	// ReasonOutputMisplaced: the pod reported an output that is not below the step's destination.
	ReasonOutputMisplaced = "OutputMisplaced"
	// ReasonTranscodeFailed: ffmpeg failed.
	ReasonTranscodeFailed = "TranscodeFailed"
	// ReasonStorageUnavailable: the storage did not answer, or not in time.
	ReasonStorageUnavailable = "StorageUnavailable"
	// ReasonChecksumMismatch: what was written does not read back as it was sent.
	ReasonChecksumMismatch = "ChecksumMismatch"
	// ReasonInterrupted: the container was stopped.
	ReasonInterrupted = "Interrupted"
	// ReasonObjectInvalid: the API server refuses the object of a trigger, or its kind is not namespaced.
	ReasonObjectInvalid = "ObjectInvalid"
	// ReasonObjectTaken: an object of the name exists that the step did not create.
	ReasonObjectTaken = "ObjectTaken"
	// ReasonObjectDeleted: the object of a trigger was deleted before it was done.
	ReasonObjectDeleted = "ObjectDeleted"
	// ReasonObjectFailed: the object of a trigger has failed.
	ReasonObjectFailed = "ObjectFailed"
	// ReasonKindNotFound: the API server does not have the kind of a trigger's object.
	ReasonKindNotFound = "KindNotFound"
	// ReasonExpressionFailed: an expression of a trigger's wait cannot be evaluated on the object.
	ReasonExpressionFailed = "ExpressionFailed"
	// ReasonResultTooLarge: a result of a trigger or of a container is longer than a status takes.
	ReasonResultTooLarge = "ResultTooLarge"
	// ReasonContainerFailed: the image of a step of kind container ended with an exit code that is not 0.
	ReasonContainerFailed = "ContainerFailed"
	// ReasonContainerSkipped: the image of a step of kind container ended with ExitSkipped.
	ReasonContainerSkipped = "ContainerSkipped"
	// ReasonOutputUndeclared: a container has written a file that outputs or results do not declare, or something that is no
	// regular file.
	ReasonOutputUndeclared = "OutputUndeclared"
	// ReasonOutputMissing: a container has not written a file or a result that is declared.
	ReasonOutputMissing = "OutputMissing"
	// ReasonOutputUnreadable: a container has written a file that publish may not read.
	ReasonOutputUnreadable = "OutputUnreadable"
	// ReasonResultInvalid: a container has written a result that is no UTF-8 text.
	ReasonResultInvalid = "ResultInvalid"
	// ReasonAPIUnavailable: the API server did not answer, or refuses for a moment.
	ReasonAPIUnavailable = "APIUnavailable"
	// ReasonNotStarted: the pod's containers had not started when its time was over. The operator says it, not the worker.
	ReasonNotStarted = "NotStarted"
	// ReasonInternal: anything else.
	ReasonInternal = "Internal"
)
