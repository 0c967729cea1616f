// The network panel: shows the layers and the selected neuron, whose parameters it fetches from the service.

import * as api from "./api.js";
import { LayersView } from "./layers.js";
import { connectionsOf, showNeuron } from "./neuron.js";

const MAX_CACHED = 400;
const HOVER_MS = 70;

export class NetworkPanel {
  #cache = new Map(); // the parameters of neurons, by "layer/neuron"
  #selected = null; // the [layer, neuron] that the user selected; by default, the predicted digit's
  #latest = 0; // numbers the requests, so that only the response to the latest is shown
  #timer = 0;

  // `onError(error)` is called if a neuron can't be fetched.
  constructor(element, showAllButton, onError) {
    Object.assign(this, { element, showAllButton, onError });
    showAllButton.addEventListener("click", () => this.#toggleAll());
    new ResizeObserver(() => this.#showSelected()).observe(element);
  }

  get model() {
    return this.description && `${this.description.name} ${this.description.version}`;
  }

  // Show a network, as described by GET /model/layers.
  use(description) {
    this.description = description;
    this.#cache.clear();
    this.#selected = null;
    this.view = new LayersView(this.element, description.layers, (layer, neuron) => this.#selectSoon(layer, neuron));
  }

  show(prediction) {
    if (!this.view) return;
    this.prediction = prediction;
    this.view.show(prediction);
    this.#showSelected();
  }

  #toggleAll() {
    const isPressed = this.showAllButton.getAttribute("aria-pressed") !== "true";
    this.showAllButton.setAttribute("aria-pressed", String(isPressed));
    this.showAllButton.textContent = isPressed ? "Show the most active" : "Show all neurons";
    this.element.parentElement.classList.toggle("all-neurons", isPressed);
    if (!this.view) return;
    this.view.showsAll = isPressed;
    if (this.prediction) this.show(this.prediction);
  }

  #showSelected() {
    if (!this.prediction) return;
    const [layer, neuron] = this.#selected ?? [this.description.layers.length - 1, this.prediction.digit];
    this.#show(layer, neuron);
  }

  // If the pointer moves over several neurons, only the last one is requested.
  #selectSoon(layer, neuron) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#select(layer, neuron), HOVER_MS);
  }

  #select(layer, neuron) {
    this.#selected = [layer, neuron];
    this.#show(layer, neuron);
  }

  async #show(layer, neuron) {
    const request = (this.#latest += 1);
    try {
      const parameters = await this.#parametersOf(layer, neuron);
      if (request !== this.#latest) return;
      const connections = connectionsOf(parameters, this.prediction.activations);
      const select = (...selected) => this.#select(...selected);
      showNeuron(parameters, connections, this.prediction, this.description.layers, select);
      this.view.markSelected(layer, neuron, connections.inputs, connections.outputs);
    } catch (error) {
      this.onError(error);
    }
  }

  async #parametersOf(layer, neuron) {
    const name = `${layer}/${neuron}`;
    if (!this.#cache.has(name)) {
      if (this.#cache.size >= MAX_CACHED) this.#cache.clear();
      this.#cache.set(name, await api.getNeuron(layer, neuron));
    }
    return this.#cache.get(name);
  }
}
