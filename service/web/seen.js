// What the network saw: the receipt's steps, drawn over the picture and over its 28 × 28 pixels.

import { PIXEL_SIDE, paintPixels, setText } from "./paint.js";
import { fixed } from "./text.js";

const original = document.getElementById("original");
const pixels = document.getElementById("pixels");
const steps = [...document.getElementById("steps").children];
const NOT_YET = steps.map((step) => step.textContent);
const BOX = 20;
const ACCENT = "#ffb048";

// Draw the picture, with all but its crop in shade.
function drawOriginal({ image, width, height }, [left, top, right, bottom]) {
  const context = original.getContext("2d");
  const scale = original.width / Math.max(width, height);
  const [x, y] = [(original.width - width * scale) / 2, (original.height - height * scale) / 2];
  context.clearRect(0, 0, original.width, original.height);
  context.fillStyle = "#fff";
  context.fillRect(x, y, width * scale, height * scale);
  context.imageSmoothingEnabled = scale < 1;
  context.drawImage(image, x, y, width * scale, height * scale);
  const crop = [x + left * scale, y + top * scale, (right - left) * scale, (bottom - top) * scale];
  context.beginPath();
  context.rect(x, y, width * scale, height * scale);
  context.rect(...crop);
  context.fillStyle = "rgb(20 24 48 / 55%)";
  context.fill("evenodd");
  frame(context, crop);
}

function frame(context, box, dashes = []) {
  context.setLineDash(dashes);
  for (const [style, wide] of [["#12141f", 5], [ACCENT, 2.5]]) {
    context.strokeStyle = style;
    context.lineWidth = wide;
    context.strokeRect(...box);
  }
}

// Draw the pixels, with the box in which the crop was placed, and the centre that its mass was moved to.
function drawPixels({ pixels: levels, crop, scale, shift }) {
  const context = paintPixels(pixels, levels);
  const unit = pixels.width / PIXEL_SIDE;
  const [wide, high] = placed(crop, scale);
  frame(context, [shift[0] * unit, shift[1] * unit, wide * unit, high * unit], [8, 6]);
  const middle = pixels.width / 2;
  context.setLineDash([]);
  context.beginPath();
  context.moveTo(middle - 9, middle);
  context.lineTo(middle + 9, middle);
  context.moveTo(middle, middle - 9);
  context.lineTo(middle, middle + 9);
  context.stroke();
}

function placed([left, top, right, bottom], scale) {
  return [right - left, bottom - top].map((side) => Math.min(Math.max(Math.round(side * scale), 1), BOX));
}

// Say the steps, in their order.
export function stepsOf(receipt, width, height) {
  const [left, top, right, bottom] = receipt.crop;
  const [wide, high] = placed(receipt.crop, receipt.scale);
  const [column, row] = receipt.shift;
  return [
    receipt.inverted
      ? "Inverted, because the ink was darker than the background."
      : "Not inverted, because the ink was lighter than the background.",
    `Cropped to columns ${left} to ${right} and rows ${top} to ${bottom} of ${width} × ${height} pixels.`,
    receipt.scale === 1
      ? "Not scaled, because the digit already fits."
      : `Scaled by ${fixed(receipt.scale)}, from ${right - left} × ${bottom - top} to ${wide} × ${high} pixels.`,
    `Placed at column ${column}, row ${row}, so that the centre of mass is in the middle (+).`,
    `${Math.round(100 * receipt.ink_fraction)} % of the 784 pixels contain ink.`,
  ];
}

export function showSeen(receipt, picture) {
  drawOriginal(picture, receipt.crop);
  drawPixels(receipt);
  stepsOf(receipt, picture.width, picture.height).forEach((step, index) => setText(steps[index], step));
  original.ariaLabel = "The picture, with the crop framed";
  pixels.ariaLabel = `The 28 by 28 pixels; ${Math.round(100 * receipt.ink_fraction)} % bear ink`;
}

export function clearSeen() {
  for (const canvas of [original, pixels]) {
    canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  }
  NOT_YET.forEach((step, index) => setText(steps[index], step));
}
