// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Preset is a way to make an MP4.
// +kubebuilder:validation:Enum=Remux;H264
type Preset string

const (
	// PresetRemux puts the packets into a faststart MP4 as they are; nothing is re-encoded.
	PresetRemux Preset = "Remux"
	// PresetH264 re-encodes to H.264 and AAC in a faststart MP4.
	PresetH264 Preset = "H264"
)

// Transcode makes an MP4 of a recording.
//
// +kubebuilder:validation:XValidation:rule="self.preset != 'Remux' || (!has(self.video) && !has(self.audio))",message="preset Remux re-encodes nothing and takes neither video nor audio; use preset H264"
// +kubebuilder:validation:XValidation:rule="self.preset == 'Remux' || !has(self.onChange)",message="onChange: applies to preset Remux only; preset H264 re-encodes the whole recording, whatever changes in it",fieldPath=".onChange"
type Transcode struct {
	// preset is Remux (nothing is re-encoded, quick and without loss) or H264 (re-encoded to H.264 and AAC).
	// +required
	Preset Preset `json:"preset"`

	// video settings of preset H264.
	// +optional
	Video *VideoSettings `json:"video,omitempty"`

	// audio settings of preset H264.
	// +optional
	Audio *AudioSettings `json:"audio,omitempty"`

	// onChange says what preset Remux does when the recording changes in a way that one MP4 track cannot hold: to another
	// codec, or to other parameters of the sound. Fail fails the step and says what changes and when. Reencode re-encodes
	// what has to be. Split publishes one MP4 for each stretch. Absent: Fail. A change of the picture's size needs no decision.
	// +optional
	OnChange ChangePolicy `json:"onChange,omitempty"`

	// onDamage says what happens when the recording is damaged: segments or packets are lost, or bytes are wrong. Fail
	// fails the step. Publish publishes what is there; the step's integrity and manifest.json say what is not.
	// Default: Fail.
	// +optional
	// +kubebuilder:default=Fail
	OnDamage DamagePolicy `json:"onDamage,omitempty"`

	// strict decodes the whole result before it is published, and fails the step when the integrity is Unknown, or when the
	// recording does not last as long as the service reported (DurationMismatch). Absent: false; then only recordings whose
	// findings give a reason are decoded.
	// +optional
	Strict bool `json:"strict,omitempty"`
}

// ChangePolicy says what happens when a recording changes in a way that one MP4 track cannot hold.
// +kubebuilder:validation:Enum=Fail;Reencode;Split
type ChangePolicy string

const (
	// ChangeFail fails the step.
	ChangeFail ChangePolicy = "Fail"
	// ChangeReencode re-encodes what has to be: the sound alone where the picture can stay.
	ChangeReencode ChangePolicy = "Reencode"
	// ChangeSplit publishes one MP4 for each stretch without such a change.
	ChangeSplit ChangePolicy = "Split"
)

// DamagePolicy says what happens when a recording is damaged.
// +kubebuilder:validation:Enum=Fail;Publish
type DamagePolicy string

const (
	// DamageFail fails the step.
	DamageFail DamagePolicy = "Fail"
	// DamagePublish publishes what is there, and says what is not.
	DamagePublish DamagePolicy = "Publish"
)

// VideoSettings of a re-encoded video.
type VideoSettings struct {
	// maxHeight in pixels: a higher picture is scaled down with its aspect ratio kept, a lower one stays as it is.
	// Absent: never scaled.
	// +optional
	// +kubebuilder:validation:Minimum=144
	// +kubebuilder:validation:Maximum=4320
	// +kubebuilder:validation:MultipleOf=2
	MaxHeight *int32 `json:"maxHeight,omitempty"`

	// crf is the constant rate factor of x264: 0 is lossless, 51 the worst.
	// Default: 23.
	// +optional
	// +kubebuilder:default=23
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=51
	CRF *int32 `json:"crf,omitempty"`
}

// AudioSettings of a re-encoded sound track.
type AudioSettings struct {
	// bitrateKbps is the bit rate of the AAC track in kilobits a second.
	// Default: 128.
	// +optional
	// +kubebuilder:default=128
	// +kubebuilder:validation:Minimum=16
	// +kubebuilder:validation:Maximum=512
	BitrateKbps *int32 `json:"bitrateKbps,omitempty"`
}

// Defaults of preset H264, as in the markers of the fields: the API server sets them where the struct is there at all.
const (
	defaultCRF       = int32(23)
	defaultAudioKbps = int32(128)
)

// Default sets what is not set, also in structs that are not there.
func (t *Transcode) Default() {
	if t.OnDamage == "" {
		t.OnDamage = DamageFail
	}
	if t.Preset != PresetH264 {
		if t.OnChange == "" {
			t.OnChange = ChangeFail
		}
		return
	}
	video, audio := VideoSettings{}, AudioSettings{}
	if t.Video != nil {
		video = *t.Video
	}
	if t.Audio != nil {
		audio = *t.Audio
	}
	if video.CRF == nil {
		video.CRF = new(defaultCRF)
	}
	if audio.BitrateKbps == nil {
		audio.BitrateKbps = new(defaultAudioKbps)
	}
	t.Video, t.Audio = &video, &audio
}
