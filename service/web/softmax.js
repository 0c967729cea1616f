// The softmax panel: each column of the table is a step from the ten logits to the ten probabilities.

import { make } from "./dom.js";
import { fixed, signed } from "./format.js";

const table = document.getElementById("softmax-table");

// Return the steps for logits z: divided by the temperature, minus their maximum, exponentiated, normalised.
export function steps(z, temperature) {
  const scaled = z.map((value) => value / temperature);
  const maximum = Math.max(...scaled);
  const shifted = scaled.map((value) => value - maximum);
  const exponentials = shifted.map(Math.exp);
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return { scaled, maximum, shifted, exponentials, sum, p: exponentials.map((value) => value / sum) };
}

function probability(value) {
  return value !== 0 && value < 0.0001 ? value.toExponential(1).replace("-", "\u2212") : fixed(value, 5);
}

function makeHead(temperature, maximum, sum) {
  const steps = [`z / ${temperature}`, `${signed(-maximum, 2)}`, "exp", `/ ${fixed(sum, 4)}`];
  const names = ["digit", "z", ...steps, "p from the service"];
  return make("thead", {}, make("tr", {}, ...names.map((textContent) => make("th", { textContent, scope: "col" }))));
}

export function showSoftmax(prediction, temperature) {
  const z = prediction.z.at(-1);
  const { scaled, maximum, shifted, exponentials, sum, p } = steps(z, temperature);
  const rows = z.map((logit, digit) => {
    const sums = [logit, scaled[digit], shifted[digit]].map((value) => fixed(value));
    const shares = [exponentials[digit], p[digit], prediction.probabilities[digit]].map(probability);
    const name = make("th", { textContent: digit, scope: "row" });
    const className = digit === prediction.digit ? "best" : "";
    return make("tr", { className }, name, ...[...sums, ...shares].map((textContent) => make("td", { textContent })));
  });
  const caption = make("caption", { className: "visually-hidden", textContent: "The steps of softmax for each digit" });
  table.replaceChildren(caption, makeHead(temperature, maximum, sum), make("tbody", {}, ...rows));
}
