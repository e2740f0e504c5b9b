// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

import {make} from './dom.js';
import {age} from './format.js';

// pill is a state with its color.
export const pill = (state, about) => make('span', {class: 'pill', data: {state}, title: about, text: state});

// meter is the bar of a step. What is not known of a running step is drawn as such.
export function meter(state, percent) {
  const fill = make('i');
  const bar = make('span', {class: 'meter', data: {state, ...(state === 'Running' && percent === undefined ? {unknown: ''} : {})}}, fill);
  fill.style.width = `${percent ?? (['Pending', 'Queued', 'Skipped'].includes(state) ? 0 : 100)}%`;
  return bar;
}

function step({name, state, percent}) {
  const label = `${name}: ${state}${percent === undefined ? '' : ` ${percent}%`}`;
  return make('span', {class: 'step', role: 'img', 'aria-label': label, title: label},
    make('span', {class: 'step-name', text: name}), meter(state, percent));
}

const lines = (first, second, title) => [make('div', {class: 'first', text: first, title: title ?? first}), make('div', {class: 'second', text: second, title: second})];
const cell = (kind, ...children) => make('td', {class: kind, role: 'gridcell'}, ...children);

// fileCells are the cells of a RecordingFile.
export function fileCells(row) {
  return [
    cell('status', pill(row.status), row.reason && make('div', {class: 'second warn', text: row.reason, title: row.reason})),
    cell('name', ...lines(row.name, `${row.namespace} · ${row.source}`)),
    cell('room', ...lines(row.room ?? '', row.stream ?? '')),
    cell('steps', make('div', {class: 'step-list'}, ...(row.steps ?? []).map(step))),
    cell('now', make('div', {class: 'clamp', text: row.now ?? '', title: row.now})),
    cell('length', ...lines(row.duration ?? '', row.size ?? '')),
    cell('age', age(row.created)),
  ];
}

// taskCells are the cells of a RecordingTask.
export function taskCells(row) {
  return [
    cell('status', pill(row.status), row.filesMissing && make('div', {class: 'second warn', text: 'FilesMissing'})),
    cell('name', ...lines(row.taskID, `${row.namespace} · ${row.source}`)),
    cell('room', ...lines(row.room ?? '', row.stream ?? '')),
    cell('files', make('div', {text: row.files ?? ''})),
    cell('now', make('div', {class: 'clamp', text: row.now ?? '', title: row.now})),
    cell('length', ...lines(row.duration ?? '', row.size ?? '')),
    cell('age', age(row.created)),
  ];
}
