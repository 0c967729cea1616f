// Shows the layers as groups of neurons, brighter for larger activations, and the selected neuron's connections.

import { largestIndices, largestMagnitude, paintGrey } from "./canvas.js";
import { make } from "./dom.js";
import { grouped, signed } from "./format.js";

const MAX_NEURONS = 70;
const MAX_LINES = 12;
const INPUT = -1; // the index of the input; the first hidden layer is 0

// Return a neuron's name, such as "hidden 1, neuron 12" for layer 0 and "digit 7" for the last layer.
export function nameOf(network, layer, neuron) {
  return layer === network.length - 1 ? `digit ${neuron}` : `hidden ${layer + 1}, neuron ${neuron}`;
}

export class LayersView {
  #groups = [];

  // `onSelect(layer, neuron)` is called when the pointer or the focus reaches a neuron.
  constructor(element, network, onSelect) {
    Object.assign(this, { element, network, onSelect, showsAll: false });
    this.image = make("canvas", { width: 140, height: 140, role: "img", ariaLabel: "The 784 inputs" });
    this.lines = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.lines.setAttribute("aria-hidden", "true");
    this.#groups = network.map((layer, index) => this.#makeGroup(layer, index));
    const input = make("div", { className: "layer input" }, make("h3", { textContent: "784 pixels" }), this.image);
    element.replaceChildren(this.lines, input, ...this.#groups.map(({ box }) => box));
  }

  #makeGroup({ neurons, activation }, layer) {
    const isOutput = layer === this.network.length - 1;
    const text = isOutput ? `${neurons} digits` : `Hidden ${layer + 1}: ${grouped(neurons)} ${activation}`;
    const title = make("h3", { id: `layer-${layer}`, textContent: text });
    const note = make("p", { className: "note" });
    const grid = make("div", { className: "neurons", role: "group" });
    grid.setAttribute("aria-labelledby", title.id);
    grid.addEventListener("keydown", (event) => this.#moveFocus(event, grid));
    for (const name of ["focusin", "pointerover", "click"]) {
      grid.addEventListener(name, ({ target }) => {
        if (target.dataset.neuron) this.onSelect(layer, Number(target.dataset.neuron));
      });
    }
    const className = isOutput ? "layer output" : "layer";
    return { box: make("div", { className }, title, note, grid), grid, note, isOutput };
  }

  // Arrow keys move the focus within a layer. Tab moves it to the next layer.
  #moveFocus(event, grid) {
    const cells = [...grid.children];
    const index = cells.indexOf(event.target);
    const columns = cells.filter((cell) => cell.offsetTop === cells[0].offsetTop).length;
    const ends = { Home: -index, End: cells.length - 1 - index };
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, ...ends }[event.key];
    if (step === undefined || !cells[index + step]) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    cells[index + step].tabIndex = 0;
    cells[index + step].focus();
  }

  show({ activations, z }) {
    paintGrey(this.image, activations[0]);
    this.#groups.forEach((group, layer) => this.#showLayer(group, activations[layer + 1], z[layer]));
  }

  #showLayer({ grid, note, isOutput }, activations, z) {
    const largest = largestMagnitude(activations) || 1;
    const showsAll = this.showsAll || isOutput;
    const shown = showsAll ? [...activations.keys()] : largestIndices(activations, MAX_NEURONS);
    const active = activations.filter((a) => a !== 0).length;
    const selection = shown.length < activations.length ? `, top ${shown.length} shown` : "";
    note.textContent = isOutput ? "" : `${active} active${selection}`;
    while (grid.children.length > shown.length) grid.lastChild.remove();
    while (grid.children.length < shown.length) {
      grid.append(make("button", { type: "button", className: "cell", tabIndex: grid.children.length ? -1 : 0 }));
    }
    shown.forEach((neuron, index) => {
      const cell = grid.children[index];
      const values = `z ${signed(z[neuron], 2)}, a ${signed(activations[neuron], 2)}`;
      cell.dataset.neuron = neuron;
      cell.ariaLabel = `${isOutput ? "Digit" : "Neuron"} ${neuron}, ${values}`;
      cell.style.setProperty("--glow", Math.abs(activations[neuron]) / largest);
      if (isOutput) cell.textContent = neuron;
    });
    grid.classList.toggle("dense", this.showsAll && !isOutput);
  }

  #cellOf(layer, neuron) {
    return this.#groups[layer]?.grid.querySelector(`[data-neuron="${neuron}"]`);
  }

  // Mark the selected neuron, and draw lines for its strongest connections to visible neurons. `inputs` holds
  // w · a for each neuron of the layer before, `outputs` for each neuron of the layer after.
  markSelected(layer, neuron, inputs, outputs) {
    for (const old of this.element.querySelectorAll(".selected")) old.classList.remove("selected");
    const cell = this.#cellOf(layer, neuron);
    cell?.classList.add("selected");
    this.lines.replaceChildren();
    if (!cell) return;
    this.#connect(cell, layer - 1, inputs);
    this.#connect(cell, layer + 1, outputs);
  }

  #connect(cell, layer, values) {
    const isInput = layer === INPUT;
    const cells = [...(this.#groups[layer]?.grid.children ?? [])];
    const visible = isInput ? [...values.keys()] : cells.map(({ dataset }) => Number(dataset.neuron));
    const strongest = largestIndices(visible.map((neuron) => values[neuron]), MAX_LINES, Math.abs);
    const largest = largestMagnitude(strongest.map((place) => values[visible[place]])) || 1;
    for (const place of strongest) {
      const strength = values[visible[place]] / largest;
      const end = isInput ? this.#pixelPosition(visible[place]) : this.#positionOf(cells[place]);
      if (strength) this.lines.append(this.#makeLine(this.#positionOf(cell), end, strength));
    }
  }

  #makeLine([x1, y1], [x2, y2], strength) {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    const look = { "stroke-width": 0.6 + 2.4 * Math.abs(strength), class: strength > 0 ? "for" : "against" };
    for (const [name, value] of Object.entries({ x1, y1, x2, y2, ...look })) line.setAttribute(name, value);
    return line;
  }

  // Return a position in an element, by default its centre, relative to the view.
  #positionOf(element, right = 0.5, down = 0.5) {
    const [box, view] = [element.getBoundingClientRect(), this.element.getBoundingClientRect()];
    return [box.left - view.left + box.width * right, box.top - view.top + box.height * down];
  }

  #pixelPosition(index) {
    return this.#positionOf(this.image, ((index % 28) + 0.5) / 28, (Math.floor(index / 28) + 0.5) / 28);
  }
}
