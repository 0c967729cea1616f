// The prediction panel: the digit, the confidence, and a bar for each probability; or that the service abstains.

import { make, setText } from "./dom.js";
import { aDigit, percent } from "./format.js";

const digitElement = document.getElementById("digit");
const badge = document.getElementById("badge"); // repeats the digit on small screens, where the panel is out of view
const summary = document.getElementById("summary");
const detail = document.getElementById("detail");
const panel = document.getElementById("prediction");
const bars = Array.from({ length: 10 }, (_, digit) => {
  const fill = make("span", { className: "fill" });
  const share = make("span", { className: "share", textContent: "–" });
  const track = make("span", { className: "track" }, fill);
  track.setAttribute("aria-hidden", "true");
  const row = make("li", {}, make("span", { className: "name", textContent: digit }), track, share);
  return { row, fill, share };
});
document.getElementById("bars").append(...bars.map(({ row }) => row));

// The second choice is named if its probability is at least this.
const MIN_NAMED_PROBABILITY = 0.01;

function listOf(digits) {
  const named = digits.map(aDigit);
  return named.length > 1 ? `${named.slice(0, -1).join(", ")} or ${named.at(-1)}` : named[0];
}

function secondChoice({ digit: best, probabilities }) {
  const others = probabilities.map((p, digit) => (digit === best ? 0 : p));
  const p = Math.max(...others);
  if (p < MIN_NAMED_PROBABILITY) return "No other digit comes close.";
  return `Second choice: ${others.indexOf(p)} (${percent(p)}).`;
}

// Return a prediction as two sentences: the summary and the detail.
export function sentencesOf(prediction) {
  const { digit, confidence, prediction_set: set, abstained } = prediction;
  if (!abstained) return [`It is ${aDigit(digit)}.`, `Confidence: ${percent(confidence)}. ${secondChoice(prediction)}`];
  const unclear = "No clear digit.";
  if (set.length > 1) return [unclear, `Could be ${listOf(set)}. A person should check it.`];
  return [unclear, `Closest match: ${digit}, but not convincing.`];
}

export function showPrediction(prediction) {
  const sentences = sentencesOf(prediction);
  panel.classList.toggle("abstained", prediction.abstained);
  digitElement.textContent = badge.textContent = prediction.abstained ? `${prediction.digit}?` : prediction.digit;
  summary.textContent = sentences[0];
  setText(detail, sentences[1]);
  bars.forEach(({ row, fill, share }, digit) => {
    const p = prediction.probabilities[digit];
    fill.style.setProperty("--share", p);
    share.textContent = percent(p);
    row.classList.toggle("best", digit === prediction.digit);
    row.classList.toggle("possible", prediction.prediction_set.includes(digit));
  });
}

export function clearPrediction(text = "No digit yet.") {
  panel.classList.remove("abstained");
  digitElement.textContent = "?";
  badge.textContent = "";
  summary.textContent = text;
  setText(detail);
  for (const { row, fill, share } of bars) {
    fill.style.setProperty("--share", 0);
    share.textContent = "–";
    row.className = "";
  }
}
