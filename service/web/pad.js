// The drawing pad. Pointer events become strokes. Each stroke is painted twice: on the screen, in the theme's
// colours and the screen's resolution, and in black on white on the canvas that is sent to the service.

import { DrawingHistory, SIDE, paintStroke, paintStrokeEnd, widthOf } from "./strokes.js";

// A pixel darker than this is ink. The soft edges that the eraser leaves behind are lighter.
const INK_BELOW = 128;

export class Pad {
  #history = new DrawingHistory();
  #stroke = null; // the unfinished stroke, while the pen is down
  #pointer = null;
  #inkCanvas = new OffscreenCanvas(SIDE, SIDE);
  // The pixels are read back for every prediction, so the canvas must stay in main memory.
  #ink = this.#inkCanvas.getContext("2d", { willReadFrequently: true });

  constructor(canvas, { onChange, width, isEraser }) {
    Object.assign(this, { canvas, onChange, width, isEraser, screen: canvas.getContext("2d") });
    canvas.addEventListener("pointerdown", (event) => this.#penDown(event));
    canvas.addEventListener("pointermove", (event) => this.#penMove(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.#penUp(event));
    new ResizeObserver(() => this.repaint()).observe(canvas);
    document.addEventListener("themechange", () => this.repaint());
  }

  get canUndo() {
    return this.#history.length > 0;
  }

  get isPenDown() {
    return this.#stroke !== null;
  }

  // Whether there is anything to read: an image, or ink that was not erased.
  get hasInk() {
    const { image, strokes } = this.#history.visible();
    if (image || !strokes.length) return Boolean(image);
    const { data } = this.#ink.getImageData(0, 0, SIDE, SIDE);
    return new Uint32Array(data.buffer).some((pixel) => (pixel & 0xff) < INK_BELOW);
  }

  // Show an image: { png, canvas, width, height }, as returned by images.js.
  showImage(image) {
    this.#history.add({ image });
    this.#replaced();
  }

  undo() {
    if (this.isPenDown) return;
    this.#history.undo();
    this.#replaced();
  }

  clear() {
    if (this.isPenDown) return;
    this.#history.clear();
    this.#replaced();
  }

  #replaced() {
    this.repaint();
    this.onChange(true);
  }

  #penDown(event) {
    if (this.isPenDown || event.button !== 0) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    const { image } = this.#history.visible();
    this.#pointer = event.pointerId;
    this.#stroke = { isEraser: this.isEraser(), points: [] };
    this.#history.add({ stroke: this.#stroke });
    if (image) this.repaint(); // the stroke replaces the image
    this.#extend([event]);
  }

  #penMove(event) {
    if (event.pointerId !== this.#pointer) return;
    const coalesced = event.getCoalescedEvents();
    this.#extend(coalesced.length ? coalesced : [event]);
  }

  #penUp(event) {
    if (event.pointerId !== this.#pointer) return;
    this.#paint(this.#stroke, Infinity, true);
    this.#stroke = this.#pointer = null;
    this.onChange(true);
  }

  #extend(events) {
    const box = this.canvas.getBoundingClientRect();
    const from = this.#stroke.points.length;
    for (const event of events) {
      const x = ((event.clientX - box.left) / box.width) * SIDE;
      const y = ((event.clientY - box.top) / box.height) * SIDE;
      this.#stroke.points.push({ x, y, width: widthOf(event, this.width()) });
    }
    this.#paint(this.#stroke, from, false);
    this.onChange(false);
  }

  #paint(stroke, from, isFinished) {
    this.screen.globalCompositeOperation = stroke.isEraser ? "destination-out" : "source-over";
    this.#ink.strokeStyle = stroke.isEraser ? "#fff" : "#000";
    for (const context of [this.screen, this.#ink]) {
      paintStroke(context, stroke, from);
      if (isFinished) paintStrokeEnd(context, stroke);
    }
  }

  repaint() {
    const { canvas, screen } = this;
    const side = Math.max(Math.round(canvas.clientWidth * devicePixelRatio), 1);
    canvas.width = canvas.height = side; // this also clears the canvas
    screen.scale(side / SIDE, side / SIDE);
    screen.strokeStyle = getComputedStyle(canvas).color;
    this.#ink.fillStyle = "#fff";
    this.#ink.fillRect(0, 0, SIDE, SIDE);
    const { image, strokes } = this.#history.visible();
    if (image) this.#paintImage(image);
    for (const stroke of strokes) this.#paint(stroke, 0, stroke !== this.#stroke);
  }

  #paintImage({ canvas, width, height }) {
    const scale = SIDE / Math.max(width, height);
    const [scaledWidth, scaledHeight] = [width * scale, height * scale];
    const [left, top] = [(SIDE - scaledWidth) / 2, (SIDE - scaledHeight) / 2];
    this.screen.imageSmoothingEnabled = scale < 1;
    this.screen.drawImage(canvas, left, top, scaledWidth, scaledHeight);
  }

  // Return the image to send, as { png, canvas, width, height }, or null if there is no ink.
  async capture() {
    const { image } = this.#history.visible();
    if (image) return image;
    if (!this.hasInk) return null;
    const canvas = new OffscreenCanvas(SIDE, SIDE);
    canvas.getContext("2d").drawImage(this.#inkCanvas, 0, 0);
    return { canvas, width: SIDE, height: SIDE, png: await canvas.convertToBlob({ type: "image/png" }) };
  }
}
