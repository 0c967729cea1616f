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
    if (this.visible().any) this.add({ cleared: true });
  }

  // What is on the sheet now: a picture, or the strokes since the last picture or clearing.
  visible() {
    const strokes = [];
    for (const action of this.#actions.toReversed()) {
      if (action.picture && !strokes.length) return { picture: action.picture, strokes, any: true };
      if (!action.stroke) break;
      strokes.unshift(action.stroke);
    }
    return { picture: null, strokes, any: strokes.some((stroke) => !stroke.erases) };
  }
}

// A pen that is pressed harder draws wider; a mouse and most fingers press always the same.
export function widthOf(event, width) {
  return event.pointerType === "pen" && event.pressure > 0 ? width * (0.4 + 1.2 * event.pressure) : width;
}

// Paint a stroke's points from one on; what is before it is there already.
export function paint(context, stroke, from = 0) {
  const { points } = stroke;
  context.lineCap = context.lineJoin = "round";
  for (let index = Math.max(from, 0); index < points.length; index += 1) {
    const here = points[index];
    const last = points[Math.max(index - 1, 0)];
    context.beginPath();
    context.lineWidth = here.width;
    context.moveTo(last.x, last.y);
    context.lineTo(here.x, here.y); // a dot where both are the same
    context.stroke();
  }
}
