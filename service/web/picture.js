// Images of any format that the browser reads, as PNG: chosen, photographed, dropped, pasted, or an example.

// A larger side tells nothing more about a digit, and takes longer to send.
const LARGEST_SIDE = 1600;
// For drawings without a size of their own, as SVG may be.
const OWN_SIDE = 512;

export class NoImage extends Error {}

// Turn a file into a picture. Throws NoImage.
export async function pictureOf(file) {
  return drawn(await load(file));
}

// Turn an image that is loaded into a picture: { blob (PNG), image, width, height }.
export async function drawn(image) {
  const [ownWidth, ownHeight] = [image.naturalWidth || OWN_SIDE, image.naturalHeight || OWN_SIDE];
  const scale = Math.min(1, LARGEST_SIDE / Math.max(ownWidth, ownHeight));
  const width = Math.max(Math.round(ownWidth * scale), 1);
  const height = Math.max(Math.round(ownHeight * scale), 1);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").drawImage(image, 0, 0, width, height);
  return { blob: await canvas.convertToBlob({ type: "image/png" }), image: canvas, width, height };
}

async function load(file) {
  const image = new Image();
  const url = URL.createObjectURL(file);
  try {
    image.src = url;
    await image.decode();
    return image;
  } catch {
    const name = `${file.name || "What was pasted"}${file.type ? ` (${file.type})` : ""}`;
    throw new NoImage(`${name} is not an image that this browser reads. PNG, JPEG, WebP and GIF are.`);
  } finally {
    URL.revokeObjectURL(url);
  }
}

// Call `use` with each image file that is chosen in an input, dropped on the page, or pasted.
export function listen(inputs, use) {
  for (const input of inputs) {
    input.addEventListener("change", () => {
      if (input.files.length) use(input.files[0]);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  for (const name of ["dragleave", "drop"]) {
    document.addEventListener(name, () => document.body.classList.remove("dropping"));
  }
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) use(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files][0];
    if (file) use(file);
  });
}
