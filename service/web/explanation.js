// The explanation panel: how much each pixel contributes to a digit's logit, as computed by the service.

import { paintSigned } from "./canvas.js";
import { make, setText } from "./dom.js";
import { aDigit, fixed, signed } from "./format.js";

const heatmap = document.getElementById("heatmap");
const text = document.getElementById("explanation-text");
const group = document.getElementById("explain-digit");
const GENERAL_TEXT = text.textContent;
let chosen = () => {};

const buttons = Array.from({ length: 10 }, (_, digit) => {
  const button = make("button", { type: "button", textContent: digit, disabled: true });
  button.addEventListener("click", () => chosen(digit));
  return button;
});
group.append(...buttons);

// Call `callback(digit)` when the user chooses a digit to explain.
export function onDigitChosen(callback) {
  chosen = callback;
}

function signedSums(relevance) {
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  return [sum(relevance.filter((value) => value > 0)), sum(relevance.filter((value) => value < 0))];
}

function questionOf(digit, predicted) {
  return digit === predicted ? `Why ${aDigit(digit)}?` : `Why not ${aDigit(digit)}?`;
}

function sentencesOf({ digit, logit, rest, relevance }, predicted) {
  const [positive, negative] = signedSums(relevance);
  const sums = `Pixels in favour: ${signed(positive, 2)}. Pixels against: ${signed(negative, 2)}.`
    + ` Remainder (with ReLU, the biases): ${signed(rest, 2)}. Sum: z = ${fixed(logit, 2)}.`;
  return [make("strong", { textContent: questionOf(digit, predicted) }), ` ${sums}`];
}

export function showExplanation(explanation, pixels, predicted) {
  paintSigned(heatmap, explanation.relevance, pixels);
  setText(text, ...sentencesOf(explanation, predicted));
  heatmap.ariaLabel = `Heat map of the pixels for and against ${aDigit(explanation.digit)}`;
  heatmap.dataset.digit = explanation.digit;
  buttons.forEach((button, digit) => {
    button.disabled = false;
    button.ariaPressed = String(digit === explanation.digit);
    button.ariaLabel = questionOf(digit, predicted);
    button.classList.toggle("best", digit === predicted);
  });
}

export function clearExplanation() {
  heatmap.getContext("2d").clearRect(0, 0, heatmap.width, heatmap.height);
  heatmap.ariaLabel = "No heat map yet";
  delete heatmap.dataset.digit;
  setText(text, GENERAL_TEXT);
  for (const button of buttons) {
    button.disabled = true;
    button.ariaPressed = "false";
    button.classList.remove("best");
  }
}
