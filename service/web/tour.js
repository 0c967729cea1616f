// The tour: a few captions over the live page, from pixels to probabilities, each with its place in the
// walk-through.

const STEPS = [
  ["draw", "A picture", "It begins with ink. Draw, or keep what is on the sheet now: all that follows is about this very picture, and changes when it does.", "the-digit-network"],
  ["seen", "784 numbers", "The picture is brought to the form of those that the network learned from: cropped, scaled, its centre of mass in the middle. What is left are 28 × 28 pixels, row after row: 784 numbers from 0 to 1.", "the-digit-network"],
  ["inside", "Weighted sums", "Each neuron weighs all that comes in, adds it up, and adds a bias: z = Σ w · a + b. The first layer’s weights are images themselves: orange where a neuron looks for ink, blue where it wants none.", "forward-propagation"],
  ["inside", "Activations", "A neuron bends its sum before it passes it on: ReLU, as here, cuts off what is below 0. That bend is what lets layers do more than one layer could. Bright neurons are those that have something to say.", "activations"],
  ["softmax", "Probabilities", "Ten sums come out, one for each digit. Softmax makes them positive and lets them add up to 1, so that they can be read as probabilities.", "softmax"],
  ["answer", "An answer, or none", "The most probable digit wins, if it stands alone and far enough above the rest. If not, the page says that it would rather not decide.", "calibration"],
  ["why", "Why", "The same chain rule that trained the network runs back to the pixels here: orange ones raised the digit’s sum, blue ones lowered it. Ask about another digit.", "backpropagation"],
];

const element = (name) => document.getElementById(`tour-${name}`);
const panel = document.getElementById("tour");
const start = element("start");
let at = 0;

function show(index) {
  at = index;
  const [section, title, text, anchor] = STEPS[index];
  element("count").textContent = `${index + 1} of ${STEPS.length}`;
  element("title").textContent = title;
  element("text").textContent = text;
  element("place").textContent = `docs/walkthrough.md#${anchor}`;
  element("back").disabled = index === 0;
  element("next").textContent = index === STEPS.length - 1 ? "Done" : "Next";
  unmark();
  const target = document.getElementById(section);
  target.classList.add("toured");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  target.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
  element("title").focus({ preventScroll: true });
}

function unmark() {
  for (const toured of document.querySelectorAll(".toured")) toured.classList.remove("toured");
}

function end() {
  if (panel.hidden) return;
  panel.hidden = true;
  document.body.classList.remove("touring");
  unmark();
  start.focus();
}

// begin() is called first, so that there is a picture to speak of.
export function prepareTour(begin) {
  start.addEventListener("click", () => {
    begin();
    panel.hidden = false;
    document.body.classList.add("touring");
    show(0);
  });
  element("back").addEventListener("click", () => show(at - 1));
  element("next").addEventListener("click", () => (at === STEPS.length - 1 ? end() : show(at + 1)));
  element("end").addEventListener("click", end);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") end();
  });
}
