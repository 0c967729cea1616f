// The sheet to draw on: pointer events become strokes, which are painted twice: on the screen in the theme's
// colours and at its resolution, and black on white on the sheet that is sent.

import { History, SIDE, paint, paintEnd, widthOf } from "./strokes.js";

function contextOf(canvas, options) {
  return canvas.getContext("2d", options);
}

// A pixel that is darker than this is ink. The soft edges that an eraser leaves are lighter.
const INK_BELOW = 128;

export class Pad {
  #history = new History();
  #stroke = null;
  #pointer = null;
  #sheet = new OffscreenCanvas(SIDE, SIDE);
  // It is read back at each prediction, so it must not live on a graphics card.
  #ink = contextOf(this.#sheet, { willReadFrequently: true });

  constructor(canvas, { changed, width, erases }) {
    Object.assign(this, { canvas, changed, width, erases, screen: contextOf(canvas) });
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.#end(event));
    new ResizeObserver(() => this.repaint()).observe(canvas);
    document.addEventListener("themechange", () => this.repaint());
  }

  get canUndo() {
    return this.#history.length > 0;
  }

  get isDown() {
    return this.#stroke !== null;
  }

  // Whether there is anything to read: a picture, or ink that was not erased.
  get any() {
    const { picture, strokes } = this.#history.visible();
    if (picture || !strokes.length) return Boolean(picture);
    const { data } = this.#ink.getImageData(0, 0, SIDE, SIDE);
    return new Uint32Array(data.buffer).some((pixel) => (pixel & 0xff) < INK_BELOW);
  }

  // Show a picture: { blob, image, width, height }, as picture.js makes it.
  show(picture) {
    this.#history.add({ picture });
    this.#changedWhole();
  }

  undo() {
    if (this.#stroke) return; // the pen is down
    this.#history.undo();
    this.#changedWhole();
  }

  clear() {
    this.#history.clear();
    this.#changedWhole();
  }

  #changedWhole() {
    this.repaint();
    this.changed(true);
  }

  #begin(event) {
    if (this.#stroke || event.button !== 0) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    const erases = this.erases();
    const picture = this.#history.visible().picture;
    this.#pointer = event.pointerId;
    this.#stroke = { erases, points: [] };
    this.#history.add({ stroke: this.#stroke });
    if (picture) this.repaint(); // a stroke begins a sheet of its own
    this.#extend([event]);
  }

  #move(event) {
    if (event.pointerId !== this.#pointer) return;
    const finer = event.getCoalescedEvents();
    this.#extend(finer.length ? finer : [event]);
  }

  #end(event) {
    if (event.pointerId !== this.#pointer) return;
    this.#paint(this.#stroke, Infinity, true);
    this.#stroke = this.#pointer = null;
    this.changed(true);
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
    this.changed(false);
  }

  #paint(stroke, from, isWhole) {
    this.screen.globalCompositeOperation = stroke.erases ? "destination-out" : "source-over";
    this.#ink.strokeStyle = stroke.erases ? "#fff" : "#000";
    for (const context of [this.screen, this.#ink]) {
      paint(context, stroke, from);
      if (isWhole) paintEnd(context, stroke);
    }
  }

  repaint() {
    const { canvas, screen } = this;
    const side = Math.max(Math.round(canvas.clientWidth * devicePixelRatio), 1);
    canvas.width = canvas.height = side; // which also clears it
    screen.scale(side / SIDE, side / SIDE);
    screen.strokeStyle = getComputedStyle(canvas).color;
    this.#ink.fillStyle = "#fff";
    this.#ink.fillRect(0, 0, SIDE, SIDE);
    const { picture, strokes } = this.#history.visible();
    if (picture) this.#paintPicture(picture);
    for (const stroke of strokes) this.#paint(stroke, 0, stroke !== this.#stroke);
  }

  #paintPicture({ image, width, height }) {
    const scale = SIDE / Math.max(width, height);
    const [wide, high] = [width * scale, height * scale];
    this.screen.imageSmoothingEnabled = scale < 1;
    this.screen.drawImage(image, (SIDE - wide) / 2, (SIDE - high) / 2, wide, high);
  }

  // What is to be read: its PNG, and the picture to show what was done to it. Nothing if there is nothing.
  async capture() {
    const { picture } = this.#history.visible();
    if (picture) return picture;
    if (!this.any) return null;
    const image = new OffscreenCanvas(SIDE, SIDE);
    contextOf(image).drawImage(this.#sheet, 0, 0);
    return { image, width: SIDE, height: SIDE, blob: await this.#sheet.convertToBlob({ type: "image/png" }) };
  }
}
