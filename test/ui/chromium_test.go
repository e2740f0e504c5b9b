// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// answerTimeout is how long the browser may take to answer a command.
const answerTimeout = 30 * time.Second

// tab is a page of headless Chromium. It is driven by the DevTools protocol, through a pipe: messages of JSON that end with
// a zero byte. https://chromedevtools.github.io/devtools-protocol has the methods.
type tab struct {
	t       *testing.T
	in      *os.File
	session string

	mu      sync.Mutex
	next    int
	waiting map[int]chan message
	// complaints are errors in the console, exceptions, and what the Content-Security-Policy refused.
	complaints []string
}

type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// openTab starts a browser, which ends with the test.
func openTab(t *testing.T) *tab {
	t.Helper()
	browser := os.Getenv("CHROMIUM")
	if browser == "" {
		browser = "chromium-headless-shell"
	}
	commandsOut, commandsIn, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	answersOut, answersIn, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--font-render-hinting=none",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.ExtraFiles = []*os.File{commandsOut, answersIn}
	var log bytes.Buffer
	command.Stderr = &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = commandsOut.Close(), answersIn.Close()
	b := &tab{t: t, in: commandsIn, waiting: map[int]chan message{}}
	read := make(chan struct{})
	go func() {
		defer close(read)
		b.read(answersOut)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		_ = command.Wait()
		<-read
		_, _ = commandsIn.Close(), answersOut.Close()
		if t.Failed() {
			t.Logf("the browser said:\n%s", log.String())
		}
	})
	var target struct{ TargetID, SessionID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &target)
	b.session = target.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

// read hands the answers to those who wait for them, until the browser ends.
func (b *tab) read(from *os.File) {
	reader := bufio.NewReader(from)
	for {
		text, err := reader.ReadBytes(0)
		if err != nil {
			return
		}
		var received message
		if err := json.Unmarshal(text[:len(text)-1], &received); err != nil {
			continue
		}
		b.mu.Lock()
		switch {
		case received.ID != 0:
			b.waiting[received.ID] <- received
			delete(b.waiting, received.ID)
		case received.Method == "Runtime.exceptionThrown", received.Method == "Log.entryAdded" && strings.Contains(string(received.Params), `"level":"error"`):
			b.complaints = append(b.complaints, string(received.Params))
		}
		b.mu.Unlock()
	}
}

// call runs a method that must succeed, and decodes what it returns.
func (b *tab) call(method string, params, result any) {
	b.t.Helper()
	if refused := b.try(method, params, result); refused != nil {
		b.t.Fatalf("%s: %s", method, refused)
	}
}

// try runs a method, and decodes what it returns, or returns the error with which the browser refuses it.
func (b *tab) try(method string, params, result any) json.RawMessage {
	b.t.Helper()
	answered := make(chan message, 1)
	b.mu.Lock()
	b.next++
	id := b.next
	b.waiting[id] = answered
	b.mu.Unlock()
	if params == nil {
		params = map[string]any{}
	}
	text, err := json.Marshal(map[string]any{"id": id, "method": method, "params": params, "sessionId": b.session})
	if b.session == "" {
		text, err = json.Marshal(map[string]any{"id": id, "method": method, "params": params})
	}
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.in.Write(append(text, 0)); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	select {
	case answer := <-answered:
		if answer.Error == nil && result != nil {
			if err := json.Unmarshal(answer.Result, result); err != nil {
				b.t.Fatalf("%s: %v", method, err)
			}
		}
		return answer.Error
	case <-time.After(answerTimeout):
		b.t.Fatalf("%s: no answer", method)
	}
	return nil
}

// run evaluates an expression, which is awaited, and returns its value as text.
func (b *tab) run(expression string) string {
	b.t.Helper()
	value, refused := b.evaluate(expression)
	if refused != nil {
		b.t.Fatalf("%s: %s", expression, refused)
	}
	return value
}

// evaluate is run, or returns the error with which the browser refuses it.
func (b *tab) evaluate(expression string) (string, json.RawMessage) {
	b.t.Helper()
	var result struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	refused := b.try("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &result)
	if result.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, result.ExceptionDetails)
	}
	return fmt.Sprint(result.Result.Value), refused
}

// eventually waits until an expression has a value. While the tab goes to another page, the browser refuses to evaluate.
func (b *tab) eventually(expression, want string) {
	b.t.Helper()
	deadline := time.Now().Add(answerTimeout)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		got, refused := b.evaluate(expression)
		switch {
		case refused == nil && got == want:
			return
		case time.Now().After(deadline):
			b.t.Fatalf("%s is %q, want %q; %s", expression, got, want, refused)
		}
		<-tick.C
	}
}

// press presses keys by their names, for example j, Enter or /.
func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		event := map[string]any{"type": "keyDown", "key": key}
		switch key {
		case "Enter":
			event["text"], event["windowsVirtualKeyCode"] = "\r", 13
		case "Escape":
			event["windowsVirtualKeyCode"] = 27
		case "Tab":
			event["windowsVirtualKeyCode"] = 9
		case "ArrowLeft":
			event["windowsVirtualKeyCode"] = 37
		case "ArrowRight":
			event["windowsVirtualKeyCode"] = 39
		default:
			event["text"] = key
		}
		b.call("Input.dispatchKeyEvent", event, nil)
		event["type"] = "keyUp"
		delete(event, "text")
		b.call("Input.dispatchKeyEvent", event, nil)
	}
}

// look sets the color scheme, and the size of the window in pixels.
func (b *tab) look(scheme string, width, height int) {
	b.t.Helper()
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}}}, nil)
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
}

// photograph returns a picture of the window as PNG.
func (b *tab) photograph() []byte {
	b.t.Helper()
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	picture, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	return picture
}

// complained are the complaints since the last call.
func (b *tab) complained() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	complaints := b.complaints
	b.complaints = nil
	return complaints
}
