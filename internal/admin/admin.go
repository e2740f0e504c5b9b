// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package admin serves people, not SparkRTC: it shows the dead letters of one replica's spool and takes them back.
//
// It asks for no credentials, and listens on the loopback address of its pod alone. What leads there is a port-forward,
// so who may create pods/portforward in the operator's namespace may use it, and nobody else.
//
//	GET    /v1/dead-letters              {"items": [...]}, oldest first, without bodies
//	GET    /v1/dead-letters/{id}         one, with its body
//	POST   /v1/dead-letters/{id}/replay  200 written, and the letter gone; 422 still refused; 503 not now
//	DELETE /v1/dead-letters/{id}         204
//
// An error is {"error": "..."}.
package admin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-logr/logr"

	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/spool"
)

// DeadLetters are the letters of a replica; spool.Spool has them.
type DeadLetters interface {
	Letters() ([]spool.Letter, error)
	Letter(id uint64) (spool.Letter, error)
	Replay(ctx context.Context, id uint64) (ingest.Result, error)
	DeleteLetter(ctx context.Context, id uint64) error
}

const (
	// handleTimeout bounds a request, a replay's write included.
	handleTimeout = 10 * time.Second
	// headerBytes bounds the header; a request of ours has a few hundred bytes.
	headerBytes = 16 << 10
)

// CheckAddress refuses an address that others than the pod itself could reach.
func CheckAddress(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is no host:port: %w", address, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%q is not a loopback address such as 127.0.0.1: this port asks for no credentials", host)
	}
	return nil
}

// NewServer makes the HTTP server; who starts it gives it a listener.
func NewServer(letters DeadLetters, log logr.Logger) *http.Server {
	return &http.Server{
		Handler:           handler(letters, log),
		ReadHeaderTimeout: handleTimeout,
		ReadTimeout:       handleTimeout,
		WriteTimeout:      2 * handleTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    headerBytes,
	}
}

// api answers requests.
type api struct {
	letters DeadLetters
	log     logr.Logger
}

func handler(letters DeadLetters, log logr.Logger) http.Handler {
	a := &api{letters: letters, log: log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/dead-letters", a.list)
	mux.HandleFunc("GET /v1/dead-letters/{id}", a.show)
	mux.HandleFunc("POST /v1/dead-letters/{id}/replay", a.replay)
	mux.HandleFunc("DELETE /v1/dead-letters/{id}", a.remove)
	// A forwarded port is open to the pages of its user's browser, too.
	return http.NewCrossOriginProtection().Handler(onlyLocal(mux))
}

// onlyLocal refuses requests that a browser was led to by a name that somebody else gave to the loopback address.
func onlyLocal(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			reply(w, http.StatusForbidden, problem{"the Host of a request has to be localhost"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// item is a dead letter without its body.
type item struct {
	ID        string    `json:"id"`
	Namespace string    `json:"namespace"`
	Source    string    `json:"source"`
	Received  time.Time `json:"received"`
	// Cause is undecodable, invalid or expired; Reason says in words what is wrong.
	Cause     spool.Cause `json:"cause"`
	Reason    string      `json:"reason"`
	EventType string      `json:"eventType,omitempty"`
	Bytes     int         `json:"bytes"`
}

// full is a dead letter.
type full struct {
	item
	Body string `json:"body"`
	// BodyEncoding is base64, or empty when the body is text.
	BodyEncoding string `json:"bodyEncoding,omitempty"`
}

type list struct {
	Items []item `json:"items"`
}

type replayed struct {
	Outcome ingest.Outcome `json:"outcome"`
	File    string         `json:"file"`
}

type problem struct {
	Error string `json:"error"`
}

func itemOf(l spool.Letter) item {
	return item{
		ID: strconv.FormatUint(l.ID, 10), Namespace: l.Namespace, Source: l.Source, Received: l.Received,
		Cause: l.Cause, Reason: l.Reason, EventType: l.EventType, Bytes: l.Size,
	}
}

func (a *api) list(w http.ResponseWriter, _ *http.Request) {
	letters, err := a.letters.Letters()
	if err != nil {
		a.fail(w, err)
		return
	}
	items := make([]item, 0, len(letters))
	for _, l := range letters {
		items = append(items, itemOf(l))
	}
	reply(w, http.StatusOK, list{Items: items})
}

func (a *api) show(w http.ResponseWriter, r *http.Request) {
	id, ok := identify(w, r)
	if !ok {
		return
	}
	letter, err := a.letters.Letter(id)
	if err != nil {
		a.fail(w, err)
		return
	}
	content := full{item: itemOf(letter), Body: string(letter.Body)}
	if !utf8.Valid(letter.Body) {
		content.Body, content.BodyEncoding = base64.StdEncoding.EncodeToString(letter.Body), "base64"
	}
	reply(w, http.StatusOK, content)
}

func (a *api) replay(w http.ResponseWriter, r *http.Request) {
	id, ok := identify(w, r)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), handleTimeout)
	defer cancel()
	result, err := a.letters.Replay(ctx, id)
	if err != nil {
		a.fail(w, err)
		return
	}
	a.log.Info("Replayed a dead letter", "id", id, "outcome", result.Outcome, "file", result.File)
	reply(w, http.StatusOK, replayed{Outcome: result.Outcome, File: result.File})
}

func (a *api) remove(w http.ResponseWriter, r *http.Request) {
	id, ok := identify(w, r)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), handleTimeout)
	defer cancel()
	if err := a.letters.DeleteLetter(ctx, id); err != nil {
		a.fail(w, err)
		return
	}
	a.log.Info("Deleted a dead letter", "id", id)
	w.WriteHeader(http.StatusNoContent)
}

// identify reads the number of a letter. What is no number names no letter.
func identify(w http.ResponseWriter, r *http.Request) (id uint64, ok bool) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		reply(w, http.StatusNotFound, problem{spool.ErrNoLetter.Error()})
		return 0, false
	}
	return id, true
}

// fail answers with an error. Who may ask here may read it all.
func (a *api) fail(w http.ResponseWriter, err error) {
	code := http.StatusServiceUnavailable
	switch {
	case errors.Is(err, spool.ErrNoLetter):
		code = http.StatusNotFound
	case errors.Is(err, spool.ErrRefused):
		code = http.StatusUnprocessableEntity
	}
	reply(w, code, problem{err.Error()})
}

// reply sends JSON. What cannot be sent any more is lost with its connection.
func reply(w http.ResponseWriter, code int, content any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(content)
}
