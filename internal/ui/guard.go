// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"crypto/subtle"
	"embed"
	"io/fs"
	"net/http"
)

// cookieName is the name of the cookie that holds the token.
const cookieName = "recordings"

// contentSecurityPolicy lets the page load its own files and nothing else. No text can become a script: there is no inline
// script, and browsers that know trusted types refuse every sink that parses text as HTML.
const contentSecurityPolicy = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// entryPage leads on to the page without the token in the address. It is a page and no redirect: a browser sends a
// SameSite=Strict cookie to what a page of the same site leads to, but not along a redirect that began elsewhere.
const entryPage = `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=./"><title>Recordings</title></html>`

//go:embed static
var static embed.FS

// handler answers what may be asked.
func (s *Server) handler() http.Handler {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /stream", s.serveStream)
	mux.HandleFunc("GET /files/{namespace}/{name}", s.serveFile)
	return s.guard(http.StripPrefix(s.scope, mux))
}

// guard lets requests pass that come from the page itself, by the one browser that knows the token. Every other page that
// the browser shows, and every name that resolves to this machine, gets nothing.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", contentSecurityPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		host := s.listener.Addr().String()
		origin := r.Header.Get("Origin")
		enters := r.URL.Path == s.scope+"/" && s.isToken(r.URL.Query().Get("token"))
		switch {
		case r.Method != http.MethodGet:
			header.Set("Allow", http.MethodGet)
			http.Error(w, "the page is read-only: only GET is allowed", http.StatusMethodNotAllowed)
		case r.Host != host:
			http.Error(w, "the Host header must be "+host, http.StatusMisdirectedRequest)
		case origin != "" && origin != "http://"+host, !fetchedBy(r, enters):
			http.Error(w, "another page may not read this one", http.StatusForbidden)
		case enters:
			http.SetCookie(w, &http.Cookie{ //nolint:gosec // not Secure: there is no TLS on 127.0.0.1
				Name: cookieName, Value: s.token, Path: s.scope + "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
			})
			header.Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte(entryPage))
		case !s.knowsToken(r):
			http.Error(w, "open the address that `kubectl recordings ui` printed, with its token", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// fetchedBy says whether a request may come from where the browser says that it does. A link elsewhere, for example in a
// terminal in the browser, may lead to the entry; nothing else may be fetched from another page. Another port of this
// machine is the same site, so that "same-site" is another page too.
func fetchedBy(r *http.Request, enters bool) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return true
	}
	return enters && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

func (s *Server) knowsToken(r *http.Request) bool {
	cookie, err := r.Cookie(cookieName)
	return err == nil && s.isToken(cookie.Value)
}

func (s *Server) isToken(text string) bool {
	return subtle.ConstantTimeCompare([]byte(text), []byte(s.token)) == 1
}
