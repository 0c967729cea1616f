// Small pictures from numbers, and elements to put them in: what several panels need.

// For and against, told apart by those who see fewer colours, too; also in base.css.
export const FOR = [255, 176, 72];
export const AGAINST = [72, 160, 255];
const PAPER = [14, 16, 28];
export const PIXEL_SIDE = 28;

export function largest(values) {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

// The indices of the `number` greatest by a measure, greatest first.
export function top(values, number, measure = (value) => value) {
  const order = [...values.keys()];
  return order.sort((one, other) => measure(values[other]) - measure(values[one])).slice(0, number);
}

// Set the text of an element that keeps the room for its longest text (data-longest).
export function setText(element, ...content) {
  element.firstElementChild.replaceChildren(...content);
}

// Make an element with properties and children.
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function mixed(from, to, share) {
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

// Grey levels from 0 to 1.
export function paintPixels(canvas, pixels, side = PIXEL_SIDE) {
  return paintGrid(canvas, pixels.map((level) => mixed(PAPER, [255, 255, 255], level)), side);
}

// Numbers of either sign: the stronger, the brighter; 0 is dark. `under` are grey levels to lie beneath.
export function paintSigned(canvas, values, under = null, side = PIXEL_SIDE) {
  const most = largest(values) || 1;
  const colours = values.map((value, index) => {
    const ground = under ? mixed(PAPER, [74, 78, 96], under[index]) : PAPER;
    return mixed(ground, value > 0 ? FOR : AGAINST, Math.sqrt(Math.abs(value) / most));
  });
  return paintGrid(canvas, colours, side);
}
