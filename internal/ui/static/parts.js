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
const warning = text => text && make('div', {class: 'second warn', text, title: text});

// A column is one of a table: its class, its heading, and what is in its cell of a row.
const room = {name: 'room', title: 'Room', cell: row => lines(row.room ?? '', row.stream ?? '')};
const now = {name: 'now', title: 'Now', cell: row => [make('div', {class: 'clamp', text: row.now ?? '', title: row.now})]};
const length = {name: 'length', title: 'Length', cell: row => lines(row.duration ?? '', row.size ?? '')};
const created = {name: 'age', title: 'Age', cell: row => [age(row.created)]};

// fileColumns are those of RecordingFiles.
export const fileColumns = [
  {name: 'status', title: 'Status', cell: row => [pill(row.status), warning(row.reason)]},
  {name: 'name', title: 'File', cell: row => lines(row.name, `${row.namespace} · ${row.source}`)},
  room,
  {name: 'steps', title: 'Steps', cell: row => [make('div', {class: 'step-list'}, ...(row.steps ?? []).map(step))]},
  now, length, created,
];

// taskColumns are those of RecordingTasks.
export const taskColumns = [
  {name: 'status', title: 'State', cell: row => [pill(row.status), warning(row.filesMissing && 'FilesMissing')]},
  {name: 'name', title: 'Task', cell: row => lines(row.taskID, `${row.namespace} · ${row.source}`)},
  room,
  {name: 'files', title: 'Files', cell: row => [make('div', {text: row.files ?? ''})]},
  now, length, created,
];
