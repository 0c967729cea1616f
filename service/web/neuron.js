// One neuron: its weights, its weighted sum, bias and activation, and its strongest connections.

import { nameOf } from "./layers.js";
import { PIXEL_SIDE, make, paintSigned, top } from "./paint.js";
import { count, fixed, signed } from "./text.js";

const MOST_NAMED = 6;
const card = document.getElementById("neuron");

// What comes in by each weight (w · a), and what goes out by each (w · a of the neuron itself).
export function connectionsOf(parameters, activations) {
  const { layer, neuron, weights_in: into, weights_out: out } = parameters;
  const inputs = into.map((weight, index) => weight * activations[layer][index]);
  const outputs = out.map((weight) => weight * activations[layer + 1][neuron]);
  const named = (values, at) =>
    top(values, MOST_NAMED, Math.abs).filter((index) => values[index] !== 0)
      .map((index) => ({ layer: at, neuron: index, value: values[index] }));
  return { inputs, outputs, into: named(inputs, layer - 1), out: named(outputs, layer + 1) };
}

function weightsPicture({ layer, weights_in: weights }) {
  const side = layer === 0 ? PIXEL_SIDE : Math.ceil(Math.sqrt(weights.length));
  const padded = [...weights, ...Array(side * side - weights.length).fill(0)];
  const canvas = make("canvas", { width: 168, height: 168, role: "img" });
  canvas.ariaLabel = layer === 0 ? "Its weights, as a 28 by 28 image" : `Its ${weights.length} weights, row by row`;
  paintSigned(canvas, padded, null, side);
  const each = layer === 0 ? "where it looks for ink, and where for none" : "one for each neuron before it";
  const words = `its ${count(weights.length)} weights: ${each}`;
  return make("figure", {}, canvas, make("figcaption", { textContent: words }));
}

function row(name, value, key) {
  const cell = make("dd", { textContent: value });
  cell.dataset.value = key;
  return [make("dt", {}, name), cell];
}

function sumsOf({ layer, neuron, bias, activation }, inputs, answer) {
  const z = answer.z[layer][neuron];
  const sum = inputs.reduce((total, value) => total + value, 0);
  return make("dl", { className: "sums" },
    ...row("Σ w · a", fixed(sum, 5), "sum"),
    ...row("+ bias b", signed(bias, 5), "bias"),
    ...row("= sum z", fixed(z, 5), "z"),
    ...row(`a = ${activation}(z)`, fixed(answer.activations[layer + 1][neuron], 5), "a"));
}

function listOf(title, connections, network, look) {
  if (!connections.length) return "";
  const entries = connections.map(({ layer, neuron, value }) => {
    const pixel = `pixel, row ${Math.floor(neuron / PIXEL_SIDE)}, column ${neuron % PIXEL_SIDE}`;
    const button = { type: "button", className: "link", textContent: layer < 0 ? "" : nameOf(network, layer, neuron) };
    const name = layer < 0 ? make("span", { textContent: pixel }) : make("button", button);
    if (layer >= 0) name.addEventListener("click", () => look(layer, neuron));
    const className = value > 0 ? "for" : "against";
    return make("li", {}, name, make("span", { className, textContent: signed(value, 2) }));
  });
  return make("div", {}, make("h4", { textContent: title }), make("ul", { className: "links" }, ...entries));
}

// Show a neuron with its parameters, in the light of an answer. look(layer, neuron) goes to another.
export function showNeuron(parameters, connections, answer, network, look) {
  const { layer, neuron } = parameters;
  const name = nameOf(network, layer, neuron);
  card.dataset.neuron = `${layer}/${neuron}`;
  const title = make("h3", { textContent: name[0].toUpperCase() + name.slice(1) });
  const code = make("code", { textContent: `W${layer}[:, ${neuron}]  b${layer}[${neuron}]` });
  const place = make("p", { className: "note" }, code);
  card.replaceChildren(
    make("div", {}, title, place, weightsPicture(parameters)),
    make("div", {}, sumsOf(parameters, connections.inputs, answer)),
    make("div", { className: "lists" },
      listOf("Strongest in (w · a)", connections.into, network, look),
      listOf("Strongest out (w · a)", connections.out, network, look)));
}
