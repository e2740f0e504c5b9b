// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// make builds an element. Texts are set as text and never parsed: the names of recordings are untrusted input.
export function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  const {text, data = {}, ...attributes} = options;
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(data)) element.dataset[name] = value;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter(child => child));
  return element;
}

export const byId = id => document.getElementById(id);

// say has screen readers say a text.
export function say(text) { byId('said').textContent = text; }

// copyButton copies a text.
export function copyButton(text, what) {
  const button = make('button', {type: 'button', class: 'copy', 'aria-label': `Copy ${what}`, title: 'Copy', text: 'Copy'});
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
      say(`Copied ${what}`);
    } catch {
      button.textContent = 'Not allowed';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  });
  return button;
}
