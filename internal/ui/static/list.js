// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

import {make} from './dom.js';

export const keyOf = row => `${row.namespace}/${row.name}`;

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
// newer orders the newest first, as the server does.
const newer = (a, b) => b.created - a.created || compare(a.namespace, b.namespace) || compare(a.name, b.name);

// List is a table that follows the server. One of its rows is selected, and has the focus when the table has.
export class List {
  rows = new Map();
  elements = new Map();
  selected = '';

  constructor(id, label, columns, onOpen, onSelect) {
    this.columns = columns;
    this.body = make('tbody');
    this.table = make('table', {role: 'grid', id, 'aria-label': label, 'aria-describedby': 'count'},
      make('thead', {}, make('tr', {}, ...columns.map(({name, title}) => make('th', {scope: 'col', class: name, text: title})))), this.body);
    this.onSelect = onSelect;
    this.body.addEventListener('click', event => {
      const row = event.target.closest('tr');
      if (!row || getSelection().type === 'Range') return;
      this.select(row.dataset.key, true);
      onOpen(this.rows.get(row.dataset.key));
    });
  }

  // update takes in what changed. A reset forgets what was there before.
  update(part, reset) {
    if (reset) this.rows.clear();
    for (const key of part.gone ?? []) this.rows.delete(key);
    for (const row of part.changed ?? []) this.rows.set(keyOf(row), row);
    this.draw(new Set((part.changed ?? []).map(keyOf)), reset);
  }

  draw(changed, quietly) {
    const sorted = [...this.rows.values()].sort(newer);
    for (const [key, element] of this.elements) {
      if (this.rows.has(key)) continue;
      element.remove();
      this.elements.delete(key);
    }
    let next = this.body.firstElementChild;
    for (const row of sorted) {
      const key = keyOf(row);
      let element = this.elements.get(key);
      if (!element) {
        element = make('tr', {tabindex: '-1', data: {key}, 'aria-selected': 'false'});
        this.elements.set(key, element);
        changed.add(key);
      }
      if (changed.has(key)) {
        element.replaceChildren(...this.columns.map(({name, cell}) => make('td', {class: name, role: 'gridcell'}, ...cell(row))));
        element.classList.toggle('flash', !quietly);
      }
      if (element === next) next = next.nextElementSibling;
      else this.body.insertBefore(element, next);
    }
    this.table.setAttribute('aria-rowcount', String(sorted.length + 1));
    if (!this.rows.has(this.selected)) this.selected = '';
    this.mark();
  }

  // mark shows which row is selected. Without one, the first can be reached by the tab key.
  mark() {
    const reachable = this.selected || this.body.firstElementChild?.dataset.key;
    for (const [key, element] of this.elements) {
      element.setAttribute('aria-selected', String(key === this.selected));
      element.tabIndex = key === reachable ? 0 : -1;
    }
  }

  select(key, quietly = false) {
    if (!this.rows.has(key)) return;
    this.selected = key;
    this.mark();
    this.focus();
    if (!quietly) this.onSelect?.(this.rows.get(key));
  }

  focus() {
    const element = this.elements.get(this.selected) ?? this.body.firstElementChild;
    element?.focus({preventScroll: true});
    element?.scrollIntoView({block: 'nearest'});
  }

  // move selects the row so many rows further down.
  move(by) {
    const keys = [...this.body.children].map(element => element.dataset.key);
    const at = keys.indexOf(this.selected);
    const to = at < 0 ? 0 : Math.min(keys.length - 1, Math.max(0, at + by));
    if (keys[to]) this.select(keys[to]);
  }

  current() { return this.rows.get(this.selected); }
}
