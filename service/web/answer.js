// The answer: the digit, how sure the network is, and ten bars; and plainly, when it is none.

import { make, setText } from "./paint.js";
import { aDigit, percent } from "./text.js";

const digit = document.getElementById("digit");
const sentence = document.getElementById("sentence");
const badge = document.getElementById("badge"); // on the sheet, where the panel is out of sight
const aside = document.getElementById("aside");
const panel = document.getElementById("answer");
const bars = Array.from({ length: 10 }, (_, index) => {
  const fill = make("span", { className: "fill" });
  const share = make("span", { className: "share", textContent: "–" });
  const track = make("span", { className: "track" }, fill);
  track.setAttribute("aria-hidden", "true");
  const row = make("li", {}, make("span", { className: "name", textContent: index }), track, share);
  return { row, fill, share };
});
document.getElementById("bars").append(...bars.map(({ row }) => row));

function either(digits) {
  const named = digits.map(aDigit);
  return named.length > 1 ? `${named.slice(0, -1).join(", ")} or ${named.at(-1)}` : named[0];
}

// What an answer must share with the next digit for that to be worth a word.
const WORTH_NAMING = 0.01;

function nextOf({ digit: best, probabilities }) {
  const others = probabilities.map((p, digit) => (digit === best ? 0 : p));
  const share = Math.max(...others);
  if (share < WORTH_NAMING) return "No other digit comes close.";
  return `Next is ${aDigit(others.indexOf(share))}, ${percent(share)}.`;
}

// Say in a sentence what was read, and in another what else there is to know.
export function sentences(answer) {
  const { digit: best, confidence, prediction_set: set, abstained } = answer;
  if (!abstained) return [`It is ${either([best])}.`, `${percent(confidence)} sure. ${nextOf(answer)}`];
  const plain = "This does not look like a single digit.";
  if (set.length > 1) return [plain, `Could be ${either(set)}. A person should check it.`];
  return [plain, `Closest match: ${best}, but not convincing.`];
}

export function showAnswer(answer) {
  const [what, more] = sentences(answer);
  panel.classList.toggle("abstained", answer.abstained);
  digit.textContent = badge.textContent = answer.abstained ? `${answer.digit}?` : answer.digit;
  setText(sentence, what);
  setText(aside, more);
  bars.forEach(({ row, fill, share }, index) => {
    const p = answer.probabilities[index];
    fill.style.setProperty("--share", p);
    share.textContent = percent(p);
    row.classList.toggle("best", index === answer.digit);
    row.classList.toggle("possible", answer.prediction_set.includes(index));
  });
}

export function clearAnswer(words = "Nothing yet.") {
  panel.classList.remove("abstained");
  digit.textContent = "?";
  badge.textContent = "";
  setText(sentence, words);
  setText(aside);
  for (const { row, fill, share } of bars) {
    fill.style.setProperty("--share", 0);
    share.textContent = "–";
    row.className = "";
  }
}
