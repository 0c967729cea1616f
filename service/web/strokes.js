// What was drawn, as a history of actions, so that each can be undone: strokes, pictures, clearings.
// Coordinates and widths are in units of a sheet of SIDE × SIDE.

export const SIDE = 280;

export class History {
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

  // What is on the sheet now: a picture, or the strokes since the last picture or clearing.
  visible() {
    const strokes = [];
    for (const action of this.#actions.toReversed()) {
      if (action.picture && !strokes.length) return { picture: action.picture, strokes };
      if (!action.stroke) break;
      strokes.unshift(action.stroke);
    }
    return { picture: null, strokes };
  }
}

// A pen that is pressed harder draws wider; a mouse and most fingers press always the same.
export function widthOf(event, width) {
  return event.pointerType === "pen" && event.pressure > 0 ? width * (0.4 + 1.2 * event.pressure) : width;
}

function middle(one, other) {
  return [(one.x + other.x) / 2, (one.y + other.y) / 2];
}

// A canvas paints nothing for a line without length, so each stroke begins with a dot.
function paintDot(context, { x, y, width }) {
  context.fillStyle = context.strokeStyle;
  context.beginPath();
  context.arc(x, y, width / 2, 0, 2 * Math.PI);
  context.fill();
}

// Paint a stroke's points from one on; what is before it is there already. A curve goes from the middle of
// two points to the middle of the next two, so that a quick hand draws no corners.
export function paint(context, { points }, from = 0) {
  context.lineCap = context.lineJoin = "round";
  for (let index = from; index < points.length; index += 1) {
    const here = points[index];
    if (index === 0) paintDot(context, here);
    const last = points[Math.max(index - 1, 0)];
    const before = points[Math.max(index - 2, 0)];
    context.beginPath();
    context.lineWidth = here.width;
    context.moveTo(...middle(before, last));
    context.quadraticCurveTo(last.x, last.y, ...middle(last, here));
    context.stroke();
  }
}

// Paint from the last middle to where the pen was lifted.
export function paintEnd(context, { points }) {
  const here = points.at(-1);
  context.lineWidth = here.width;
  context.beginPath();
  context.moveTo(...middle(points.at(-2) ?? here, here));
  context.lineTo(here.x, here.y);
  context.stroke();
}
