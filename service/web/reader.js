// The loop that has the drawing read: one request at a time, and the last answer wins.
// While the pen is down, it asks at intervals; when it is lifted, at once.

import * as service from "./service.js";

const INTERVAL_MS = 80;
const RETRY_MS = 1000;
// An answer that took longer is asked for without its details while the pen is down.
const QUICK_MS = 60;
const RECEIPT = "receipt=1";
const REASONS = `${RECEIPT}&explain=answer`;
const EVERYTHING = `${REASONS}&activations=1`;

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export class Reader {
  #wanted = false;
  #settled = true;
  #running = false;
  #turn = 0; // counts the drawings that were given up
  #lastMs = 0;
  #lifted = () => {};

  // capture() gives what is to be read; shown(answer, picture, settled) and failed(error) hear how it went,
  // emptied() that there is nothing, recovered() that an earlier failure is over; inSight() says whether the
  // neurons are on the screen.
  constructor(heard) {
    Object.assign(this, heard);
  }

  changed(settled) {
    this.#wanted = true;
    this.#settled = settled;
    if (settled) this.#lifted();
    if (!this.#running) this.#run();
  }

  // Drop the answer that is on its way.
  cancel() {
    this.#wanted = false;
    this.#turn += 1;
    this.#lifted();
  }

  async #run() {
    this.#running = true;
    try {
      while (this.#wanted) {
        this.#wanted = false;
        const settled = this.#settled;
        await this.#read(settled);
        if (!settled && !this.#settled) await this.#pauseUntilLifted(INTERVAL_MS);
      }
    } finally {
      this.#running = false;
    }
  }

  #pauseUntilLifted(milliseconds) {
    return Promise.race([pause(milliseconds), new Promise((resolve) => (this.#lifted = resolve))]);
  }

  // Ask for no more than can be seen or waited for while the pen is down.
  #query(settled) {
    if (settled) return EVERYTHING;
    if (this.#lastMs >= QUICK_MS) return RECEIPT;
    return this.inSight() ? EVERYTHING : REASONS;
  }

  async #read(settled) {
    const picture = await this.capture();
    if (!picture) return this.emptied();
    const turn = this.#turn;
    const began = performance.now();
    try {
      const answer = await service.predict(picture.blob, this.#query(settled));
      this.#lastMs = performance.now() - began;
      if (turn === this.#turn) await this.shown(answer, picture, settled && !this.#wanted);
    } catch (error) {
      await this.#fail(error, turn);
    }
  }

  // An error is shown only when the pen is up and the drawing has not changed since. Otherwise the drawing is
  // read again anyway, and that shows what is still wrong.
  async #fail(error, turn) {
    const isTransient = error instanceof service.Away || error.status === 503;
    if (!isTransient && !(error instanceof service.Refusal)) throw error; // a defect of the page itself
    if (turn !== this.#turn || (this.#settled && this.#wanted)) return;
    const retryMs = error.retrySeconds ? 1000 * error.retrySeconds : RETRY_MS;
    if (this.#settled) {
      this.failed(error);
      if (!isTransient) return;
      do await pause(retryMs);
      while (!(await service.isReady()));
      this.recovered();
    } else if (isTransient) {
      await this.#pauseUntilLifted(retryMs);
    }
    this.#wanted ||= isTransient;
  }
}
