// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

import {make} from './dom.js';

const numbers = new Intl.NumberFormat('en-US');
const times = new Intl.DateTimeFormat('en-GB', {dateStyle: 'medium', timeStyle: 'medium'});

export const number = n => numbers.format(n);

// lasted writes a number of seconds as kubectl writes an age.
export function lasted(seconds) {
  const s = Math.max(0, Math.floor(seconds)), m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
  const pair = (a, unit, b, small) => b ? `${a}${unit}${b}${small}` : `${a}${unit}`;
  if (s < 120) return `${s}s`;
  if (m < 10) return pair(m, 'm', s % 60, 's');
  if (h < 3) return `${m}m`;
  if (h < 8) return pair(h, 'h', m % 60, 'm');
  if (h < 48) return `${h}h`;
  if (d < 8) return pair(d, 'd', h % 24, 'h');
  if (d < 730) return `${d}d`;
  return pair(Math.floor(d / 365), 'y', d % 365, 'd');
}

// age is an element that says how long ago a time was, given in seconds since 1970. refreshAges keeps it up to date.
export function age(seconds) {
  const date = new Date(seconds * 1000);
  return make('time', {datetime: date.toISOString(), title: times.format(date), data: {since: seconds}, text: lasted(Date.now() / 1000 - seconds)});
}

export function refreshAges() {
  for (const element of document.querySelectorAll('time[data-since]')) {
    const text = lasted(Date.now() / 1000 - Number(element.dataset.since));
    if (element.textContent !== text) element.textContent = text;
  }
}

// ageOf is the age of a time as the API writes it.
export const ageOf = text => age(Date.parse(text) / 1000);

// time is an element that says when something was, in the reader's time zone.
export const time = text => make('time', {datetime: text, title: text, text: times.format(new Date(text))});
