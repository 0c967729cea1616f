// Requests predictions for the drawing: one request at a time, always for the newest drawing.
// While the pen is down it sends requests at intervals; when the pen is lifted, it sends one at once.

import * as api from "./api.js";

const INTERVAL_MS = 80;
const RETRY_MS = 1000;
// If a response took longer than this, the loop requests fewer details while the pen is down.
const FAST_RESPONSE_MS = 60;
const RECEIPT = "receipt=1";
const EXPLANATION = `${RECEIPT}&explain=answer`;
const ALL_DETAILS = `${EXPLANATION}&activations=1`;

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export class PredictionLoop {
  #isRequested = false;
  #isPenUp = true;
  #isRunning = false;
  #generation = 0; // increases with each cancellation; responses of earlier generations are dropped
  #lastResponseMs = 0;
  #onPenUp = () => {};

  // `callbacks` are:
  //   capture()                               returns the image to send, or null if there is no ink
  //   needsActivations()                      returns whether the network panel is on the screen
  //   onPrediction(prediction, image, isFinal), onError(error), onEmpty(), onRecovered()
  constructor(callbacks) {
    Object.assign(this, callbacks);
  }

  // Request a prediction for the drawing as it is now.
  request(isPenUp) {
    this.#isRequested = true;
    this.#isPenUp = isPenUp;
    if (isPenUp) this.#onPenUp();
    if (!this.#isRunning) this.#run();
  }

  // Withdraw the request, and drop the response that is pending.
  cancel() {
    this.#isRequested = false;
    this.#generation += 1;
  }

  async #run() {
    this.#isRunning = true;
    try {
      while (this.#isRequested) {
        this.#isRequested = false;
        const isPenUp = this.#isPenUp;
        await this.#predict(isPenUp);
        if (!isPenUp) await this.#pauseUntilPenUp(INTERVAL_MS);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  async #pauseUntilPenUp(milliseconds) {
    if (this.#isPenUp) return;
    await Promise.race([pause(milliseconds), new Promise((resolve) => (this.#onPenUp = resolve))]);
  }

  // While the pen is down, request only the details that are visible and arrive quickly.
  #query(isPenUp) {
    if (isPenUp) return ALL_DETAILS;
    if (this.#lastResponseMs >= FAST_RESPONSE_MS) return RECEIPT;
    return this.needsActivations() ? ALL_DETAILS : EXPLANATION;
  }

  async #predict(isPenUp) {
    const generation = this.#generation;
    const image = await this.capture();
    if (!image) return this.onEmpty();
    const start = performance.now();
    try {
      const prediction = await api.predict(image.png, this.#query(isPenUp));
      this.#lastResponseMs = performance.now() - start;
      if (generation !== this.#generation) return;
      await this.onPrediction(prediction, image, isPenUp && !this.#isRequested);
    } catch (error) {
      if (!(error instanceof api.Unreachable || error instanceof api.ErrorResponse)) throw error; // a bug of the page
      if (generation === this.#generation) await this.#handle(error);
    }
  }

  // An error is shown only if the pen is up and no newer drawing is waiting. Otherwise the next request will
  // show the error, if it persists.
  async #handle(error) {
    const isTransient = api.isTransient(error);
    const retryMs = error.retrySeconds ? 1000 * error.retrySeconds : RETRY_MS;
    if (this.#isPenUp && this.#isRequested) return;
    if (this.#isPenUp) {
      this.onError(error);
      if (isTransient) await this.#waitUntilReady(retryMs);
    } else if (isTransient) {
      await this.#pauseUntilPenUp(retryMs);
    }
    this.#isRequested ||= isTransient;
  }

  async #waitUntilReady(retryMs) {
    do await pause(retryMs);
    while (!(await api.isReady()));
    this.onRecovered();
  }
}
