// Strokes, and the history of a drawing. Coordinates and widths are in units of a square with sides of SIDE.

export const SIDE = 280;

// A list of actions, each of which can be undone: { stroke }, { image } or { cleared: true }.
export class DrawingHistory {
  #actions = [];

  get length() {
    return this.#actions.length;
  }

  add(action) {
    this.#actions.push(action);
  }

  undo() {
    this.#actions.pop();
  }

  clear() {
    this.add({ cleared: true });
  }

  // Return what is visible now: an image, or the strokes since the last image or clearing.
  visible() {
    const strokes = [];
    for (const action of this.#actions.toReversed()) {
      if (action.image && !strokes.length) return { image: action.image, strokes };
      if (!action.stroke) break;
      strokes.unshift(action.stroke);
    }
    return { image: null, strokes };
  }
}

// A stylus that is pressed harder draws a wider line. Mice and most touch screens report no pressure.
export function widthOf(event, width) {
  return event.pointerType === "pen" && event.pressure > 0 ? width * (0.4 + 1.2 * event.pressure) : width;
}

function midpoint(one, other) {
  return [(one.x + other.x) / 2, (one.y + other.y) / 2];
}

// A canvas paints nothing for a line of length 0, so every stroke begins with a dot.
function paintDot(context, { x, y, width }) {
  context.fillStyle = context.strokeStyle;
  context.beginPath();
  context.arc(x, y, width / 2, 0, 2 * Math.PI);
  context.fill();
}

// Paint a stroke from the point with index `from`; the points before it are already painted. Each segment is a
// quadratic curve from the midpoint of one pair of points to the midpoint of the next, so fast strokes stay smooth.
export function paintStroke(context, { points }, from = 0) {
  context.lineCap = context.lineJoin = "round";
  for (let index = from; index < points.length; index += 1) {
    const point = points[index];
    if (index === 0) paintDot(context, point);
    const previous = points[Math.max(index - 1, 0)];
    const secondPrevious = points[Math.max(index - 2, 0)];
    context.beginPath();
    context.lineWidth = point.width;
    context.moveTo(...midpoint(secondPrevious, previous));
    context.quadraticCurveTo(previous.x, previous.y, ...midpoint(previous, point));
    context.stroke();
  }
}

// Paint from the last midpoint to the point where the pen was lifted.
export function paintStrokeEnd(context, { points }) {
  const end = points.at(-1);
  context.lineWidth = end.width;
  context.beginPath();
  context.moveTo(...midpoint(points.at(-2) ?? end, end));
  context.lineTo(end.x, end.y);
  context.stroke();
}
