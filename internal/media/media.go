// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package media holds the values that describe a recording's bytes: files, their streams, and the packets of each
// stream. Readers (mpegts, mp4, packedaudio) fill them; the timeline, the muxer and the comparison work on them.
package media

// Clock is the number of ticks in a second. All times in this package are ticks of this clock, which is that of
// MPEG-TS (ISO/IEC 13818-1). A time of another clock is rounded to the nearest tick once, by the reader.
const Clock = 90_000

// Kind says what a stream is for.
type Kind uint8

// Kinds of streams. Data is everything that is neither picture nor sound, for example timed metadata or subtitles.
const (
	Data Kind = iota
	Video
	Audio
)

// String is the kind for a person.
func (k Kind) String() string {
	switch k {
	case Video:
		return "video"
	case Audio:
		return "audio"
	default:
		return "data"
	}
}

// Codec names an encoding as ffmpeg does, for example "h264". An encoding that is not known has the name of its MP4
// sample entry, or "stream type 0x42" in MPEG-TS.
type Codec string

// Codecs that readers and muxers treat in a way of their own. Readers may report others.
const (
	H264  Codec = "h264"
	HEVC  Codec = "hevc"
	MPEG2 Codec = "mpeg2video"
	MPEG4 Codec = "mpeg4"
	VP8   Codec = "vp8"
	VP9   Codec = "vp9"
	AV1   Codec = "av1"
	MJPEG Codec = "mjpeg"
	AAC   Codec = "aac"
	MP2   Codec = "mp2"
	MP3   Codec = "mp3"
	Opus  Codec = "opus"
	AC3   Codec = "ac3"
	EAC3  Codec = "eac3"
	// Encrypted samples cannot be read without a key, whatever they are.
	Encrypted Codec = "encrypted"
)

// Params is what a decoder has to know before it decodes packets. Packets whose Params have equal Entry decode alike.
type Params struct {
	// Codec of the packets.
	Codec Codec
	// Entry is the MP4 sample entry, a whole box such as avc1 with its avcC; empty when packets of this stream cannot
	// be put into an MP4.
	Entry []byte
	// InBand are the parameter sets (SPS, PPS, VPS), each with a length of four bytes before it, that Entry has and the
	// samples do not. A writer that joins samples of several Params puts them in front of each key frame. Empty when
	// the samples have their own.
	InBand []byte
	// Width and Height of the picture in pixels, cropped; 0: unknown.
	Width, Height int
	// SampleRate of the sound in Hz, and Channels; 0: unknown.
	SampleRate, Channels int
	// FrameSamples is the number of sound samples in each packet (1024 for AAC); 0: it varies or is unknown.
	FrameSamples int
	// PreSkip is the number of sound samples, 48,000 of them a second, that an Opus decoder leaves out at the beginning (RFC 7845, 4.2).
	PreSkip int
}

// Packet is one coded picture, or one frame of sound, without its bytes.
type Packet struct {
	// DTS and PTS are when the packet is decoded and shown. Within a file they do not wrap: the reader has resolved 33
	// bits to the nearest time of the packet before it in the stream.
	DTS, PTS int64
	// Duration as the container or the codec says; 0: neither does.
	Duration int64
	// Size in bytes of the packet as an MP4 sample: NAL units with lengths of four bytes instead of start codes, AAC
	// without ADTS headers.
	Size int
	// Key says that decoding can begin here.
	Key bool
	// Closed says of a key frame that no picture behind it needs one before it (IDR), and of another picture that it needs none before
	// the last key frame, even when it is shown before that (RADL). False: that is not known.
	Closed bool
	// Params is the index in Stream.Params.
	Params int
	// Opens says that a movie fragment begins with the packet (fragmented MP4 alone).
	Opens bool
	// Order is where a picture is shown among others, as its own bytes tell, whatever PTS says (H.264 and HEVC in fragmented MP4 alone).
	Order Order
}

// Order is a place in the order of showing.
type Order struct {
	// Sequence counts the coded sequences of a file, whose numbers cannot be compared; 0: the order is not known. 1 is one that may have
	// begun before the file.
	Sequence int
	// Number of the picture in the sequence: greater ones are shown later. The numbers of another file may begin elsewhere.
	Number int
}

// Sample is a packet with its bytes.
type Sample struct {
	Packet
	// Stream is the index in File.Streams.
	Stream int
	// Data is the MP4 sample. It is valid until the function that it was handed to returns.
	Data []byte
}

// Stream is one stream of a file.
type Stream struct {
	// ID is the PID in MPEG-TS, the track ID in MP4, 0 elsewhere.
	ID uint32
	// Kind of the stream.
	Kind Kind
	// Codec as the container names it, also when the stream has no packets.
	Codec Codec
	// Language is the ISO 639-2 code, for example "deu"; empty or "und": not said.
	Language string
	// Params in the order of their first use. A stream without packets may have none.
	Params []Params
	// Packets in the order of the file, which is the decoding order.
	Packets Packets
	// Default says that the container marks the stream as one to be played; cover pictures and disabled tracks are not.
	Default bool

	// Counters are the first and last continuity counters (MPEG-TS alone).
	Counters Counters
	// Tail says how the last packet ends (MPEG-TS alone).
	Tail Tail
	// Strays are packets whose times contradict the clock of the container, which goes on evenly: bits of them are wrong (MPEG-TS
	// alone).
	Strays []PacketRange
	// HeadBytes is how many payload bytes lie before the first packet's start: the rest of a packet that began in the
	// segment before, or of one whose start was lost (MPEG-TS and sound without container).
	HeadBytes int

	// OrderBits is how many bits of the pictures' numbers are written; 0: it is not known. LastReference is the last picture that the next
	// ones' numbers are near to (fragmented MP4 alone).
	OrderBits     int
	LastReference Order
	// Edits are the edit list, in ticks (MP4 alone); empty: none. The times of Packets are those before the edits.
	Edits []Edit
	// Matrix is the transformation of the picture in the track header, for example a rotation (MP4 alone; ISO/IEC
	// 14496-12, 8.3.2); zero: none.
	Matrix [9]int32
}

// Range is the first and the last of the numbers that a file counts through.
type Range[T uint8 | uint32] struct {
	// Known says that there is a number.
	Known bool
	// First and Last; a recorder may begin anywhere, and may count from there again in each file.
	First, Last T
}

// Add takes the next number.
func (r *Range[T]) Add(number T) {
	if !r.Known {
		r.Known, r.First = true, number
	}
	r.Last = number
}

// Counters are the continuity counters, 0 to 15, of the first and last transport packets of a PID that have payload.
type Counters = Range[uint8]

// FragmentNumbers are the sequence numbers of the first and last movie fragments (ISO/IEC 14496-12, 8.8.5).
type FragmentNumbers = Range[uint32]

// PacketRange are the packets of a stream from one number up to another one.
type PacketRange struct{ From, To int }

// Tail says how the last PES packet of a stream ends.
type Tail uint8

// Ways in which the last PES packet of a stream ends, the worst one last.
const (
	// TailWhole: its declared length was reached, or it has none and its last transport packet is stuffed.
	TailWhole Tail = iota
	// TailUnstuffed: it declares no length, and its last transport packet is full, so that more may have followed. One
	// whole packet in 184 ends so.
	TailUnstuffed
	// TailUnfinished: its declared length was not reached, or a frame in it is cut.
	TailUnfinished
)

// Edit is one entry of an MP4 edit list (ISO/IEC 14496-12, 8.6.6).
type Edit struct {
	// Duration of the edit; 0 in a fragmented file: to the end.
	Duration int64
	// Start is the media time that the edit begins at; -1: nothing is shown for Duration.
	Start int64
}

// Container says how a file is built.
type Container string

// Containers that are read.
const (
	MPEGTS      Container = "mpegts"
	MP4         Container = "mp4"
	FragmentMP4 Container = "fmp4"
	PackedAudio Container = "packed audio"
)

// File is the index of one file or one segment.
type File struct {
	// Container of the file.
	Container Container
	// Bytes is its size, and SHA256 its digest; zero: it was not taken.
	Bytes  int64
	SHA256 [32]byte
	// Streams in the order in which the container names them.
	Streams []Stream
	// Damage in the order of the file: what the bytes themselves show, whatever a timeline says.
	Damage []Damage
	// Duration of a fragmented MP4 with all fragments, as its header claims (mehd); 0: it claims none. That of other headers is
	// often wrong.
	Duration int64
	// Start is the time of the first packet as the file itself tells it outside of its packets: the ID3 timestamp of
	// packed audio; HasStart says that there is one.
	Start    int64
	HasStart bool
	// TablesFirst says that a transport stream begins with its tables, before the first packet of a stream.
	TablesFirst bool
	// TableCounters are the continuity counters of a transport stream's PAT.
	TableCounters Counters
	// Fragments are the numbers of the movie fragments (fragmented MP4 alone).
	Fragments FragmentNumbers
	// Joint says that a movie fragment holds several streams: none of them is lost without the others.
	Joint bool
	// Ignored names what was left out of Streams and why, for a person; at most a few.
	Ignored []string
	// Unreadable are the kinds with a stream that is left out, since its encoding is not known.
	Unreadable []Kind
}

// DamageKind is a kind of evidence in the bytes.
type DamageKind string

// Kinds of evidence.
const (
	// CounterBreak: the continuity counter of a stream jumps, so transport packets are lost.
	CounterBreak DamageKind = "CounterBreak"
	// SyncLost: bytes that are no transport packets lie between some, or follow the last one.
	SyncLost DamageKind = "SyncLost"
	// PacketCut: the file ends within a transport packet.
	PacketCut DamageKind = "PacketCut"
	// PacketUnfinished: a packet is shorter than it says, and another one follows.
	PacketUnfinished DamageKind = "PacketUnfinished"
	// FrameLost: frames of sound do not follow one another, or one is no frame.
	FrameLost DamageKind = "FrameLost"
	// Padding: zeros lie in front of the sound. A whole file may have them, and players skip them.
	Padding DamageKind = "Padding"
	// NALInvalid: a picture has a NAL unit that cannot be (forbidden bit, length beyond the sample).
	NALInvalid DamageKind = "NALInvalid"
	// SliceMissing: the first slice of a picture is not there. A sender that lost a packet of a call leaves that.
	SliceMissing DamageKind = "SliceMissing"
	// PictureMissing: a picture that others refer to is lost before this one: their numbers jump.
	PictureMissing DamageKind = "PictureMissing"
	// BoxTruncated: a box of an MP4 goes beyond the end of its holder, or of a file in fragments.
	BoxTruncated DamageKind = "BoxTruncated"
	// SampleMissing: the tables of an MP4 place a sample beyond the end of the file.
	SampleMissing DamageKind = "SampleMissing"
	// SecondMovie: a movie header behind the first one says something else, which is not in the index.
	SecondMovie DamageKind = "SecondMovie"
	// MediaUnnamed: bytes lie behind the last sample of an MP4 that may be more of them, and no table names them.
	MediaUnnamed DamageKind = "MediaUnnamed"
	// FragmentUnfound: an index of segments before the first movie fragment refers to more bytes than the file has.
	FragmentUnfound DamageKind = "FragmentUnfound"
	// FragmentMissing: the numbers of the movie fragments jump, and the stream pauses there.
	FragmentMissing DamageKind = "FragmentMissing"
	// TransportError: the transport_error_indicator is set: the bytes were damaged before they were stored.
	TransportError DamageKind = "TransportError"
	// TablesMissing: transport packets of a stream come although no PAT and PMT name it, or one of these is damaged.
	TablesMissing DamageKind = "TablesMissing"
)

// Damage is one piece of evidence.
type Damage struct {
	// Kind of the evidence.
	Kind DamageKind
	// Stream is the index in File.Streams; -1: the file as a whole.
	Stream int
	// Packet is the index, in the stream, of the packet that is damaged, or before which something is lost.
	Packet int
	// Offset in bytes in the file.
	Offset int64
	// Count of the same evidence that follows at once, this one among it; at least 1.
	Count int
}

// MaxDamage bounds the evidence that a reader lists for one file; what is beyond is counted in the last entry.
const MaxDamage = 64
