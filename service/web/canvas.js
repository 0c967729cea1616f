// Paints arrays of numbers as small images.

// The colours of positive and negative values, which are also in base.css. Colour-blind readers can tell them apart.
const POSITIVE = [255, 176, 72];
const NEGATIVE = [72, 160, 255];
const BACKGROUND = [14, 16, 28];
export const PIXEL_SIDE = 28;

export function largestMagnitude(values) {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

// Return the indices of the `count` largest values, or of those with the largest `measure`, in descending order.
export function largestIndices(values, count, measure = (value) => value) {
  const order = [...values.keys()];
  return order.sort((one, other) => measure(values[other]) - measure(values[one])).slice(0, count);
}

function mix(from, to, share) {
  return from.map((level, channel) => level + (to[channel] - level) * share);
}

// Paint side × side colours, each an array of three levels, over the whole canvas.
function paintGrid(canvas, colours, side) {
  const small = new OffscreenCanvas(side, side);
  const image = new ImageData(side, side);
  colours.forEach((colour, index) => image.data.set([...colour, 255], 4 * index));
  small.getContext("2d").putImageData(image, 0, 0);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  return context;
}

// Paint grey levels from 0 to 1.
export function paintGrey(canvas, pixels, side = PIXEL_SIDE) {
  return paintGrid(canvas, pixels.map((level) => mix(BACKGROUND, [255, 255, 255], level)), side);
}

// Paint signed values: larger magnitudes are brighter, 0 is dark. `under` are grey levels to paint beneath.
export function paintSigned(canvas, values, under = null, side = PIXEL_SIDE) {
  const largest = largestMagnitude(values) || 1;
  const colours = values.map((value, index) => {
    const ground = under ? mix(BACKGROUND, [74, 78, 96], under[index]) : BACKGROUND;
    return mix(ground, value > 0 ? POSITIVE : NEGATIVE, Math.sqrt(Math.abs(value) / largest));
  });
  return paintGrid(canvas, colours, side);
}
