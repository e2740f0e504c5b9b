// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

//go:embed player.html
var playerPage []byte

// playedShapes are those whose results are played in a browser, with each preset.
var playedShapes = []string{
	"plain_ts", "fragmented_mp4", "bframes", "ts_h264_b", "camera_on_later", "sound_joins_later", "reconnect_8s", "reconnect_20_times",
	"fmp4_map_change", "ts_settings_change", "simulcast_up", "orientation", "fps_5_to_30", "muted_15s", "muted_now_and_then_mp4",
	"frozen_12s", "pause_6s", "named_sound_from_20s", "ts_opus", "ts_mp3", "mp4_freeze_8s", "edit_list_skips",
}

// seen is what the browser saw and heard of a file.
type seen struct {
	File     string
	Frames   int
	Ended    bool
	Error    string
	Duration float64
	Heard    [][2]any
}

// TestPlayer plays results in headless Chromium to the end: every frame is decoded, and sound is heard when the
// recording sounds. It runs when REQUIRE_PLAYER is 1.
func TestPlayer(t *testing.T) {
	if os.Getenv("REQUIRE_PLAYER") != "1" {
		t.Skip("REQUIRE_PLAYER is not 1: make test-media runs it")
	}
	dir := t.TempDir()
	truths := publishForPlayer(t, dir)
	for _, result := range playAll(t, dir, truths) {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(result.File, "/media/"), ".mp4"), func(t *testing.T) {
			for _, problem := range checkSeen(result, truths[strings.TrimPrefix(result.File, "/media/")]) {
				t.Error(problem)
			}
		})
	}
}

// publishForPlayer runs the worker and gives the truth of each file in dir.
func publishForPlayer(t *testing.T, dir string) map[string]*truth {
	t.Helper()
	truths := map[string]*truth{}
	for _, s := range shapes() {
		for _, preset := range []string{presetRemux, presetH264} {
			if !isPlayed(s.name) || !isSelected(s.name) {
				continue
			}
			r := s.make()
			base, err := os.MkdirTemp(dir, "work-")
			if err != nil {
				t.Fatal(err)
			}
			done, err := work(t.Context(), base, r, settings{"preset": preset})
			if err != nil {
				t.Fatal(err)
			}
			if done.failure != nil || len(done.files) != 1 {
				t.Errorf("%s, %s: %+v, files %q", s.name, preset, done.failure, done.files)
				continue
			}
			name := s.name + "-" + preset + ".mp4"
			if err := os.Rename(filepath.Join(done.dir, done.files[0]), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			truths[name] = &r.truth
		}
	}
	return truths
}

func isPlayed(name string) bool {
	return slices.Contains(playedShapes, name)
}

// playAll serves the files to a browser and gives what it saw.
func playAll(t *testing.T, dir string, truths map[string]*truth) []seen {
	t.Helper()
	var files []string
	for name := range truths {
		files = append(files, "/media/"+name)
	}
	var lock sync.Mutex
	var results []seen
	done := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(playerPage) })
	mux.HandleFunc("GET /files", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(files) })
	mux.Handle("GET /media/", http.StripPrefix("/media/", http.FileServer(http.Dir(dir))))
	mux.HandleFunc("POST /seen", func(_ http.ResponseWriter, request *http.Request) {
		var result seen
		if err := json.NewDecoder(request.Body).Decode(&result); err != nil {
			t.Error(err)
		}
		lock.Lock()
		defer lock.Unlock()
		results = append(results, result)
	})
	mux.HandleFunc("POST /done", func(http.ResponseWriter, *http.Request) { close(done) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	browse(t, fmt.Sprintf("http://%s/", listener.Addr()), done)
	lock.Lock()
	defer lock.Unlock()
	if len(results) != len(files) {
		t.Errorf("%d of %d files were played", len(results), len(files))
	}
	return results
}

// browse runs headless Chromium until done is closed.
func browse(t *testing.T, url string, done chan struct{}) {
	t.Helper()
	browser := os.Getenv("CHROMIUM")
	if browser == "" {
		browser = "chromium-headless-shell"
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	command := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(),
		"--autoplay-policy=no-user-gesture-required", "--remote-debugging-port=0", url)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var log strings.Builder
	command.Stderr = &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	var ended error
	go func() {
		defer close(exited)
		ended = command.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		t.Error("the browser did not finish in time")
	case <-exited:
		t.Fatalf("the browser ended: %v\n%s", ended, log.String())
	}
	_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
	<-exited
}

// checkSeen compares what a browser saw and heard with the truth.
func checkSeen(result seen, t *truth) []string {
	var problems []string
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if result.Error != "" || !result.Ended {
		add("error %q, ended %v", result.Error, result.Ended)
	}
	// A re-encoded result may have black pictures where the camera was off.
	missing := len(t.frames) - result.Frames
	if missing > 0 || missing < 0 && (strings.HasSuffix(result.File, "-Remux.mp4") || len(t.frames) == 0) {
		add("%d frames were decoded, the recording has %d", result.Frames, len(t.frames))
	}
	if math.Abs(result.Duration-t.length) > 0.2+joinTolerance*float64(len(t.joins)) {
		add("%.3f s long, it should be %.3f", result.Duration, t.length)
	}
	wrong := 0
	for _, h := range result.Heard {
		at, _ := h[0].(float64)
		loud, _ := h[1].(bool)
		if sure, sounds := t.soundsAt(at); sure && sounds != loud {
			if wrong++; wrong == 4 {
				add("at %.2f: heard %v, it sounds %v", at, loud, sounds)
			}
		}
	}
	if wrong > 8 {
		add("sound is wrong in %d of %d moments", wrong, len(result.Heard))
	}
	return problems
}

// soundsAt says whether the recording sounds at a time; sure is false near a change, since the browser's clock is known
// to some tenths of a second.
func (t *truth) soundsAt(at float64) (sure, sounds bool) {
	const margin = 0.35
	if at < margin || at > t.length-margin {
		return false, false
	}
	for _, s := range t.sounds {
		if at > s.from+margin && at < s.to-margin {
			return true, true
		}
		if at > s.from-margin && at < s.to+margin {
			return false, false
		}
	}
	return true, false
}
