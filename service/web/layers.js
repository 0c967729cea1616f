// The layers as groups of glowing neurons, and the lines of the one that is looked at.

import { largest, make, paintPixels, top } from "./paint.js";
import { count, signed } from "./text.js";

const MOST_SHOWN = 70;
const MOST_LINES = 12;

// A neuron's name: layer 0's are "hidden 1", the last layer's are the digits.
export function nameOf(network, layer, neuron) {
  return layer === network.length - 1 ? `digit ${neuron}` : `hidden ${layer + 1}, neuron ${neuron}`;
}

export class Layers {
  #groups = [];

  // look(layer, neuron) hears which neuron is pointed at, or has the focus.
  constructor(element, network, look) {
    Object.assign(this, { element, network, look, all: false });
    this.image = make("canvas", { width: 140, height: 140, role: "img", ariaLabel: "The 784 inputs" });
    this.lines = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.lines.setAttribute("aria-hidden", "true");
    this.#groups = network.map((layer, index) => this.#group(layer, index));
    const input = make("div", { className: "layer input" }, make("h3", { textContent: "784 pixels" }), this.image);
    element.replaceChildren(this.lines, input, ...this.#groups.map(({ box }) => box));
  }

  #group({ neurons, activation }, layer) {
    const last = layer === this.network.length - 1;
    const words = last ? `${neurons} digits` : `Hidden ${layer + 1}: ${count(neurons)} ${activation}`;
    const title = make("h3", { id: `layer-${layer}`, textContent: words });
    const note = make("p", { className: "note" });
    const grid = make("div", { className: "neurons", role: "group" });
    grid.setAttribute("aria-labelledby", title.id);
    grid.addEventListener("keydown", (event) => this.#step(event, grid));
    for (const name of ["focusin", "pointerover", "click"]) {
      grid.addEventListener(name, ({ target }) => {
        if (target.dataset.neuron) this.look(layer, Number(target.dataset.neuron));
      });
    }
    return { box: make("div", { className: last ? "layer output" : "layer" }, title, note, grid), grid, note, last };
  }

  // Arrow keys go from neuron to neuron, Tab from layer to layer.
  #step(event, grid) {
    const cells = [...grid.children];
    const at = cells.indexOf(event.target);
    const across = cells.filter((cell) => cell.offsetTop === cells[0].offsetTop).length;
    const ends = { Home: -at, End: cells.length - 1 - at };
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across, ...ends }[event.key];
    if (by === undefined || !cells[at + by]) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    cells[at + by].tabIndex = 0;
    cells[at + by].focus();
  }

  show(answer) {
    this.answer = answer;
    paintPixels(this.image, answer.activations[0]);
    this.#groups.forEach((group, layer) => this.#light(group, answer.activations[layer + 1], answer.z[layer]));
  }

  #light({ grid, note, last }, activations, z) {
    const most = largest(activations) || 1;
    const number = this.all || last ? activations.length : Math.min(MOST_SHOWN, activations.length);
    const shown = this.all || last ? [...activations.keys()] : top(activations, number);
    const active = activations.filter((a) => a !== 0).length;
    note.textContent = last ? "" : `${active} active${number < activations.length ? `, the ${number} most shown` : ""}`;
    while (grid.children.length > number) grid.lastChild.remove();
    while (grid.children.length < number) {
      grid.append(make("button", { type: "button", className: "cell", tabIndex: grid.children.length ? -1 : 0 }));
    }
    shown.forEach((neuron, index) => {
      const cell = grid.children[index];
      const sums = `z ${signed(z[neuron], 2)}, a ${signed(activations[neuron], 2)}`;
      cell.dataset.neuron = neuron;
      cell.ariaLabel = `${last ? "Digit" : "Neuron"} ${neuron}, ${sums}`;
      cell.style.setProperty("--glow", Math.abs(activations[neuron]) / most);
      if (last) cell.textContent = neuron;
    });
    grid.classList.toggle("dense", this.all && !last);
  }

  cell(layer, neuron) {
    return this.#groups[layer]?.grid.querySelector(`[data-neuron="${neuron}"]`);
  }

  // Mark the neuron that is looked at, and draw lines for its strongest connections to what is shown:
  // inputs are w · a from all before it, outputs from it to all behind it.
  mark(layer, neuron, inputs, outputs) {
    for (const old of this.element.querySelectorAll(".looked")) old.classList.remove("looked");
    const here = this.cell(layer, neuron);
    here?.classList.add("looked");
    this.lines.replaceChildren();
    if (!here) return;
    this.#connect(here, layer - 1, inputs);
    this.#connect(here, layer + 1, outputs);
  }

  #connect(here, other, values) {
    const cells = [...(this.#groups[other]?.grid.children ?? [])];
    const ends = other < 0 ? [...values.keys()] : cells.map((cell) => Number(cell.dataset.neuron));
    const strongest = top(ends.map((index) => values[index]), MOST_LINES, Math.abs);
    const most = largest(strongest.map((place) => values[ends[place]])) || 1;
    for (const place of strongest) {
      const strength = values[ends[place]] / most;
      const there = other < 0 ? this.image : cells[place];
      if (strength) this.lines.append(this.#line(here, there, ends[place], other < 0, strength));
    }
  }

  #line(here, there, index, isPixel, strength) {
    const [x1, y1] = this.#middle(here);
    const [x2, y2] = isPixel ? this.#pixel(there, index) : this.#middle(there);
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    const look = { "stroke-width": 0.6 + 2.4 * Math.abs(strength), class: strength > 0 ? "for" : "against" };
    for (const [name, value] of Object.entries({ x1, y1, x2, y2, ...look })) line.setAttribute(name, value);
    return line;
  }

  #middle(element, across = 0.5, down = 0.5) {
    const [box, around] = [element.getBoundingClientRect(), this.element.getBoundingClientRect()];
    return [box.left - around.left + box.width * across, box.top - around.top + box.height * down];
  }

  #pixel(image, index) {
    return this.#middle(image, ((index % 28) + 0.5) / 28, (Math.floor(index / 28) + 0.5) / 28);
  }
}
