// The network input panel: the image with its crop, the resulting 28 × 28 pixels, and each preprocessing step.

import { PIXEL_SIDE, paintGrey } from "./canvas.js";
import { setText } from "./dom.js";
import { fixed } from "./format.js";

const sourceCanvas = document.getElementById("source-image");
const pixelCanvas = document.getElementById("input-pixels");
const stepElements = [...document.getElementById("preprocessing").children];
const GENERAL_STEPS = stepElements.map((step) => step.textContent);
const BOX = 20; // MNIST digits fit in a box of 20 × 20 pixels
const ACCENT = "#ffb048";

// Paint the image, with everything but its crop darkened.
function paintSource({ canvas, width, height }, [left, top, right, bottom]) {
  const context = sourceCanvas.getContext("2d");
  const side = sourceCanvas.width;
  const scale = side / Math.max(width, height);
  const image = [(side - width * scale) / 2, (side - height * scale) / 2, width * scale, height * scale];
  const crop = [image[0] + left * scale, image[1] + top * scale, (right - left) * scale, (bottom - top) * scale];
  context.clearRect(0, 0, side, side);
  context.fillStyle = "#fff";
  context.fillRect(...image);
  context.imageSmoothingEnabled = scale < 1;
  context.drawImage(canvas, ...image);
  context.beginPath();
  context.rect(...image);
  context.rect(...crop);
  context.fillStyle = "rgb(20 24 48 / 55%)";
  context.fill("evenodd");
  paintFrame(context, crop);
}

function paintFrame(context, box, dashes = []) {
  context.setLineDash(dashes);
  for (const [style, width] of [["#12141f", 5], [ACCENT, 2.5]]) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.strokeRect(...box);
  }
}

// Paint the pixels, with a frame around the scaled crop and a cross at the centre of mass.
function paintInput({ pixels, crop, scale, shift }) {
  const context = paintGrey(pixelCanvas, pixels);
  const unit = pixelCanvas.width / PIXEL_SIDE;
  const [width, height] = scaledSize(crop, scale);
  paintFrame(context, [shift[0] * unit, shift[1] * unit, width * unit, height * unit], [8, 6]);
  const centre = pixelCanvas.width / 2;
  context.setLineDash([]);
  context.beginPath();
  context.moveTo(centre - 9, centre);
  context.lineTo(centre + 9, centre);
  context.moveTo(centre, centre - 9);
  context.lineTo(centre, centre + 9);
  context.stroke();
}

function scaledSize([left, top, right, bottom], scale) {
  return [right - left, bottom - top].map((side) => Math.min(Math.max(Math.round(side * scale), 1), BOX));
}

// Return a sentence for each preprocessing step, in order.
function stepsOf(receipt, width, height) {
  const [left, top, right, bottom] = receipt.crop;
  const [scaledWidth, scaledHeight] = scaledSize(receipt.crop, receipt.scale);
  const [column, row] = receipt.shift;
  return [
    receipt.inverted
      ? "Inverted, because the ink was darker than the background."
      : "Not inverted, because the ink was lighter than the background.",
    `Cropped to columns ${left}–${right}, rows ${top}–${bottom} of ${width} × ${height}.`,
    receipt.scale === 1
      ? "Not scaled, because the digit already fits."
      : `Scaled by ${fixed(receipt.scale)}, from ${right - left} × ${bottom - top}`
        + ` to ${scaledWidth} × ${scaledHeight} pixels.`,
    `Placed at column ${column}, row ${row}, with its centre of mass in the middle (+).`,
    `${inkPercent(receipt)} % of the 784 pixels contain ink.`,
  ];
}

function inkPercent(receipt) {
  return Math.round(100 * receipt.ink_fraction);
}

function showSteps(steps) {
  steps.forEach((step, index) => setText(stepElements[index], step));
}

export function showNetworkInput(receipt, image) {
  paintSource(image, receipt.crop);
  paintInput(receipt);
  showSteps(stepsOf(receipt, image.width, image.height));
  sourceCanvas.ariaLabel = "The image, with a frame around the crop";
  pixelCanvas.ariaLabel = `The 28 by 28 pixels, of which ${inkPercent(receipt)} % contain ink`;
}

export function clearNetworkInput() {
  for (const canvas of [sourceCanvas, pixelCanvas]) {
    canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    canvas.ariaLabel = "No image yet";
  }
  showSteps(GENERAL_STEPS);
}
