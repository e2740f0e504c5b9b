// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package index reads files and segments of a recording, whatever their container: once to index them, and again to
// take their samples out.
package index

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/mpegts"
	"sparkrtc.dev/recording-operator/internal/packedaudio"
)

// ErrNotMedia says that a file is of no container that is read here.
var ErrNotMedia = errors.New("not media of a known kind")

// ErrPlaylist says that a file is an HLS playlist where media was expected. It wraps ErrNotMedia.
var ErrPlaylist = fmt.Errorf("%w: it is an HLS playlist", ErrNotMedia)

// Source is where the bytes of a file or segment are.
type Source struct {
	// Path of the file.
	Path string `json:"path"`
	// Offset and Length of the segment within the file, in bytes; Length 0: the whole file.
	Offset int64 `json:"offset,omitempty"`
	Length int64 `json:"length,omitempty"`
	// Init is the initialization section of a fragmented MP4, or the tables of a transport stream; nil: there is none.
	Init *Source `json:"init,omitempty"`
	// More follow these bytes, and are read with them as one transport stream.
	More []Source `json:"more,omitempty"`
}

// reader reads a transport stream, with its tables before it and what follows it. The caller calls done.
func (s Source) reader(first io.Reader) (all io.Reader, done func()) {
	rest := &chain{sources: s.More}
	if s.Init == nil {
		return io.MultiReader(first, rest), rest.close
	}
	before := &chain{sources: []Source{*s.Init}}
	return io.MultiReader(before, first, rest), func() { before.close(); rest.close() }
}

// chain reads sources one after another, and has one file open at a time: a recording may have 100,000.
type chain struct {
	sources []Source
	file    *os.File
	section *io.SectionReader
}

// Read is io.Reader's.
func (c *chain) Read(data []byte) (int, error) {
	for {
		if c.section != nil {
			if n, err := c.section.Read(data); n > 0 || !errors.Is(err, io.EOF) {
				return n, err
			}
			c.close()
		}
		if len(c.sources) == 0 {
			return 0, io.EOF
		}
		var err error
		if c.file, c.section, err = c.sources[0].section(); err != nil {
			return 0, err
		}
		c.sources = c.sources[1:]
	}
}

// close closes the file that is open; it was only read.
func (c *chain) close() {
	if c.section != nil {
		_ = c.file.Close()
		c.section = nil
	}
}

// section opens the bytes. The caller closes the file.
func (s Source) section() (*os.File, *io.SectionReader, error) {
	file, err := os.Open(s.Path)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	length := s.Length
	if length == 0 {
		length = info.Size() - s.Offset
	}
	if s.Offset < 0 || length < 0 || s.Offset > info.Size()-length {
		err := fmt.Errorf("%w: bytes %d to %d of a file of %d bytes", ErrRange, s.Offset, s.Offset+length, info.Size())
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, io.NewSectionReader(file, s.Offset, length), nil
}

// ErrRange says that a segment's byte range goes beyond the end of its file.
var ErrRange = errors.New("the byte range goes beyond the end of the file")

// Read indexes a file or a segment. Its digest is left out of a whole MP4, which is compared with no other. It returns ErrNotMedia, ErrPlaylist, ErrRange, or an error of reading.
func Read(source Source) (*media.File, error) {
	file, section, err := source.section()
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	kind, err := sniff(section)
	if err != nil {
		return nil, err
	}
	digest := sha256.New()
	index, err := readKind(kind, section, source, digest)
	if err != nil {
		return nil, err
	}
	index.Bytes = section.Size()
	if kind != media.MP4 || source.Init != nil {
		copy(index.SHA256[:], digest.Sum(nil))
	}
	return index, nil
}

func readKind(kind media.Container, section *io.SectionReader, source Source, digest hash.Hash) (*media.File, error) {
	if kind == media.MP4 {
		return readMP4(section, source.Init, digest)
	}
	all, done := source.reader(section)
	defer done()
	bytes := io.TeeReader(all, digest)
	read := mpegts.Read
	if kind == media.PackedAudio {
		read = packedaudio.Read
	}
	index, err := read(bytes, nil)
	if errors.Is(err, mpegts.ErrNotTransportStream) || errors.Is(err, packedaudio.ErrNotSound) {
		return nil, fmt.Errorf("%w: %w", ErrNotMedia, err)
	}
	if err != nil {
		return nil, err
	}
	// Whatever follows the last packet counts for the digest, too.
	_, err = io.Copy(io.Discard, bytes)
	return &index, err
}

// readMP4 indexes a whole file or a segment. Only segments are compared by their digests.
func readMP4(section *io.SectionReader, init *Source, digest hash.Hash) (*media.File, error) {
	movie, done, err := openMP4(section, init)
	if err != nil {
		return nil, err
	}
	defer done()
	index, err := movie.Index()
	if err != nil {
		return nil, err
	}
	if init != nil {
		_, err = io.Copy(digest, io.NewSectionReader(section, 0, section.Size()))
	}
	return &index, err
}

// openMP4 opens a whole file, or a segment with its initialization section. done closes what was opened.
func openMP4(section *io.SectionReader, init *Source) (movie *mp4.Movie, done func(), err error) {
	done = func() {}
	if init == nil {
		movie, err = mp4.Open(section, section.Size())
	} else {
		var file *os.File
		var header *io.SectionReader
		if file, header, err = init.section(); err != nil {
			return nil, nil, fmt.Errorf("open the initialization section: %w", err)
		}
		done = func() { _ = file.Close() }
		var first *mp4.Movie
		if first, err = mp4.Open(header, header.Size()); err == nil {
			movie, err = mp4.OpenSegment(first, section, section.Size())
		}
	}
	if err != nil {
		done()
	}
	if errors.Is(err, mp4.ErrNotMP4) || errors.Is(err, mp4.ErrNoMovie) {
		return nil, nil, fmt.Errorf("%w: %w", ErrNotMedia, err)
	}
	return movie, done, err
}

// Samples hands out all samples of a segment with their bytes, in the order of its index.
func Samples(source Source, yield func(media.Sample) error) error {
	file, section, err := source.section()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	kind, err := sniff(section)
	if err != nil {
		return err
	}
	switch kind {
	case media.MP4:
		movie, done, err := openMP4(section, source.Init)
		if err != nil {
			return err
		}
		defer done()
		return movie.Samples(yield)
	case media.PackedAudio:
		_, err = packedaudio.Read(bufio.NewReaderSize(section, readAhead), yield)
	default:
		all, done := source.reader(section)
		defer done()
		_, err = mpegts.Read(all, yield)
	}
	return err
}

// readAhead is how much is read at once from files that are read in small pieces.
const readAhead = 256 << 10

// sniff tells the container by the first bytes and by nothing else: names are the sender's.
func sniff(section *io.SectionReader) (media.Container, error) {
	head, err := headAt(section, 0, 1<<10)
	if err != nil {
		return "", err
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")
	switch {
	case bytes.HasPrefix(text, []byte("#EXT")):
		return "", ErrPlaylist
	case mp4.Sniff(head):
		return media.MP4, nil
	case isSound(head):
		return media.PackedAudio, nil
	case len(head) > 0 && head[0] == 0:
		return sniffPadded(section)
	default:
		// A transport stream may begin with damage; its reader looks for packets itself.
		return media.MPEGTS, nil
	}
}

// sniffPadded tells the container of a file that begins with zeros, which players skip in front of sound. Any other begins
// with damage.
func sniffPadded(section *io.SectionReader) (media.Container, error) {
	for at := int64(0); at < packedaudio.MaxPadding; {
		head, err := headAt(section, at, paddedHead)
		if err != nil || len(head) == 0 {
			return media.MPEGTS, err
		}
		if zeros := len(head) - len(bytes.TrimLeft(head, "\x00")); zeros > 0 {
			at += int64(zeros)
			continue
		}
		if packedaudio.Sniff(head) {
			return media.PackedAudio, nil
		}
		break
	}
	return media.MPEGTS, nil
}

// paddedHead holds a frame of AAC and the beginning of the next one, in bytes.
const paddedHead = 16 << 10

// headAt reads so many bytes from an offset on, or as many as there are.
func headAt(section *io.SectionReader, offset int64, size int) ([]byte, error) {
	head := make([]byte, size)
	n, err := section.ReadAt(head, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return head[:n], nil
}

// isSound says that a file begins as elementary sound does: with an ID3 tag, or with the sync word of MPEG audio, AAC
// (ADTS) or AC-3. Its reader looks at what follows the tag.
func isSound(head []byte) bool {
	return bytes.HasPrefix(head, []byte("ID3")) ||
		len(head) > 1 && (head[0] == 0xff && head[1]&0xe0 == 0xe0 || head[0] == 0x0b && head[1] == 0x77)
}
