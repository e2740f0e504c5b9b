// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Integrity says whether a recording is whole, how that was checked, and what was found. It is judged from all bytes of
// the recording, and the result of a step is compared with them before it is published.
type Integrity struct {
	// state is Intact (every packet of the recording is there, and in the result), Damaged (something is lost, or wrong;
	// findings say what and where), or Unknown (the bytes cannot decide it, or could not be read, for example because
	// they are encrypted).
	// +required
	State IntegrityState `json:"state"`

	// checked is Structure (every packet, its time, its size and its continuity were checked) or Decoded (every packet
	// was decoded as well).
	// +required
	Checked IntegrityCheck `json:"checked"`

	// packets of the recording that were read and accounted for. Silence and pictures that the step has inserted are not
	// counted.
	// +optional
	Packets PacketCounts `json:"packets,omitempty,omitzero"`

	// findings are at most 16: damage first, then those that leave open whether something is lost, then the others, such as
	// pauses and muted microphones; each in the order of the recording.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Findings []Finding `json:"findings,omitempty"`

	// more is the number of findings beyond those that are listed; 0: none.
	// +optional
	More int32 `json:"more,omitempty"`
}

// IntegrityState says whether a recording is whole.
// +kubebuilder:validation:Enum=Intact;Damaged;Unknown
type IntegrityState string

// States of a recording's integrity.
const (
	// IntegrityIntact: nothing is lost and nothing is wrong.
	IntegrityIntact IntegrityState = "Intact"
	// IntegrityDamaged: something is lost, or wrong.
	IntegrityDamaged IntegrityState = "Damaged"
	// IntegrityUnknown: the bytes cannot decide whether something is lost.
	IntegrityUnknown IntegrityState = "Unknown"
)

// IntegrityCheck says how thoroughly a recording was checked.
// +kubebuilder:validation:Enum=Structure;Decoded
type IntegrityCheck string

// Ways to check a recording.
const (
	// CheckedStructure: every packet, its time, its size and its continuity were checked, and nothing was decoded.
	CheckedStructure IntegrityCheck = "Structure"
	// CheckedDecoded: every packet was decoded as well.
	CheckedDecoded IntegrityCheck = "Decoded"
)

// PacketCounts counts the packets of the streams that are in the result by what they hold. A packet is one coded picture,
// or one frame of sound.
type PacketCounts struct {
	// video packets; 0 or absent: none.
	// +optional
	Video int64 `json:"video,omitempty"`
	// audio packets; 0 or absent: none.
	// +optional
	Audio int64 `json:"audio,omitempty"`
}

// Finding is one thing that was found in a recording, or several of one type that follow one another.
type Finding struct {
	// type of the finding: Pause, Freeze, Mute (usual in a call); ClockStep, LayoutChange, ParameterChange, StreamIgnored
	// (worth knowing); SegmentMissing, SegmentTruncated, SegmentDuplicated, SegmentForeign, OutOfOrder, PacketsLost,
	// Corrupt, TimestampOutlier, DecodeErrors (damage); DurationMismatch, Encrypted, UnknownTail, UnknownHole,
	// UnknownStreamAway (the bytes cannot decide whether something is lost). More types may be added.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Type FindingType `json:"type"`

	// segment that the finding lies in, or begins in, by its place in the playlist: the first is 0. Absent: the recording
	// is a single file, or the finding concerns it as a whole.
	// +optional
	Segment *int32 `json:"segment,omitempty"`

	// atMilliseconds is where the finding begins, in milliseconds from the beginning of the recording as it plays; 0 or
	// absent: at the beginning, or nowhere in particular.
	// +optional
	AtMilliseconds int64 `json:"atMilliseconds,omitempty"`

	// lengthMilliseconds is how long it lasts, or how much is lost, in milliseconds; 0 or absent: no time, or not known.
	// +optional
	LengthMilliseconds int64 `json:"lengthMilliseconds,omitempty"`

	// message says what was found and where, for a person; at most 256 bytes.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Message string `json:"message,omitempty"`
}

// MaxFindings is the most findings that an Integrity lists; more counts the others.
const MaxFindings = 16

// MaxFindingMessage is the longest message of a finding, in bytes.
const MaxFindingMessage = 256

// FindingType is a kind of finding.
type FindingType string

// Findings that are usual in a call.
const (
	// FindingPause: nothing was recorded for a while, neither picture nor sound.
	FindingPause FindingType = "Pause"
	// FindingFreeze: the picture stands still while the sound goes on.
	FindingFreeze FindingType = "Freeze"
	// FindingMute: there is no sound while the picture goes on.
	FindingMute FindingType = "Mute"
)

// Findings that are worth knowing, and no damage.
const (
	// FindingClockStep: the clock of the recording starts over, or jumps, for example after a reconnect.
	FindingClockStep FindingType = "ClockStep"
	// FindingLayoutChange: streams come, go, or move to other IDs.
	FindingLayoutChange FindingType = "LayoutChange"
	// FindingParameterChange: the codec, the picture's size or the sound's parameters change.
	FindingParameterChange FindingType = "ParameterChange"
	// FindingStreamIgnored: a stream is not in the result, for example subtitles or a second sound track.
	FindingStreamIgnored FindingType = "StreamIgnored"
)

// Findings that are damage: something of the recording is lost, or wrong.
const (
	// FindingSegmentMissing: a segment is not there, or is empty, or its line is missing from the playlist.
	FindingSegmentMissing FindingType = "SegmentMissing"
	// FindingSegmentTruncated: the beginning or the end of a segment is cut off.
	FindingSegmentTruncated FindingType = "SegmentTruncated"
	// FindingSegmentDuplicated: a segment has the same bytes as another one in whose place it cannot be, or packets stand in its file
	// twice.
	FindingSegmentDuplicated FindingType = "SegmentDuplicated"
	// FindingSegmentForeign: a segment belongs to another recording.
	FindingSegmentForeign FindingType = "SegmentForeign"
	// FindingOutOfOrder: segments are not in the order of their time.
	FindingOutOfOrder FindingType = "OutOfOrder"
	// FindingPacketsLost: packets within a segment, or between two, are lost.
	FindingPacketsLost FindingType = "PacketsLost"
	// FindingCorrupt: bytes are not what they must be.
	FindingCorrupt FindingType = "Corrupt"
	// FindingTimestampOutlier: a packet bears a time that cannot be.
	FindingTimestampOutlier FindingType = "TimestampOutlier"
	// FindingDecodeErrors: packets cannot be decoded without errors.
	FindingDecodeErrors FindingType = "DecodeErrors"
)

// Findings that leave open whether something is lost: the state is Unknown, unless there is damage too.
const (
	// FindingDurationMismatch: the recording does not last as long as the service reported. The end may be lost, or the
	// service has counted pauses, or clocks drift. It fails a step with strict.
	FindingDurationMismatch FindingType = "DurationMismatch"
	// FindingEncrypted: the media is encrypted and cannot be read.
	FindingEncrypted FindingType = "Encrypted"
	// FindingUnknownTail: the end may be cut off.
	FindingUnknownTail FindingType = "UnknownTail"
	// FindingUnknownHole: picture and sound stop together and come back, as in a pause or after a loss; or a segment or a key frame may be
	// lost there.
	FindingUnknownHole FindingType = "UnknownHole"
	// FindingUnknownStreamAway: one stream is away for exactly one or more segments.
	FindingUnknownStreamAway FindingType = "UnknownStreamAway"
	// FindingUnknownEncoding: the only picture or the only sound is in an encoding that is not known, and is not in the
	// result. It fails a step with strict.
	FindingUnknownEncoding FindingType = "UnknownEncoding"
)

// IsDamage says whether findings of this type mean that something of the recording is lost, or wrong. It is false for
// types that are not known.
func (t FindingType) IsDamage() bool {
	switch t {
	case FindingSegmentMissing, FindingSegmentTruncated, FindingSegmentDuplicated, FindingSegmentForeign, FindingOutOfOrder,
		FindingPacketsLost, FindingCorrupt, FindingTimestampOutlier, FindingDecodeErrors:
		return true
	default:
		return false
	}
}

// IsUndecided says whether findings of this type leave open whether something is lost. It is false for types that are
// not known.
func (t FindingType) IsUndecided() bool {
	switch t {
	case FindingDurationMismatch, FindingEncrypted, FindingUnknownTail, FindingUnknownHole, FindingUnknownStreamAway,
		FindingUnknownEncoding:
		return true
	default:
		return false
	}
}
