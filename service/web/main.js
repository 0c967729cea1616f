// Puts the page together: what is drawn goes to the reader, what it hears goes to the panels.

import { clearAnswer, sentences, showAnswer } from "./answer.js";
import { Inside } from "./inside.js";
import { askForKey, onKey, say, warn, warnOf } from "./notices.js";
import { Pad } from "./pad.js";
import { setText } from "./paint.js";
import { drawn, listen, pictureOf } from "./picture.js";
import { Reader } from "./reader.js";
import { clearSeen, showSeen } from "./seen.js";
import * as service from "./service.js";
import { showSoftmax } from "./softmax.js";
import { prepareTour } from "./tour.js";
import { clearWhy, onAsk, showWhy } from "./why.js";

const element = (id) => document.getElementById(id);
const state = document.body.dataset;
const EMPTY = element("pad").ariaLabel;
const inside = new Inside(element("layers"), element("all"), stumbled);
let read = null; // the last answer with its picture
const inView = new Set(); // of the panels below: while the pen is down, out of sight is out of mind
let away = false; // whether the service is: what is drawn meanwhile waits

const pad = new Pad(element("pad"), {
  changed,
  width: () => Number(element("width").value),
  erases: () => element("eraser").getAttribute("aria-pressed") === "true",
});
const reader = new Reader({
  capture: () => pad.capture(),
  inSight: () => inView.size > 0,
  emptied,
  shown,
  failed,
  recovered: () => {
    away = false;
    warn("");
    say("The service is back.");
  },
});

function changed(settled) {
  const { any } = pad;
  element("undo").disabled = !pad.canUndo;
  element("clear").disabled = !any;
  if (!any) return emptied();
  state.state = away ? "away" : "reading";
  reader.changed(settled);
}

function emptied() {
  reader.cancel();
  read = null;
  state.state = away ? "away" : "empty";
  element("pad").ariaLabel = EMPTY;
  if (!away) warn("");
  clearAnswer();
  clearSeen();
  clearWhy();
}

async function shown(answer, picture, settled) {
  warn("");
  showAnswer(answer);
  showSeen(answer.receipt, picture);
  if (answer.explanation) {
    read = { answer, picture };
    showWhy(answer.explanation, answer.receipt.pixels, answer.digit);
  }
  if (settled) {
    state.state = "read";
    const words = sentences(answer).join(" ");
    element("pad").ariaLabel = `Drawing area. ${words}`;
    say(words);
  }
  if (answer.z) await showInside(answer);
}

// The layers are fetched once for each model: the service may have been started anew with another.
async function showInside(answer) {
  if (inside.model !== `${answer.model.name} ${answer.model.version}`) introduce(await service.layers());
  inside.show(answer);
  showSoftmax(answer, inside.about.temperature);
}

function introduce(about) {
  inside.use(about);
  const sizes = [about.layers[0].inputs, ...about.layers.map((layer) => layer.neurons)].join("–");
  const kind = `a multi-layer perceptron (${sizes}) in NumPy`;
  setText(element("model"), `Model: ${about.name} ${about.version}, ${kind}.`);
}

function failed(error) {
  away = error instanceof service.Away;
  state.state = away ? "away" : "refused";
  if (error instanceof service.Refusal && error.status !== 503) {
    read = null;
    clearAnswer("No answer.");
    clearSeen();
    clearWhy();
  }
  warnOf(error);
}

async function use(file) {
  try {
    pad.show(await pictureOf(file));
  } catch (error) {
    warnOf(error);
  }
}

async function useExample(button) {
  const image = button.querySelector("img");
  await image.decode();
  pad.show(await drawn(image));
}

// What fails beside the reading: when the service is away, reading once more finds it when it is back.
// While the pen is down nothing is said: when it is lifted, all is asked for again.
function stumbled(error) {
  if (pad.isDown) return;
  warnOf(error);
  if (error instanceof service.Away) reader.changed(true);
}

const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) inView[isIntersecting ? "add" : "delete"](target);
});
for (const id of ["inside", "softmax"]) sight.observe(element(id));
onAsk(async (digit) => {
  if (!read) return;
  const asked = read;
  try {
    const { explanation } = await service.predict(asked.picture.blob, `explain=${digit}`);
    if (read === asked) showWhy(explanation, asked.answer.receipt.pixels, asked.answer.digit);
    say(element("reason").textContent);
  } catch (error) {
    stumbled(error);
  }
});
onKey(() => reader.changed(true));
listen([element("file"), element("camera")], use);
prepareTour(() => pad.any || useExample(element("examples").querySelector("button")));
element("undo").addEventListener("click", () => pad.undo());
element("clear").addEventListener("click", () => pad.clear());
element("eraser").addEventListener("click", ({ currentTarget: button }) => {
  button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
});
element("examples").addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) useExample(button);
});
document.addEventListener("keydown", (event) => {
  const undoes = event.key === "z" && (event.ctrlKey || event.metaKey);
  if (undoes && pad.canUndo && event.target.type !== "password") pad.undo();
});
if (document.documentElement.dataset.key === "needed" && !service.hasKey()) askForKey();
