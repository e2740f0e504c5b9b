// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestGuard_LetsThePageAloneRead(t *testing.T) {
	s := newServer(t, newFakeCluster())
	handler := s.handler()
	host := s.listener.Addr().String()
	_, port, _ := net.SplitHostPort(host)
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	cookie := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Cookie", cookieName+"="+value) }
	}
	named := func(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }
	fetched := func(site, mode, dest string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", site)
			r.Header.Set("Sec-Fetch-Mode", mode)
			r.Header.Set("Sec-Fetch-Dest", dest)
		}
	}
	entry := "/?token=" + s.token
	for name, c := range map[string]struct {
		method, path string
		change       []func(*http.Request)
		code         int
	}{
		"the page":                       {"GET", "/", nil, 200},
		"a module":                       {"GET", "/main.js", []func(*http.Request){fetched("same-origin", "cors", "script")}, 200},
		"with the page's origin":         {"GET", "/", []func(*http.Request){set("Origin", "http://"+host)}, 200},
		"opened from the address bar":    {"GET", "/", []func(*http.Request){fetched("none", "navigate", "document")}, 200},
		"POST":                           {"POST", "/", nil, 405},
		"HEAD":                           {"HEAD", "/", nil, 405},
		"OPTIONS":                        {"OPTIONS", "/stream", nil, 405},
		"DELETE":                         {"DELETE", "/files/media/camera", nil, 405},
		"a name that resolves to us":     {"GET", "/", []func(*http.Request){named("rebound.example.com:" + port)}, 421},
		"localhost":                      {"GET", "/", []func(*http.Request){named("localhost:" + port)}, 421},
		"without the port":               {"GET", "/", []func(*http.Request){named("127.0.0.1")}, 421},
		"no Host":                        {"GET", "/", []func(*http.Request){named("")}, 421},
		"another origin":                 {"GET", "/stream", []func(*http.Request){set("Origin", "https://example.com")}, 403},
		"another port's origin":          {"GET", "/stream", []func(*http.Request){set("Origin", "http://127.0.0.1:1")}, 403},
		"an opaque origin":               {"GET", "/stream", []func(*http.Request){set("Origin", "null")}, 403},
		"another site":                   {"GET", "/stream", []func(*http.Request){fetched("cross-site", "no-cors", "script")}, 403},
		"another port":                   {"GET", "/stream", []func(*http.Request){fetched("same-site", "no-cors", "script")}, 403},
		"a link elsewhere to the data":   {"GET", "/files/media/camera", []func(*http.Request){fetched("cross-site", "navigate", "document")}, 403},
		"no cookie":                      {"GET", "/", []func(*http.Request){set("Cookie", "")}, 403},
		"a wrong cookie":                 {"GET", "/", []func(*http.Request){cookie("0" + s.token[1:])}, 403},
		"a part of the cookie":           {"GET", "/", []func(*http.Request){cookie(s.token[1:])}, 403},
		"the data by the token alone":    {"GET", "/stream?token=" + s.token, []func(*http.Request){set("Cookie", "")}, 403},
		"the entry":                      {"GET", entry, []func(*http.Request){set("Cookie", "")}, 200},
		"the entry from a link":          {"GET", entry, []func(*http.Request){set("Cookie", ""), fetched("cross-site", "navigate", "document")}, 200},
		"the entry in a frame":           {"GET", entry, []func(*http.Request){fetched("cross-site", "navigate", "iframe")}, 403},
		"the entry with a wrong token":   {"GET", "/?token=wrong", []func(*http.Request){set("Cookie", "")}, 403},
		"the entry with an empty token":  {"GET", "/?token=", []func(*http.Request){set("Cookie", "")}, 403},
		"the entry by a name that is us": {"GET", entry, []func(*http.Request){set("Cookie", ""), named("rebound.example.com:" + port)}, 421},
		"something that does not exist":  {"GET", "/nothing", nil, 404},
		"something above the page":       {"GET", "/../../ui.go", nil, 404},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, s, c.method, c.path)
			r.Host = host
			for _, change := range c.change {
				change(r)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != c.code && (c.code != 404 || w.Code != http.StatusTemporaryRedirect) {
				t.Errorf("code %d, want %d: %s", w.Code, c.code, w.Body)
			}
			if entered := w.Header().Get("Set-Cookie") != ""; entered != (c.code == 200 && strings.HasPrefix(c.path, "/?token=")) {
				t.Errorf("Set-Cookie: %q", w.Header().Get("Set-Cookie"))
			}
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
				"Cross-Origin-Resource-Policy": "same-origin", "Content-Security-Policy": contentSecurityPolicy, "Access-Control-Allow-Origin": "",
			} {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			// net/http leaves it out of the answer that a file does not exist.
			if got := w.Header().Get("Cache-Control"); got != "no-store" && c.code != http.StatusNotFound {
				t.Errorf("Cache-Control: %q", got)
			}
			if text := w.Body.String(); strings.Contains(text, s.token) {
				t.Errorf("the token is in the answer: %s", text)
			}
		})
	}
}

func TestGuard_CookieGoesToThePageAlone(t *testing.T) {
	s := newServer(t, newFakeCluster())
	r := request(t, s, http.MethodGet, "/?token="+s.token)
	r.Header.Del("Cookie")
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, r)
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies: %v", cookies)
	}
	if c := cookies[0]; c.Value != s.token || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != s.scope+"/" || len(c.Path) < 16 || c.MaxAge != 0 {
		t.Errorf("the cookie is %v", c)
	}
	if other := newServer(t, newFakeCluster()); other.token == s.token || other.scope == s.scope || len(s.token) < 26 {
		t.Errorf("two servers have the tokens %q and %q", s.token, other.token)
	}
}

func TestNew_ListensOnLoopbackAlone(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if _, err := New(Config{}, listener); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("error %v", err)
	}
	if address := newServer(t, newFakeCluster()).listener.Addr().String(); !strings.HasPrefix(address, "127.0.0.1:") {
		t.Errorf("it listens on %s", address)
	}
}

// dangerous are ways by which text can become markup or code, and addresses of other servers.
var dangerous = regexp.MustCompile(`(?i)innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|DOMParser|\beval\(|new Function|createContextualFragment|` +
	`\son[a-z]+="|style="|<style|javascript:|https?://|@import|url\(`)

// The page has no inline script or style, parses no text as markup, and loads nothing from elsewhere.
func TestStatic_IsHarmless(t *testing.T) {
	err := fs.WalkDir(static, "static", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := static.ReadFile(path)
		if err != nil {
			return err
		}
		// It is a name, and is never loaded.
		plain := strings.ReplaceAll(string(text), `xmlns="http://www.w3.org/2000/svg"`, "")
		plain = regexp.MustCompile(`(?m)^// .*$|^ *//.*$`).ReplaceAllString(plain, "")
		if found := dangerous.FindAllString(plain, -1); found != nil {
			t.Errorf("%s: %q", path, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	index, err := static.ReadFile("static/index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range regexp.MustCompile(`<script[^>]*>`).FindAllString(string(index), -1) {
		if !strings.Contains(script, "src=") {
			t.Errorf("inline script: %s", script)
		}
	}
}
