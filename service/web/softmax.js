// Softmax in numbers: each column is a step from the ten logits to the ten probabilities.

import { make } from "./paint.js";
import { fixed, signed } from "./text.js";

const table = document.getElementById("softmax-table");

// The steps on logits z at a temperature: scaled, minus their maximum, exp of it, divided by the sum of all.
export function steps(z, temperature) {
  const scaled = z.map((value) => value / temperature);
  const most = Math.max(...scaled);
  const lower = scaled.map((value) => value - most);
  const powers = lower.map(Math.exp);
  const sum = powers.reduce((total, power) => total + power, 0);
  return { scaled, most, lower, powers, sum, p: powers.map((power) => power / sum) };
}

function small(value) {
  return value !== 0 && value < 0.0001 ? value.toExponential(1).replace("-", "\u2212") : fixed(value, 5);
}

function head(temperature, most, sum) {
  const steps = [`z / ${temperature}`, `${signed(-most, 2)}`, "exp", `/ ${fixed(sum, 4)}`];
  const names = ["digit", "z", ...steps, "the service’s p"];
  return make("thead", {}, make("tr", {}, ...names.map((textContent) => make("th", { textContent, scope: "col" }))));
}

export function showSoftmax(answer, temperature) {
  const z = answer.z.at(-1);
  const { scaled, most, lower, powers, sum, p } = steps(z, temperature);
  const rows = z.map((value, digit) => {
    const sums = [value, scaled[digit], lower[digit]].map((sum) => fixed(sum));
    const shares = [powers[digit], p[digit], answer.probabilities[digit]].map(small);
    const name = make("th", { textContent: digit, scope: "row" });
    const className = digit === answer.digit ? "best" : "";
    return make("tr", { className }, name, ...[...sums, ...shares].map((textContent) => make("td", { textContent })));
  });
  const caption = make("caption", { className: "spoken", textContent: "The steps of softmax for each digit" });
  table.replaceChildren(caption, head(temperature, most, sum), make("tbody", {}, ...rows));
}
