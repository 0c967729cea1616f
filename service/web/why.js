// Why, and why not: what each pixel added to a digit's logit, as the service says it.

import { make, paintSigned, setText } from "./paint.js";
import { aDigit, fixed, signed } from "./text.js";

const heat = document.getElementById("heat");
const reason = document.getElementById("reason");
const group = document.getElementById("digits");
const UNASKED = reason.textContent;
let asked = () => {};

const buttons = Array.from({ length: 10 }, (_, digit) => {
  const button = make("button", { type: "button", textContent: digit, disabled: true });
  button.addEventListener("click", () => asked(digit));
  return button;
});
group.append(...buttons);

// Let `ask(digit)` hear for which digit the reasons are wanted.
export function onAsk(ask) {
  asked = ask;
}

function sumsOf(relevance) {
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  return [sum(relevance.filter((value) => value > 0)), sum(relevance.filter((value) => value < 0))];
}

function questionOf(digit, answered) {
  return digit === answered ? `Why ${aDigit(digit)}?` : `Why not ${aDigit(digit)}?`;
}

function sentenceOf({ digit, logit, rest, relevance }, answered) {
  const [pro, contra] = sumsOf(relevance);
  const sums = `Pixels in favour add ${signed(pro, 2)}, pixels against add ${signed(contra, 2)},`
    + ` and the rest (with ReLU, the biases) adds ${signed(rest, 2)}. Together: z = ${fixed(logit, 2)}.`;
  return [make("strong", { textContent: questionOf(digit, answered) }), ` ${sums}`];
}

export function showWhy(explanation, pixels, answered) {
  paintSigned(heat, explanation.relevance, pixels);
  setText(reason, ...sentenceOf(explanation, answered));
  heat.ariaLabel = `Heat map of the pixels for and against ${aDigit(explanation.digit)}`;
  heat.dataset.digit = explanation.digit;
  buttons.forEach((button, digit) => {
    button.disabled = false;
    button.ariaPressed = String(digit === explanation.digit);
    button.ariaLabel = questionOf(digit, answered);
    button.classList.toggle("best", digit === answered);
  });
}

export function clearWhy() {
  heat.getContext("2d").clearRect(0, 0, heat.width, heat.height);
  delete heat.dataset.digit;
  setText(reason, UNASKED);
  for (const button of buttons) {
    button.disabled = true;
    button.ariaPressed = "false";
  }
}
