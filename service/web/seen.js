// What the network saw: the receipt's steps, drawn over the picture and over its 28 × 28 pixels.

import { PIXEL_SIDE, make, paintPixels } from "./paint.js";
import { fixed } from "./text.js";

const original = document.getElementById("original");
const pixels = document.getElementById("pixels");
const steps = document.getElementById("steps");
const NOT_YET = steps.textContent;
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
    receipt.inverted ? "Inverted: dark ink on light became light on dark." : "Not inverted: the ink is light on dark.",
    `Cropped: columns ${left} to ${right}, rows ${top} to ${bottom} of ${width} × ${height} pixels.`,
    receipt.scale === 1
      ? "Not scaled: the digit had its size."
      : `Scaled by ${fixed(receipt.scale)}: ${right - left} × ${bottom - top} pixels became ${wide} × ${high}.`,
    `Shifted: its corner to column ${column}, row ${row}, so that its centre of mass is in the middle (+).`,
    `Ink on ${Math.round(100 * receipt.ink_fraction)} % of the 784 pixels.`,
  ];
}

export function showSeen(receipt, picture) {
  drawOriginal(picture, receipt.crop);
  drawPixels(receipt);
  const lines = stepsOf(receipt, picture.width, picture.height);
  steps.replaceChildren(...lines.map((textContent) => make("li", { textContent })));
  original.ariaLabel = "The picture, with the crop framed";
  pixels.ariaLabel = `The 28 by 28 pixels; ${Math.round(100 * receipt.ink_fraction)} % bear ink`;
}

export function clearSeen() {
  for (const canvas of [original, pixels]) {
    canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  }
  steps.replaceChildren(make("li", { textContent: NOT_YET }));
}
