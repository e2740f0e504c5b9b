// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// aroundFirst is how many pictures are looked at that are decoded before and behind one: as many may be shown before one of them.
const aroundFirst = 2 * maxOrder

// maxApart is how far pictures are apart at most between which another one is put.
const maxApart = 1 << 40

// firstPictures shows the first picture of each movie fragment at its own time. The ffmpeg program's muxer for HLS shows it where it
// believes the fragment before to end (mov_write_single_packet in libavformat/movenc.c), also when it is shown before the last pictures of
// that fragment, or others are shown before it that are decoded later. The pictures themselves say in which order they are shown.
type firstPictures struct {
	*builder
	// again says that the fragments behind were done before, and found that a picture was moved.
	again, found bool
	// pictures that may be around the next one, in the order of decoding; those before next are done.
	pictures []orderedPicture
	next     int
	// before is the last part; nil: there is none that the next one goes on with. The numbers of the part grow by base, and its sequences
	// by sequences.
	before          *part
	base, sequences int
	// reference is the last one of that part.
	reference media.Order
}

// orderedPicture is a picture with its place in the order of showing.
type orderedPicture struct {
	media.Order
	dts, pts int64
	part     *part
	number   int
	// opens says that a fragment begins with it, and doubtful that its time is wrong, and which one is right is not known.
	opens, doubtful bool
}

// compare says by its sign whether a picture is shown before another one.
func (p *orderedPicture) compare(other *orderedPicture) int {
	return cmp.Or(cmp.Compare(p.Sequence, other.Sequence), cmp.Compare(p.Number, other.Number))
}

func (b *builder) showFirstPictures() {
	// What a fragment contradicts may be seen when those behind it are right.
	for _, again := range []bool{false, true} {
		f := firstPictures{builder: b, again: again}
		for _, each := range b.parts {
			f.add(each)
		}
		f.finish()
		if !f.found {
			break
		}
	}
	for _, each := range b.parts {
		if len(each.Video) == 1 && len(each.Video[0].moved) > 0 {
			slice := &each.Video[0]
			slice.stats = b.measure(each.Segment, slice, slice.stats.outliers...)
			each.measure()
		}
	}
}

// ordered is the stream of a part whose pictures are all those of one stream, and say in which order they are shown; nil: it is none.
func (b *builder) ordered(each *part) *media.Stream {
	if len(each.Video) != 1 {
		return nil
	}
	slice := &each.Video[0]
	stream := &b.segments[each.Segment].File.Streams[slice.Stream]
	if stream.OrderBits == 0 || slice.From > 0 || slice.To < stream.Packets.Count {
		return nil
	}
	return stream
}

// add takes the pictures of the next part.
func (f *firstPictures) add(each *part) {
	stream := f.ordered(each)
	if stream == nil {
		f.finish()
		f.before = nil
		return
	}
	f.begin(each, stream)
	number := 0
	for packet := range stream.Packets.All() {
		f.addPicture(each, number, &packet)
		number++
	}
	f.before, f.reference = each, f.place(stream.LastReference)
}

// begin takes the first picture of a part. Its numbers go on with those of the part before, unless another clock begins.
func (f *firstPictures) begin(each *part, stream *media.Stream) {
	first := stream.Packets.First.Order
	if !f.goesOn(each, stream) {
		f.finish()
		f.pictures, f.next, f.base, f.sequences = f.pictures[:0], 0, 0, 0
		return
	}
	f.base, f.sequences = 0, f.reference.Sequence-1
	if first.Sequence == 1 {
		number := codec.OrderNumber{Number: first.Number, Bits: stream.OrderBits}
		f.base = number.Near(f.reference.Number) - first.Number
	}
}

// goesOn says that the pictures of a part follow those of the part before at once.
func (f *firstPictures) goesOn(each *part, stream *media.Stream) bool {
	if f.before == nil || f.segments[each.Segment].Discontinuity || f.ordered(f.before).OrderBits != stream.OrderBits || stream.Packets.First.Order.Sequence == 0 {
		return false
	}
	return distance(each.Video[0].stats.firstDTS, f.before.Video[0].stats.next()) <= minStep
}

// place gives an order of the part in that of those before.
func (f *firstPictures) place(order media.Order) media.Order {
	if order.Sequence == 1 {
		order.Number += f.base
	}
	order.Sequence += f.sequences
	return order
}

// addPicture takes the next picture.
func (f *firstPictures) addPicture(each *part, number int, packet *media.Packet) {
	if packet.Order.Sequence == 0 {
		return
	}
	slice := &each.Video[0]
	f.pictures = append(f.pictures, orderedPicture{
		Order: f.place(packet.Order), dts: packet.DTS + slice.Shift, pts: packet.PTS + slice.Shift + slice.moved.by(number),
		part: each, number: number, opens: packet.Opens,
	})
	if len(f.pictures) > f.next+aroundFirst {
		f.settleNext()
	}
	if f.next > 4*aroundFirst {
		f.pictures = slices.Delete(f.pictures, 0, f.next-aroundFirst)
		f.next = aroundFirst
	}
}

// finish settles the pictures that wait.
func (f *firstPictures) finish() {
	for f.next < len(f.pictures) {
		f.settleNext()
	}
}

// settleNext moves the next picture if its time contradicts the order.
func (f *firstPictures) settleNext() {
	first := &f.pictures[f.next]
	f.next++
	if !first.opens {
		return
	}
	others := f.around(f.next - 1)
	contradicts := slices.ContainsFunc(others, func(o orderedPicture) bool {
		way := o.compare(first)
		return way < 0 && o.pts >= first.pts || way > 0 && o.pts <= first.pts
	})
	if !contradicts || !areReordered(others) || !sortByOrder(others) {
		return
	}
	others = slices.DeleteFunc(others, func(o orderedPicture) bool { return o.opens || o.Sequence != first.Sequence })
	at, ok := between(others, first.Number)
	if !ok {
		first.doubtful = true
		return
	}
	first.part.Video[0].moved.move(first.number, at-first.pts)
	first.pts, f.found = at, true
}

// around are the pictures around one, in the order of decoding, whose times are right.
func (f *firstPictures) around(number int) []orderedPicture {
	var others []orderedPicture
	for i := max(0, number-aroundFirst); i < min(number+aroundFirst+1, len(f.pictures)); i++ {
		other := &f.pictures[i]
		if i != number && !other.doubtful && (i < number || !other.opens || f.again) {
			others = append(others, *other)
		}
	}
	return others
}

// areReordered says that pictures are shown in another order than they are decoded, since not all are shown equally long behind that.
func areReordered(pictures []orderedPicture) bool {
	least, most := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range pictures {
		behind := pictures[i].pts - pictures[i].dts
		least, most = min(least, behind), max(most, behind)
	}
	return most-least > rounding
}

// sortByOrder sorts pictures, and says whether they are shown in that order.
func sortByOrder(pictures []orderedPicture) bool {
	slices.SortFunc(pictures, func(x, y orderedPicture) int { return x.compare(&y) })
	return slices.IsSortedFunc(pictures, func(x, y orderedPicture) int { return cmp.Compare(x.pts, y.pts) })
}

// between is when a picture of a number is shown: between those of its sequence with the nearest numbers, or as far from them as they are
// from one another. The pictures are sorted. false: they do not tell.
func between(pictures []orderedPicture, number int) (at int64, ok bool) {
	if len(pictures) < 2 {
		return 0, false
	}
	next := sort.Search(len(pictures), func(i int) bool { return pictures[i].Number > number })
	next = min(max(1, next), len(pictures)-1)
	before, behind := pictures[next-1], pictures[next]
	apart, numbers := behind.pts-before.pts, behind.Number-before.Number
	if apart <= 0 || apart > maxApart || numbers <= 0 {
		return 0, false
	}
	by := math.Round(float64(apart) * float64(number-before.Number) / float64(numbers))
	return before.pts + int64(by), math.Abs(by) <= maxApart
}
