// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package container is the worker's side of the step kind container: what an image of the tenant's finds, and what of that
// which it leaves is published. The image runs between the two, in a container of its own.
package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/step"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// New reads the settings: workerapi.ContainerSettings.
func New(settings json.RawMessage) (step.External, error) {
	made := &container{}
	return made, step.Decode(settings, &made.settings)
}

type container struct {
	settings workerapi.ContainerSettings
}

// Prepare writes the documents and the params. The image's user may be another than this one, of the same group.
func (c *container) Prepare(dir string, inputs []workerapi.InputDocument) error {
	for name, document := range map[string]any{
		workerapi.RecordingDocumentName: c.settings.Recording,
		workerapi.InputsDocumentName:    workerapi.InputsDocument{Version: workerapi.InputsDocumentVersion, Inputs: inputs},
	} {
		data, err := json.MarshalIndent(document, "", "  ")
		if err != nil {
			return fmt.Errorf("encode %s: %w", name, err)
		}
		if err := write(filepath.Join(dir, name), append(data, '\n')); err != nil {
			return err
		}
	}
	for _, param := range c.settings.Params {
		if err := write(filepath.Join(dir, workerapi.ParamsDir, param.Name), []byte(param.Value)); err != nil {
			return err
		}
	}
	return nil
}

func write(path string, data []byte) error {
	return os.WriteFile(path, data, 0o640) //nolint:gosec // the image's group reads it
}

// Collect checks what the image has left.
func (c *container) Collect(dir string) (step.Product, []v1alpha1.StepResult, error) {
	product, err := c.product(filepath.Join(dir, workerapi.OutputDir))
	if err != nil {
		return step.Product{}, nil, err
	}
	results, err := c.results(filepath.Join(dir, workerapi.ResultsDir))
	return product, results, err
}

// results reads the results.
func (c *container) results(dir string) ([]v1alpha1.StepResult, error) {
	left, err := filesIn(dir, workerapi.ResultsDir)
	if err != nil {
		return nil, err
	}
	var results []v1alpha1.StepResult
	for _, declared := range c.settings.Results {
		if !left[declared.Name] {
			return nil, failure.Permanent(workerapi.ReasonOutputMissing, "the image has not written results/%s", declared.Name)
		}
		delete(left, declared.Name)
		value, err := readResult(dir, declared.Name)
		if err != nil {
			return nil, err
		}
		results = append(results, v1alpha1.StepResult{Name: declared.Name, Value: value})
	}
	for _, name := range sorted(left) {
		return nil, failure.Permanent(workerapi.ReasonOutputUndeclared, "the image has written results/%.80s, which results does not declare", name)
	}
	encoded, err := json.Marshal(results)
	if err != nil {
		return nil, fmt.Errorf("encode the results: %w", err)
	}
	if len(encoded) > workerapi.MaxResults {
		return nil, failure.Permanent(workerapi.ReasonResultTooLarge, "the results have %d bytes together; at most %d are allowed", len(encoded), workerapi.MaxResults)
	}
	return results, nil
}

func readResult(dir, name string) (string, error) {
	file, err := storage.OpenRegular(dir, name)
	if err != nil {
		return "", unreadable("results/"+name, err)
	}
	const most = workerapi.MaxResultValue + len("\r\n") // with a line break at its end
	data, err := io.ReadAll(io.LimitReader(file, int64(most+1)))
	if err = errors.Join(err, file.Close()); err != nil {
		return "", fmt.Errorf("read results/%s: %w", name, err)
	}
	value := strings.TrimRight(string(data), "\r\n")
	switch {
	case len(data) > most, len(value) > workerapi.MaxResultValue:
		return "", failure.Permanent(workerapi.ReasonResultTooLarge, "results/%s has more than %d bytes", name, workerapi.MaxResultValue)
	case !utf8.ValidString(value):
		return "", failure.Permanent(workerapi.ReasonResultInvalid, "results/%s is no UTF-8 text", name)
	case hasControl(value):
		return "", failure.Permanent(workerapi.ReasonResultInvalid, "results/%s holds a control character", name)
	}
	return value, nil
}

// unreadable says what to do about a file that may not be read.
func unreadable(name string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return failure.Permanent(workerapi.ReasonOutputUnreadable,
			"%.80s may not be read by group 65532, which publishes it: have the image write it with mode 0640 and its folders with 0750", name)
	}
	return fmt.Errorf("read %.80s: %w", name, err)
}
