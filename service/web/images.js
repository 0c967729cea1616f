// Converts image files of any format that the browser supports to PNG: chosen, photographed, dropped or pasted.

// Larger images take longer to send and are not read better.
const MAX_SIDE = 1600;
// The side of images without a size of their own, such as some SVG files.
const DEFAULT_SIDE = 512;

// Decode a file to { png, canvas, width, height }. Throws an Error if the browser does not support its format.
export async function decodeFile(file) {
  return toPng(await loadImage(file));
}

// Convert a loaded image element to { png (a Blob), canvas, width, height }.
export async function toPng(image) {
  const [ownWidth, ownHeight] = [image.naturalWidth || DEFAULT_SIDE, image.naturalHeight || DEFAULT_SIDE];
  const scale = Math.min(1, MAX_SIDE / Math.max(ownWidth, ownHeight));
  const width = Math.max(Math.round(ownWidth * scale), 1);
  const height = Math.max(Math.round(ownHeight * scale), 1);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").drawImage(image, 0, 0, width, height);
  return { png: await canvas.convertToBlob({ type: "image/png" }), canvas, width, height };
}

async function loadImage(file) {
  const image = new Image();
  const url = URL.createObjectURL(file);
  try {
    image.src = url;
    await image.decode();
    return image;
  } catch {
    const name = `${file.name || "The pasted file"}${file.type ? ` (${file.type})` : ""}`;
    throw new Error(`${name} is not an image that this browser can read. Use PNG, JPEG, WebP or GIF.`);
  } finally {
    URL.revokeObjectURL(url);
  }
}

// Call `callback` with each file that is chosen in an input, dropped on the page, or pasted.
export function listenForFiles(inputs, callback) {
  for (const input of inputs) {
    input.addEventListener("change", () => {
      if (input.files.length) callback(input.files[0]);
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
    if (event.dataTransfer.files.length) callback(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files][0];
    if (file) callback(file);
  });
}
