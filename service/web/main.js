// Entry point: connects the drawing pad, the prediction loop and the panels.

import * as api from "./api.js";
import { setText } from "./dom.js";
import { clearExplanation, onDigitChosen, showExplanation } from "./explanation.js";
import { decodeFile, listenForFiles, toPng } from "./images.js";
import { announce, hideAlert, onKeySubmitted, showError, showKeyForm } from "./messages.js";
import { NetworkPanel } from "./network.js";
import { clearNetworkInput, showNetworkInput } from "./network_input.js";
import { Pad } from "./pad.js";
import { clearPrediction, sentencesOf, showPrediction } from "./prediction.js";
import { PredictionLoop } from "./prediction_loop.js";
import { showSoftmax } from "./softmax.js";
import { prepareTour } from "./tour.js";

const element = (id) => document.getElementById(id);
const state = document.body.dataset; // state.state is empty, reading, answered, failed or unreachable
const EMPTY_LABEL = element("pad").ariaLabel;
const networkPanel = new NetworkPanel(element("layers"), element("show-all"), showDetailError);
const visiblePanels = new Set();
let current = null; // the latest prediction and the image it belongs to
let isUnreachable = false;

const pad = new Pad(element("pad"), {
  onChange,
  width: () => Number(element("width").value),
  isEraser: () => element("eraser").getAttribute("aria-pressed") === "true",
});
const loop = new PredictionLoop({
  capture: () => pad.capture(),
  needsActivations: () => visiblePanels.size > 0,
  onEmpty: showEmpty,
  onPrediction,
  onError,
  onRecovered: () => {
    isUnreachable = false;
    hideAlert();
    announce("The service is available again.");
  },
});

function onChange(isPenUp) {
  const { hasInk } = pad;
  element("undo").disabled = !pad.canUndo;
  element("clear").disabled = !hasInk;
  if (!hasInk) return showEmpty();
  state.state = isUnreachable ? "unreachable" : "reading";
  loop.request(isPenUp);
}

function showEmpty() {
  loop.cancel();
  state.state = isUnreachable ? "unreachable" : "empty";
  element("pad").ariaLabel = EMPTY_LABEL;
  if (!isUnreachable) hideAlert();
  clearPanels();
}

function clearPanels(summary) {
  current = null;
  clearPrediction(summary);
  clearNetworkInput();
  clearExplanation();
}

// A prediction is final when the pen is up and the drawing has not changed since it was sent.
async function onPrediction(prediction, image, isFinal) {
  hideAlert();
  showPrediction(prediction);
  showNetworkInput(prediction.receipt, image);
  if (prediction.explanation) {
    current = { prediction, image };
    showExplanation(prediction.explanation, prediction.receipt.pixels, prediction.digit);
  }
  if (isFinal) {
    state.state = "answered";
    const sentences = sentencesOf(prediction).join(" ");
    element("pad").ariaLabel = `Drawing area. ${sentences}`;
    announce(sentences);
  }
  if (prediction.z) await showNetwork(prediction);
}

// The layers are fetched once per model: a restarted service may have loaded another one.
async function showNetwork(prediction) {
  const { name, version } = prediction.model;
  if (networkPanel.model !== `${name} ${version}`) useModel(await api.getLayers());
  networkPanel.show(prediction);
  showSoftmax(prediction, networkPanel.description.temperature);
}

function useModel(description) {
  networkPanel.use(description);
  const { name, version, layers } = description;
  const sizes = [layers[0].inputs, ...layers.map((layer) => layer.neurons)].join("–");
  setText(element("model"), `Model: ${name} ${version}, a multi-layer perceptron (${sizes}) in NumPy.`);
}

function onError(error) {
  isUnreachable = error instanceof api.Unreachable;
  state.state = isUnreachable ? "unreachable" : "failed";
  if (!api.isTransient(error)) clearPanels("No prediction.");
  showError(error);
}

// Handles errors of requests other than predictions. While the pen is down they are ignored, because everything
// is requested again when it is lifted. When the service is unreachable, the loop waits for it.
function showDetailError(error) {
  if (pad.isPenDown) return;
  showError(error);
  if (error instanceof api.Unreachable) loop.request(true);
}

async function useFile(file) {
  try {
    pad.showImage(await decodeFile(file));
  } catch (error) {
    showError(error);
  }
}

async function useExample(button) {
  const image = button.querySelector("img");
  await image.decode();
  pad.showImage(await toPng(image));
}

async function explain(digit) {
  if (!current) return;
  const { prediction, image } = current;
  try {
    const { explanation } = await api.predict(image.png, `explain=${digit}`);
    if (current?.prediction !== prediction) return;
    showExplanation(explanation, prediction.receipt.pixels, prediction.digit);
    announce(element("explanation-text").textContent);
  } catch (error) {
    showDetailError(error);
  }
}

const visibility = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) visiblePanels[isIntersecting ? "add" : "delete"](target);
});
for (const id of ["network", "softmax"]) visibility.observe(element(id));
onDigitChosen(explain);
onKeySubmitted(() => loop.request(true));
listenForFiles([element("file"), element("camera")], useFile);
prepareTour(() => pad.hasInk || useExample(element("examples").querySelector("button")));
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
  const isUndo = event.key === "z" && (event.ctrlKey || event.metaKey);
  if (isUndo && pad.canUndo && event.target.type !== "password") pad.undo();
});
if (document.documentElement.dataset.key === "needed" && !api.hasKey()) showKeyForm();
