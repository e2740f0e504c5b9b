// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

import {byId, copyButton, make} from './dom.js';
import {age, ageOf, number, time} from './format.js';
import {meter, pill} from './parts.js';

// every is how often the detail is read again while nothing of the file changes: pods and events do not change the file.
const every = 5000;

const term = (name, ...value) => [make('dt', {text: name}), make('dd', {}, ...value)];
const ago = element => make('span', {}, element, ' ago');
const code = text => make('code', {text});
const section = (title, ...content) => make('section', {}, make('h3', {text: title}), ...content);
const copied = (text, what) => make('span', {class: 'copied'}, code(text), copyButton(text, what));

// Detail shows one file, and follows it.
export class Detail {
  constructor(element, onClose) {
    this.element = element;
    this.onClose = onClose;
    setInterval(() => { if (this.row && !document.hidden) this.load(); }, every);
  }

  get isOpen() { return !this.element.hidden; }

  open(row) {
    const other = !this.row || this.row.name !== row.name || this.row.namespace !== row.namespace;
    this.row = row;
    this.element.hidden = false;
    if (other) {
      this.last = undefined;
      this.element.replaceChildren(this.header(row), make('p', {class: 'note', text: 'reading …'}));
    }
    this.load();
  }

  close() {
    this.row = undefined;
    this.element.hidden = true;
    this.element.replaceChildren();
    this.onClose();
  }

  // load reads the file. Of several answers the last one asked for counts.
  async load() {
    const row = this.row;
    const asked = this.asked = Symbol('asked');
    let text, ok;
    try {
      const answer = await fetch(`files/${encodeURIComponent(row.namespace)}/${encodeURIComponent(row.name)}`);
      [ok, text] = [answer.ok, await answer.text()];
    } catch {
      [ok, text] = [false, 'The page cannot reach “kubectl recordings ui”.'];
    }
    if (this.asked !== asked || this.row !== row) return;
    if (text === this.last) return;
    this.last = text;
    const {scrollTop} = this.element;
    const kept = this.element.contains(document.activeElement) && document.activeElement !== this.element ? document.activeElement.getAttribute('aria-label') : null;
    if (ok) this.draw(JSON.parse(text));
    else this.element.replaceChildren(this.header(row), make('p', {class: 'note warn', role: 'alert', text}));
    this.element.scrollTop = scrollTop;
    // What had the focus has it again.
    if (kept) [...this.element.querySelectorAll('[aria-label]')].find(each => each.getAttribute('aria-label') === kept)?.focus({preventScroll: true});
  }

  header(file) {
    const close = make('button', {type: 'button', class: 'close', 'aria-label': 'Close', title: 'Close (Esc)', text: '×'});
    close.addEventListener('click', () => this.close());
    return make('header', {},
      make('div', {class: 'title'}, make('h2', {text: file.name}), copyButton(file.name, 'the name'), close),
      make('p', {class: 'second', text: [file.namespace, file.source, file.pipeline, file.run > 1 ? `run ${file.run}` : ''].filter(Boolean).join(' · ')}));
  }

  draw(file) {
    this.element.replaceChildren(
      this.header(file), this.summary(file),
      section('Steps', ...(file.steps.length ? file.steps.map(drawStep) : [make('p', {class: 'note', text: 'None yet.'})])),
      section('Recording', make('dl', {class: 'facts'}, ...facts(file).flat())),
      ...(file.tasks?.length ? [section('Tasks', ...file.tasks.map(drawTask))] : []),
      section('Conditions', make('div', {class: 'entries'}, ...file.conditions.map(drawCondition))),
      section('Events', file.events.length ? make('div', {class: 'entries'}, ...file.events.map(drawEvent)) : make('p', {class: 'note', text: 'None are kept: the API server forgets events after an hour.'})),
      section('In a terminal', ...commands(file).map(([text, what]) => copied(text, what))),
      ...(file.leftOut ?? []).map(text => make('p', {class: 'note warn', text: `Left out: ${text}`})));
  }

  summary(file) {
    const waits = file.waitingFor && `${file.waitingFor}${file.position ? `; number ${number(file.position)} of its source` : ''}`;
    return make('div', {class: 'summary', data: {state: file.status}},
      pill(file.status), file.suspended && make('span', {class: 'tag', text: 'suspended'}), file.deleting && make('span', {class: 'tag', text: 'being deleted'}),
      make('p', {text: file.message}),
      waits && make('p', {}, make('strong', {text: 'Waits for '}), make('span', {text: waits})));
  }
}

function facts(file) {
  return [
    ['Room', file.room], ['Stream', file.stream],
  ].filter(([, text]) => text).map(([name, text]) => term(name, make('span', {text}))).concat(
    file.facts.map(fact => term(fact.name, fact.time ? time(fact.time) : fact.copy ? copied(fact.text, fact.name) : make('span', {text: fact.text}))),
    [term('Created', ago(age(file.created)))],
    (file.history ?? []).map(run => term(`Run ${run.run}`, make('span', {text: run.reason ?? ''}), run.completionTime && ago(ageOf(run.completionTime)))));
}

function drawStep(step) {
  const times = [step.stage, step.took && `took ${step.took}`, step.attempts > 1 && `${step.attempts} attempts`].filter(Boolean).join(' · ');
  const percent = step.progress?.percent;
  return make('article', {class: 'card', data: {state: step.state}, 'aria-label': `Step ${step.name}`},
    make('div', {class: 'card-head'}, make('strong', {text: step.name}), pill(step.state), step.reason && make('span', {class: 'tag', text: step.reason}),
      make('span', {class: 'right', text: percent === undefined ? times : `${percent}% · ${times}`})),
    step.state === 'Running' && meter(step.state, percent),
    step.message && make('p', {text: step.message}),
    step.retry?.nextTime && make('p', {}, make('span', {text: 'Tried again at '}), time(step.retry.nextTime)),
    ...(step.files ?? []).map(drawOutput),
    step.manifest && make('div', {class: 'output'}, make('span', {class: 'second', text: step.moreOutputs ? `manifest, which lists ${number(step.moreOutputs)} more` : 'manifest'}), copied(step.manifest.uri, 'the URI of the manifest')),
    make('dl', {class: 'facts'}, ...[
      step.startTime && !step.completionTime && term('Started', ago(ageOf(step.startTime))),
      step.completionTime && term('Ended', time(step.completionTime)),
      step.object && term(step.object.kind, code(step.object.name)),
      ...(step.results ?? []).map(result => term(`result ${result.name}`, code(result.value))),
      step.jobName && term('Job', code(step.jobName), step.job && make('span', {class: 'second', text: step.job})),
      ...(step.pods ?? []).map(pod => term('Pod', code(pod.name), make('span', {class: 'second', text: pod.state}))),
    ].filter(Boolean).flat()));
}

function drawOutput(output) {
  return make('div', {class: 'output'},
    make('span', {class: 'second', text: [output.size, output.media].filter(Boolean).join(' · ')}),
    copied(output.uri || output.name, `the URI of ${output.name}`));
}

function drawTask(task) {
  return make('article', {class: 'card', data: {state: task.status}},
    make('div', {class: 'card-head'}, code(task.taskID), pill(task.status), make('span', {class: 'right', text: [task.files && `${task.files} files`, task.duration].filter(Boolean).join(' · ')})),
    task.now && make('p', {text: task.now}));
}

// entry is a condition or an event.
function entry(tone, title, tag, when, message) {
  return make('div', {class: 'entry', data: {tone}},
    make('div', {class: 'card-head'}, make('strong', {text: title}), tag && make('span', {class: 'tag', text: tag}), make('span', {class: 'right'}, when)),
    message && make('p', {text: message}));
}

function drawCondition(condition) {
  const bad = condition.type === 'Stalled' ? condition.status === 'True' : condition.status === 'False' && condition.type !== 'Ready';
  return entry(bad ? 'bad' : '', condition.type, `${condition.status} · ${condition.reason}`, ageOf(condition.lastTransitionTime), condition.message);
}

function drawEvent(event) {
  return entry(event.type === 'Warning' ? 'bad' : '', event.reason, event.count > 1 ? `${number(event.count)} times` : '', ageOf(event.time), event.message);
}

// commands are what a person may go on with. The names are those of objects, which need no quotes.
function commands(file) {
  const about = command => `kubectl recordings -n ${file.namespace} ${command} ${file.name}`;
  const failed = file.steps.find(step => step.state === 'Failed') ?? file.steps.find(step => step.state === 'Running');
  const all = [[about('tree'), 'the command tree']];
  if (failed) all.push([`${about('logs')} ${failed.name}`, 'the command logs']);
  if (file.status === 'Failed' || file.status === 'PartlySucceeded') all.push([about('retry'), 'the command retry']);
  if (file.suspended) all.push([about('resume'), 'the command resume']);
  return all;
}

export const detailOf = onClose => new Detail(byId('detail'), onClose);
