// Shows one neuron: its weights, its weighted sum, bias and activation, and its strongest connections.

import { PIXEL_SIDE, largestIndices, paintSigned } from "./canvas.js";
import { make } from "./dom.js";
import { fixed, grouped, signed } from "./format.js";
import { nameOf } from "./layers.js";

const MAX_LISTED = 6;
const card = document.getElementById("neuron");

// Return w · a for each connection into the neuron and out of it, and the strongest of each.
export function connectionsOf(parameters, activations) {
  const { layer, neuron, weights_in: weightsIn, weights_out: weightsOut } = parameters;
  const inputs = weightsIn.map((weight, index) => weight * activations[layer][index]);
  const outputs = weightsOut.map((weight) => weight * activations[layer + 1][neuron]);
  const strongest = (values, ofLayer) =>
    largestIndices(values, MAX_LISTED, Math.abs).filter((index) => values[index] !== 0)
      .map((index) => ({ layer: ofLayer, neuron: index, value: values[index] }));
  return {
    inputs,
    outputs,
    strongestInputs: strongest(inputs, layer - 1),
    strongestOutputs: strongest(outputs, layer + 1),
  };
}

function makeWeightsFigure({ layer, weights_in: weights }) {
  const side = layer === 0 ? PIXEL_SIDE : Math.ceil(Math.sqrt(weights.length));
  const padded = [...weights, ...Array(side * side - weights.length).fill(0)];
  const canvas = make("canvas", { width: 168, height: 168, role: "img" });
  canvas.ariaLabel = layer === 0 ? "The weights as a 28 by 28 image" : `The ${weights.length} weights, row by row`;
  paintSigned(canvas, padded, null, side);
  const meaning = layer === 0 ? "orange favours ink, blue opposes it" : "one per neuron of the layer before";
  return make("figure", {}, canvas, make("figcaption", { textContent: `${grouped(weights.length)} weights: ${meaning}` }));
}

function makeRow(name, value, key) {
  const cell = make("dd", { textContent: value });
  cell.dataset.value = key;
  return [make("dt", {}, name), cell];
}

function makeSums({ layer, neuron, bias, activation }, inputs, prediction) {
  const sum = inputs.reduce((total, value) => total + value, 0);
  return make("dl", { className: "sums" },
    ...makeRow("Σ w · a", fixed(sum, 5), "sum"),
    ...makeRow("+ bias b", signed(bias, 5), "bias"),
    ...makeRow("= sum z", fixed(prediction.z[layer][neuron], 5), "z"),
    ...makeRow(`a = ${activation}(z)`, fixed(prediction.activations[layer + 1][neuron], 5), "a"));
}

function makeConnection({ layer, neuron, value }, network, onSelect) {
  const pixel = `pixel, row ${Math.floor(neuron / PIXEL_SIDE)}, column ${neuron % PIXEL_SIDE}`;
  const name = layer < 0
    ? make("span", { textContent: pixel })
    : make("button", { type: "button", className: "connection", textContent: nameOf(network, layer, neuron) });
  if (layer >= 0) name.addEventListener("click", () => onSelect(layer, neuron));
  const className = value > 0 ? "for" : "against";
  return make("li", {}, name, make("span", { className, textContent: signed(value, 2) }));
}

function makeConnections(title, connections, network, onSelect) {
  if (!connections.length) return "";
  const items = connections.map((connection) => makeConnection(connection, network, onSelect));
  return make("div", {}, make("h4", { textContent: title }), make("ul", { className: "connections" }, ...items));
}

// Show a neuron with its parameters and its values for a prediction. `onSelect(layer, neuron)` is called when the
// user follows a connection.
export function showNeuron(parameters, connections, prediction, network, onSelect) {
  const { layer, neuron } = parameters;
  const name = nameOf(network, layer, neuron);
  card.dataset.neuron = `${layer}/${neuron}`;
  const title = make("h3", { textContent: name[0].toUpperCase() + name.slice(1) });
  const code = make("code", { textContent: `W${layer}[:, ${neuron}]  b${layer}[${neuron}]` });
  card.replaceChildren(
    make("div", {}, title, make("p", { className: "note" }, code), makeWeightsFigure(parameters)),
    make("div", {}, makeSums(parameters, connections.inputs, prediction)),
    make("div", { className: "lists" },
      makeConnections("Strongest inputs (w · a)", connections.strongestInputs, network, onSelect),
      makeConnections("Strongest outputs (w · a)", connections.strongestOutputs, network, onSelect)));
}
