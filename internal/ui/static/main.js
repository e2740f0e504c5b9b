// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

import {detailOf} from './detail.js';
import {byId, make} from './dom.js';
import {number, refreshAges} from './format.js';
import {List} from './list.js';
import {fileColumns, taskColumns} from './parts.js';
import {Stream} from './stream.js';

// pause is how long a person stops to type before the filter is used, in milliseconds.
const pause = 200;

// chosen is what the page shows. It is kept in the address, after the #, which is never sent.
const chosen = {tab: 'files', namespace: '', room: '', text: '', fileState: '', taskState: '', ...Object.fromEntries(new URLSearchParams(location.hash.slice(1)))};
if (chosen.tab !== 'tasks') chosen.tab = 'files';

const lists = {
  files: new List('files', 'Recording files', fileColumns, row => openFile(row), row => { if (detail.isOpen) detail.open(row); }),
  tasks: new List('tasks', 'Recording tasks', taskColumns, row => showFilesOf(row)),
};
byId('list').prepend(...Object.values(lists).map(({table}) => table));
// tabs choose which list is shown, and have the number of its rows.
const tabs = {files: tabOf('files', 'Files'), tasks: tabOf('tasks', 'Tasks')};
byId('tabs').append(...Object.values(tabs));
const detail = detailOf(() => { keep(); document.body.classList.remove('split'); list().focus(); });
const stream = new Stream(update, (state, text) => {
  const connection = byId('connection');
  connection.dataset.state = state;
  if (connection.textContent !== text) connection.textContent = text;
});
let last;

const list = () => lists[chosen.tab];
const otherTab = () => (chosen.tab === 'files' ? 'tasks' : 'files');
const stateName = () => (chosen.tab === 'files' ? 'fileState' : 'taskState');

function tabOf(name, text) {
  const button = make('button', {type: 'button', role: 'tab', id: `tab-${name}`, 'aria-controls': 'list'}, `${text} `, make('b'));
  button.addEventListener('click', () => show(name));
  return button;
}

function keep() {
  const set = Object.entries({...chosen, open: detail.row ? `${detail.row.namespace}/${detail.row.name}` : ''});
  history.replaceState(null, '', `#${new URLSearchParams(set.filter(([name, value]) => value && !(name === 'tab' && value === 'files')))}`);
}

function follow() {
  keep();
  const {tab: _, open: __, ...filter} = chosen;
  stream.follow(filter);
}

function openFile(row) {
  document.body.classList.add('split');
  detail.open(row);
  keep();
}

// showFilesOf shows the files of a task.
function showFilesOf(task) {
  Object.assign(chosen, {tab: 'files', namespace: task.namespace, room: '', text: task.taskID, fileState: ''});
  drawFilter();
  follow();
}

function update(next, reset) {
  last = next;
  lists.files.update(next.files, reset);
  lists.tasks.update(next.tasks, reset);
  document.title = `Recordings · ${next.context || next.namespace || 'all namespaces'}`;
  byId('where').textContent = [next.context, next.namespace || 'all namespaces'].filter(Boolean).join(' · ');
  if (detail.isOpen) {
    const changed = (next.files.changed ?? []).find(row => row.namespace === detail.row.namespace && row.name === detail.row.name);
    if (changed) detail.open(changed);
  }
  if (chosen.open) {
    const [namespace, name] = chosen.open.split('/');
    delete chosen.open;
    openFile({namespace, name});
  }
  draw();
}

// draw shows what belongs to neither list.
function draw() {
  const {tab} = chosen, part = last?.[tab];
  for (const [name, button] of Object.entries(tabs)) {
    lists[name].table.hidden = name !== tab;
    button.setAttribute('aria-selected', String(name === tab));
    button.tabIndex = name === tab ? 0 : -1;
    button.querySelector('b').textContent = last ? number(last[name].total) : '';
  }
  byId('list').setAttribute('aria-labelledby', tabs[tab].id);
  if (!part) return;
  drawStates(part);
  drawNamespaces(last);
  byId('rooms').replaceChildren(...[...new Set([...list().rows.values()].map(row => row.room).filter(Boolean))].sort().slice(0, 100).map(room => make('option', {value: room})));
  const shown = list().rows.size, more = part.matched - shown;
  byId('count').textContent = more > 0
    ? `The newest ${number(shown)} of ${number(part.matched)} that match; ${number(more)} more: narrow the filter` + ofAll(part)
    : `${number(part.matched)} of ${number(part.total)} ${tab}`;
  byId('empty').hidden = shown > 0;
  byId('empty').textContent = !part.listed ? 'Reading …' : part.total ? 'Nothing matches the filter.' : `No recording ${tab} yet.`;
  const trouble = [last.files.trouble, last.tasks.trouble].filter(Boolean).join('\n');
  byId('trouble').hidden = !trouble;
  if (byId('trouble').textContent !== trouble) byId('trouble').textContent = trouble;
}

// order is that of the states: what goes on, what needs a person, what is done.
const order = ['Recording', 'Processing', 'Queued', 'Pending', 'Suspended', 'Silent', 'Failed', 'PartlySucceeded', 'Succeeded', 'Ended', 'Skipped'];
const place = state => (order.includes(state) ? order.indexOf(state) : order.length);

const ofAll = part => (part.total > part.matched ? ` (${number(part.total)} in all)` : '');

function drawStates(part) {
  const now = chosen[stateName()];
  const names = [...new Set([...Object.keys(part.states), now].filter(Boolean))].sort((a, b) => place(a) - place(b));
  const chip = (name, count, label) => {
    const button = make('button', {type: 'button', class: 'chip', 'aria-pressed': String(now === name), data: {state: name}},
      make('span', {text: label}), make('b', {text: number(count)}));
    button.addEventListener('click', () => { chosen[stateName()] = now === name ? '' : name; follow(); draw(); });
    return button;
  };
  const chips = [chip('', Object.values(part.states).reduce((sum, n) => sum + n, 0), 'All'), ...names.map(name => chip(name, part.states[name] ?? 0, name))];
  replaceKeepingFocus(byId('states'), chips, each => each.dataset.state);
}

function drawNamespaces({namespaces, namespace}) {
  const select = byId('namespace');
  select.parentElement.hidden = Boolean(namespace);
  const names = [...new Set([...namespaces, chosen.namespace].filter(Boolean))].sort();
  if (select.options.length - 1 === names.length && names.every((name, i) => select.options[i + 1].value === name)) return;
  select.replaceChildren(make('option', {value: '', text: 'All namespaces'}), ...names.map(name => make('option', {value: name, text: name})));
  select.value = chosen.namespace;
}

// replaceKeepingFocus replaces children, and gives the focus to the one that stands for the one that had it.
function replaceKeepingFocus(element, children, idOf) {
  const had = element.contains(document.activeElement) ? idOf(document.activeElement) : undefined;
  element.replaceChildren(...children);
  if (had !== undefined) children.find(each => idOf(each) === had)?.focus();
}

function drawFilter() {
  for (const name of ['text', 'room', 'namespace']) byId(name).value = chosen[name];
  draw();
}

let typing;
for (const name of ['text', 'room', 'namespace']) {
  byId(name).addEventListener('input', event => {
    chosen[name] = event.target.value.trim();
    clearTimeout(typing);
    typing = setTimeout(follow, pause);
  });
}
byId('filters').addEventListener('submit', event => { event.preventDefault(); list().focus(); });
// One tab can be reached by the tab key; the arrow keys lead to the other.
byId('tabs').addEventListener('keydown', event => {
  if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
  show(otherTab());
  tabs[chosen.tab].focus();
});
byId('help-button').addEventListener('click', () => byId('help').showModal());

function show(tab) {
  chosen.tab = tab;
  if (tab === 'tasks' && detail.isOpen) detail.close();
  keep();
  draw();
}

const keys = {
  j: () => list().move(1), ArrowDown: () => list().move(1),
  k: () => list().move(-1), ArrowUp: () => list().move(-1),
  Home: () => list().move(-Infinity), End: () => list().move(Infinity),
  Enter: () => { const row = list().current(); if (row && chosen.tab === 'files') openFile(row); else if (row) showFilesOf(row); },
  '/': () => byId('text').select(),
  t: () => show(otherTab()),
  '?': () => byId('help').showModal(),
  Escape: () => { if (detail.isOpen) detail.close(); },
};

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId('help').open) return;
  const inField = event.target.matches('input, select');
  if (inField && event.key === 'Escape') {
    event.preventDefault();
    list().focus();
    return;
  }
  const onButton = event.target.matches('button, a');
  const scrolls = byId('detail').contains(event.target) && ['ArrowDown', 'ArrowUp', 'Home', 'End'].includes(event.key);
  const does = keys[event.key];
  if (!does || inField || scrolls || onButton && event.key === 'Enter') return;
  event.preventDefault();
  does();
});

setInterval(refreshAges, 1000);
drawFilter();
follow();
