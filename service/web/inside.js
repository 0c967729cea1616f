// The network's inside: keeps which neuron is looked at, and fetches its parameters from the service.

import { Layers } from "./layers.js";
import { connectionsOf, showNeuron } from "./neuron.js";
import * as service from "./service.js";

const MOST_KEPT = 400;
const HOVER_MS = 70;

export class Inside {
  #kept = new Map();
  #looked = null; // the neuron that the reader chose; until then it is the answer's
  #showing = 0;
  #timer = 0;

  // failed(error) hears that a neuron can't be fetched.
  constructor(element, all, failed) {
    Object.assign(this, { element, all, failed });
    all.addEventListener("click", () => this.#toggleAll());
    new ResizeObserver(() => this.#lookAgain()).observe(element);
  }

  get model() {
    return this.about && `${this.about.name} ${this.about.version}`;
  }

  // Take a network to show, as GET /model/layers has it.
  use(about) {
    this.about = about;
    this.#kept.clear();
    this.#looked = null;
    this.layers = new Layers(this.element, about.layers, (layer, neuron) => this.#soon(layer, neuron));
  }

  show(answer) {
    if (!this.layers) return;
    this.answer = answer;
    this.layers.show(answer);
    this.#lookAgain();
  }

  #toggleAll() {
    const pressed = this.all.getAttribute("aria-pressed") !== "true";
    this.all.setAttribute("aria-pressed", String(pressed));
    this.all.textContent = pressed ? "Show the most active" : "Show all neurons";
    this.element.parentElement.classList.toggle("whole", pressed);
    if (!this.layers) return;
    this.layers.all = pressed;
    if (this.answer) this.show(this.answer);
  }

  #lookAgain() {
    if (!this.answer) return;
    const [layer, neuron] = this.#looked ?? [this.about.layers.length - 1, this.answer.digit];
    this.#look(layer, neuron);
  }

  // A pointer that passes over many neurons asks for the last one alone.
  #soon(layer, neuron) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.look(layer, neuron), HOVER_MS);
  }

  look(layer, neuron) {
    this.#looked = [layer, neuron];
    return this.#look(layer, neuron);
  }

  async #look(layer, neuron) {
    const turn = (this.#showing += 1);
    try {
      const parameters = await this.#parameters(layer, neuron);
      if (turn !== this.#showing) return; // another is looked at by now
      const found = connectionsOf(parameters, this.answer.activations);
      showNeuron(parameters, found, this.answer, this.about.layers, (l, n) => this.look(l, n));
      this.layers.mark(layer, neuron, found.inputs, found.outputs);
    } catch (error) {
      this.failed(error);
    }
  }

  async #parameters(layer, neuron) {
    const name = `${layer}/${neuron}`;
    if (!this.#kept.has(name)) {
      if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
      this.#kept.set(name, await service.neuron(layer, neuron));
    }
    return this.#kept.get(name);
  }
}
