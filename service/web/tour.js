// The tour: captions for the panels in order, from pixels to probabilities, each with its section of the
// walk-through.

const STEPS = [
  ["draw", "An image", "Draw a digit, or keep the one that is there. Every panel shows this image and changes with it.", "the-digit-network"],
  ["network-input", "784 numbers", "The image is prepared like the images the network was trained on: it is cropped, scaled, and its centre of mass is moved to the middle. The result is 28 × 28 pixels, read row by row: 784 numbers from 0 to 1.", "the-digit-network"],
  ["network", "Weighted sums", "Each neuron multiplies its inputs by its weights, sums the products, and adds a bias: z = Σ w · a + b. The weights of the first layer form images: a neuron responds to ink where they are orange, and is inhibited by ink where they are blue.", "forward-propagation"],
  ["network", "Activations", "Each neuron then applies a non-linear function to its sum. ReLU, used here, replaces negative sums with 0. Without it, several layers could do no more than one. Bright neurons have large activations.", "activations"],
  ["softmax", "Probabilities", "The last layer has one sum for each digit, called a logit. Softmax turns the ten logits into positive numbers that add up to 1, so they can be read as probabilities.", "softmax"],
  ["prediction", "A prediction, or none", "The most probable digit is the prediction, if its probability is high enough and no other digit is plausible. Otherwise the service abstains.", "calibration"],
  ["explanation", "Explanation", "The chain rule that trained the network also works back to the pixels: orange pixels raised the digit’s logit, blue pixels lowered it. Choose another digit to compare.", "backpropagation"],
];

const element = (name) => document.getElementById(`tour-${name}`);
const panel = document.getElementById("tour");
const start = element("start");
let current = 0;

function show(index) {
  current = index;
  const [section, title, text, anchor] = STEPS[index];
  element("count").textContent = `${index + 1} of ${STEPS.length}`;
  element("title").textContent = title;
  element("text").textContent = text;
  element("place").textContent = `docs/walkthrough.md#${anchor}`;
  element("back").disabled = index === 0;
  element("next").textContent = index === STEPS.length - 1 ? "Done" : "Next";
  removeHighlight();
  const target = document.getElementById(section);
  target.classList.add("highlighted");
  const reducesMotion = matchMedia("(prefers-reduced-motion: reduce)").matches;
  target.scrollIntoView({ behavior: reducesMotion ? "auto" : "smooth", block: "start" });
  element("title").focus({ preventScroll: true });
}

function removeHighlight() {
  document.querySelector(".highlighted")?.classList.remove("highlighted");
}

function end() {
  if (panel.hidden) return;
  panel.hidden = true;
  document.body.classList.remove("tour-open");
  removeHighlight();
  start.focus();
}

// `onStart()` is called when the tour starts, so that there is an image to explain.
export function prepareTour(onStart) {
  start.addEventListener("click", () => {
    onStart();
    panel.hidden = false;
    document.body.classList.add("tour-open");
    show(0);
  });
  element("back").addEventListener("click", () => show(current - 1));
  element("next").addEventListener("click", () => (current === STEPS.length - 1 ? end() : show(current + 1)));
  element("end").addEventListener("click", end);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") end();
  });
}
