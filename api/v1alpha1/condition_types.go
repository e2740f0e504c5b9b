// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Condition types of every kind in this package. They follow the conventions of kstatus: an object is done when Ready
// is True, and needs a person when Stalled is True.
const (
	// ConditionReady sums the object up. For a RecordingFile its reason is the STATUS column.
	ConditionReady = "Ready"
	// ConditionStalled is True while nothing will go on without a person. It is absent otherwise.
	ConditionStalled = "Stalled"
	// ConditionFilesMissing is on a RecordingTask: True while files that began are not reported although the task is over.
	// It is absent otherwise.
	ConditionFilesMissing = "FilesMissing"
	// ConditionProcessed is on a RecordingFile: True once every step that is not optional succeeded.
	ConditionProcessed = "Processed"
	// ConditionIntact is on a RecordingFile once a step has read the recording, whether that step succeeded or failed:
	// True when every such step found that nothing is lost, False when one found damage (the message says the first of
	// it, with its time and segment), and Unknown when the bytes cannot decide it. It says nothing of whether processing
	// succeeded: a step with onDamage Publish, and every archive, succeeds with a damaged recording. It starts over when
	// the file has grown.
	ConditionIntact = "Intact"
	// ConditionPipelineChanged is on a RecordingFile whose spec.pipelineRef names another pipeline than the one that
	// processing began with. The edit changes nothing by itself: the message says how to run the other one.
	ConditionPipelineChanged = "PipelineChanged"
	// ConditionDiscovered is on a RecordingSource with spec.discovery: True while its bucket is searched without failure.
	ConditionDiscovered = "Discovered"
	// ConditionRegistered is on a RecordingSource with spec.service: True while SparkRTC has the source's callback URL and key.
	ConditionRegistered = "Registered"
	// ConditionNotificationsDelivered is on a RecordingSource with spec.notifications: True while every sink takes its events.
	ConditionNotificationsDelivered = "NotificationsDelivered"
)

// Reasons of a RecordingFile's Ready condition: the STATUS column.
const (
	// ReasonPending: the controller manager has not written a status yet. The API server fills it in.
	ReasonPending = "Pending"
	// ReasonQueued: the file is recorded and waits to be processed.
	ReasonQueued = "Queued"
	// ReasonProcessing: steps are running.
	ReasonProcessing = "Processing"
	// ReasonSucceeded: every step that is not optional succeeded.
	ReasonSucceeded = "Succeeded"
	// ReasonPartlySucceeded: every step that the file needs succeeded, but a step that is optional or in the background
	// failed; the message says which.
	ReasonPartlySucceeded = "PartlySucceeded"
	// ReasonFailed: a step failed for good, or processing cannot begin; Stalled says what a person can do.
	ReasonFailed = "Failed"
	// ReasonSkipped: no route matched, so nothing follows.
	ReasonSkipped = "Skipped"
	// ReasonSuspended: spec.suspend is true.
	ReasonSuspended = "Suspended"
	// ReasonWaitingForApproval is also of a step: it waits for a person; the message says what to decide, and how.
	ReasonWaitingForApproval = "WaitingForApproval"
)

// Reasons of a RecordingTask's Ready condition: the STATE column.
const (
	// ReasonRecording: the task goes on.
	ReasonRecording = "Recording"
	// ReasonEnded: the service reported the end of the task.
	ReasonEnded = "Ended"
	// ReasonSilent: the end was not reported, and no callback came for the source's spec.openTimeout. A late callback is
	// still taken.
	ReasonSilent = "Silent"
)

// Reasons of a RecordingTask's FilesMissing condition, and of the event on its RecordingSource.
const (
	// ReasonFilesMissing: fewer files were reported than began.
	ReasonFilesMissing = "FilesMissing"
)

// Reasons of a RecordingFile's Intact condition.
const (
	// ReasonIntact: every packet of the recording is there.
	ReasonIntact = "Intact"
	// ReasonDamaged: segments or packets are lost, or bytes are wrong. It is also the reason of the event that says so.
	ReasonDamaged = "Damaged"
	// ReasonUndecided: the bytes cannot decide whether something is lost, or could not be read.
	ReasonUndecided = "Undecided"
)

// ReasonPipelineRefChanged is the reason of ConditionPipelineChanged.
const ReasonPipelineRefChanged = "PipelineRefChanged"

// Reasons for which a RecordingFile cannot be processed until a person corrects something.
const (
	// ReasonSourceNotFound: spec.sourceRef names no RecordingSource.
	ReasonSourceNotFound = "SourceNotFound"
	// ReasonPipelineNotFound: the pipeline that the file or its route names does not exist.
	ReasonPipelineNotFound = "PipelineNotFound"
	// ReasonPipelineInvalid: the steps of the pipeline wait for each other.
	ReasonPipelineInvalid = "PipelineInvalid"
	// ReasonStorageLocationNotFound: a StorageLocation that is needed does not exist.
	ReasonStorageLocationNotFound = "StorageLocationNotFound"
	// ReasonBucketNotAllowed: the recording lies in a bucket that its source does not allow.
	ReasonBucketNotAllowed = "BucketNotAllowed"
	// ReasonHostNotAllowed: the recording's URL is at a host that its source does not allow.
	ReasonHostNotAllowed = "HostNotAllowed"
	// ReasonFormatUnsupported: a step cannot process the recording's format.
	ReasonFormatUnsupported = "FormatUnsupported"
	// ReasonInputMissing: the step that is the input has no output to work on.
	ReasonInputMissing = "InputMissing"
	// ReasonJobInvalid: the API server refuses the step's Job.
	ReasonJobInvalid = "JobInvalid"
	// ReasonTriggerRefused: the pipeline no longer names the account that a trigger began with.
	ReasonTriggerRefused = "TriggerRefused"
	// ReasonRerunInvalid: spec.rerun.from names no step of the pipeline.
	ReasonRerunInvalid = "RerunInvalid"
	// ReasonStepFailed: a step failed for good.
	ReasonStepFailed = "StepFailed"
)

// Reasons of a step that did not run. A kind of step may have others, for example NoVideo.
const (
	// ReasonTriggerInvalid: the object of a trigger cannot be made for this recording. The step failed.
	ReasonTriggerInvalid = "TriggerInvalid"
	// ReasonContainerInvalid: a param of a container cannot be given to it. The step failed.
	ReasonContainerInvalid = "ContainerInvalid"
	// ReasonConditionInvalid: the step's when cannot be evaluated for this recording. The step failed.
	ReasonConditionInvalid = "ConditionInvalid"
	// ReasonReused: the step succeeded in an earlier run, and was kept.
	ReasonReused = "Reused"
	// ReasonConditionFalse: the step's when is false.
	ReasonConditionFalse = "ConditionFalse"
	// ReasonDependencySkipped: a step that this one depends on was skipped.
	ReasonDependencySkipped = "DependencySkipped"
	// ReasonDependencyFailed: a step that this one depends on failed, or was skipped because another failed.
	ReasonDependencyFailed = "DependencyFailed"
)

// Reasons of a step of kind approve that has ended.
const (
	// ReasonApproved: a person approved it.
	ReasonApproved = "Approved"
	// ReasonRejected: a person rejected it. The step failed.
	ReasonRejected = "Rejected"
	// ReasonApprovalTimeout: nobody decided in time. The step failed or was skipped, as approve.onTimeout says.
	ReasonApprovalTimeout = "ApprovalTimeout"
)

// Reasons of a step that could start and is Queued: the limit that is reached.
const (
	// ReasonMaxActive: as many Jobs run as the manager's --max-active allows.
	ReasonMaxActive = "MaxActive"
	// ReasonMaxActivePerNamespace: as many Jobs run in the namespace as the manager's --max-active-per-namespace allows.
	ReasonMaxActivePerNamespace = "MaxActivePerNamespace"
	// ReasonSourceConcurrency: as many Jobs of the source's files run as its spec.concurrency allows.
	ReasonSourceConcurrency = "SourceConcurrency"
	// ReasonPipelineConcurrency: as many files run as the pipeline's spec.concurrency.files allows.
	ReasonPipelineConcurrency = "PipelineConcurrency"
	// ReasonStepConcurrency: as many Jobs of the step run as the pipeline's spec.concurrency.steps allows.
	ReasonStepConcurrency = "StepConcurrency"
	// ReasonLocalQueue: the Job waits in a LocalQueue until Kueue starts it.
	ReasonLocalQueue = "LocalQueue"
)

// Reasons of a step that waits for its pod to start. Others are Kubernetes' own, for example Unschedulable.
const (
	// ReasonPodNotCreated: the Job controller has created no pod: a quota, a limit range or an admission policy refuses it.
	ReasonPodNotCreated = "PodNotCreated"
	// ReasonImagePull: the node cannot pull the image.
	ReasonImagePull = "ImagePullBackOff"
	// ReasonStorageNotReady: the containers have not started, and a StorageLocation that the step uses is not Ready.
	ReasonStorageNotReady = "StorageNotReady"
	// ReasonContainersNotStarted: a node has accepted the pod, and its containers have not started.
	ReasonContainersNotStarted = "ContainersNotStarted"
	// ReasonPodTerminating: the pod was deleted, and its node does not confirm that it has ended.
	ReasonPodTerminating = "PodTerminating"
)

// Reasons of a RecordingSource's Ready condition.
const (
	// ReasonListening: callbacks can be verified, and every route can be evaluated.
	ReasonListening = "Listening"
	// ReasonSecretForbidden is also of a StorageLocation: the operator may not read Secrets in this namespace.
	ReasonSecretForbidden = "SecretForbidden"
	// ReasonKeyNotFound: a Secret or its key is missing.
	ReasonKeyNotFound = "KeyNotFound"
	// ReasonKeyInvalid: a key is not 32 to 64 characters long.
	ReasonKeyInvalid = "KeyInvalid"
	// ReasonScanned: the bucket was searched to its end. (Of the Discovered condition.)
	ReasonScanned = "Scanned"
	// ReasonScanFailed: the bucket could not be searched to its end; the message says why. It is tried again. (Of the
	// Discovered condition.)
	ReasonScanFailed = "ScanFailed"
	// ReasonRouteInvalid: the expression of a route is wrong; that route matches nothing.
	ReasonRouteInvalid = "RouteInvalid"
)

// Reasons of a RecordingSource's Registered condition. SecretForbidden and KeyInvalid are those of Ready; Unreachable,
// Unavailable and EndpointDenied those of a StorageLocation.
const (
	// ReasonRegistered: the service has the source's callback URL and key.
	ReasonRegistered = "Registered"
	// ReasonNotRegistered: nothing was registered yet; the message says what it waits for.
	ReasonNotRegistered = "NotRegistered"
	// ReasonDrifted: somebody changed the callback at the service; the message names the fields that differ.
	ReasonDrifted = "Drifted"
	// ReasonCredentialsMissing: the Secret with the access key or one of its keys is missing, or is for another endpoint or
	// public URL.
	ReasonCredentialsMissing = "CredentialsMissing"
	// ReasonKeyNotLabeled: the Secret with the callback key lacks the label recording.sparkrtc.dev/callback-key.
	ReasonKeyNotLabeled = "KeyNotLabeled"
	// ReasonAppTaken: an older source of the namespace registers the same app.
	ReasonAppTaken = "AppTaken"
	// ReasonRefused: the service does not accept the access key or the request.
	ReasonRefused = "Refused"
	// ReasonURLUnavailable: the service cannot reach the callback URL (RTC.00001018).
	ReasonURLUnavailable = "URLUnavailable"
)

// Reasons of a RecordingSource's NotificationsDelivered condition. KeyNotFound, KeyInvalid and SecretForbidden are those of
// Ready.
const (
	// ReasonDelivered: no event was refused since the last that a sink took.
	ReasonDelivered = "Delivered"
	// ReasonSinkNotAllowed: the sink's host is none of the manager's --notification-hosts, or lies in a denied network.
	ReasonSinkNotAllowed = "SinkNotAllowed"
	// ReasonExpressionInvalid: the when of a notification is wrong; that notification is never sent.
	ReasonExpressionInvalid = "ExpressionInvalid"
	// ReasonSinkUnreachable: there is no connection to a sink, it is not trusted, or there was no response in time.
	ReasonSinkUnreachable = "SinkUnreachable"
	// ReasonSinkRefused: a sink responded with another status than one of success.
	ReasonSinkRefused = "SinkRefused"
)

// ReasonNotificationGivenUp is the reason of the event on a RecordingSource that says that an event was not delivered and is
// not tried again.
const ReasonNotificationGivenUp = "NotificationGivenUp"

// Reasons of events on a RecordingSource about its callback key.
const (
	// ReasonKeyGenerated: there was no key, and the operator made one.
	ReasonKeyGenerated = "KeyGenerated"
	// ReasonKeyRotating: the next key is in the Secret.
	ReasonKeyRotating = "KeyRotating"
	// ReasonKeyRotated: the old key is removed.
	ReasonKeyRotated = "KeyRotated"
)

// Reasons of a RecordingPipeline's and a StorageLocation's Ready condition.
const (
	// ReasonValid: the pipeline can be run.
	ReasonValid = "Valid"
	// ReasonAvailable: the storage endpoint responded and the bucket exists, or the claim exists.
	ReasonAvailable = "Available"
	// ReasonCredentialsNotFound: the Secret with the credentials or one of its keys is missing.
	ReasonCredentialsNotFound = "CredentialsNotFound"
	// ReasonCANotFound: the Secret with the CA certificates or its key is missing, or holds no certificate.
	ReasonCANotFound = "CANotFound"
	// ReasonForbidden: the storage refuses the credentials.
	ReasonForbidden = "Forbidden"
	// ReasonBucketNotFound: the storage has no such bucket.
	ReasonBucketNotFound = "BucketNotFound"
	// ReasonUnreachable: there is no connection to the endpoint, or no response in time.
	ReasonUnreachable = "Unreachable"
	// ReasonEndpointDenied: the endpoint lies in a network that the operator does not connect to.
	ReasonEndpointDenied = "EndpointDenied"
	// ReasonCertificateNotTrusted: the endpoint's certificate is not accepted.
	ReasonCertificateNotTrusted = "CertificateNotTrusted"
	// ReasonRequestRejected: the endpoint responded, but not as an S3 server with this bucket does: spec.s3 does not fit it.
	ReasonRequestRejected = "RequestRejected"
	// ReasonUnavailable: the storage cannot serve requests now.
	ReasonUnavailable = "Unavailable"
	// ReasonClaimNotFound: the PersistentVolumeClaim is missing.
	ReasonClaimNotFound = "ClaimNotFound"
	// ReasonClaimLost: the PersistentVolumeClaim has lost its volume.
	ReasonClaimLost = "ClaimLost"
)

// Condition of RejectedCallbacks.
const (
	// ConditionReplayed says what came of a replay.
	ConditionReplayed = "Replayed"
)

// The reasons of the condition Replayed.
const (
	// ReasonReplayStored means that the callback is stored.
	ReasonReplayStored = "Stored"
	// ReasonReplayRefused means that the callback is still not acceptable.
	ReasonReplayRefused = "Refused"
	// ReasonReplayTruncated means that the body is not complete.
	ReasonReplayTruncated = "Truncated"
	// ReasonReplayRetrying means that the API server cannot store the callback now. The operator tries again.
	ReasonReplayRetrying = "Retrying"
)
