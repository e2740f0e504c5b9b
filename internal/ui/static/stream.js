// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Stream follows the server with a filter, and says how the connection is: live, waiting or lost. A page that nobody sees
// follows nothing.
export class Stream {
  constructor(onUpdate, onState) {
    this.onUpdate = onUpdate;
    this.onState = onState;
    document.addEventListener('visibilitychange', () => (document.hidden ? this.close() : this.open()));
  }

  // follow begins again with a filter.
  follow(filter) {
    this.query = new URLSearchParams(filter).toString();
    if (!document.hidden) this.open();
  }

  open() {
    this.close();
    const source = this.source = new EventSource(`stream?${this.query}`);
    let reset = true;
    source.onopen = () => { reset = true; };
    source.onmessage = event => {
      this.onState('live', 'live');
      this.onUpdate(JSON.parse(event.data), reset);
      reset = false;
    };
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) {
        this.onState('lost', 'connecting again: is “kubectl recordings ui” still running?');
        return;
      }
      this.onState('lost', 'refused: close other pages, or open the address that “kubectl recordings ui” printed last');
      this.again = setTimeout(() => this.open(), 5000);
    };
  }

  close() {
    clearTimeout(this.again);
    this.source?.close();
    this.source = undefined;
  }
}
