// What is said beside the answer: to those who listen (status), and to all when something is wrong (alert).

import { Away, Refusal, hasKey, useKey } from "./service.js";

const alertBox = document.getElementById("alert");
const status = document.getElementById("status");
const form = document.getElementById("key-form");
const field = document.getElementById("key");

const AWAY = "The service does not answer. The page tries again by itself; what you drew is kept.";

export function say(text) {
  status.textContent = text;
}

export function warn(text) {
  alertBox.textContent = text;
  alertBox.hidden = text === "";
}

// Say what went wrong and what would be right.
export function warnOf(error) {
  if (error instanceof Away) return warn(AWAY);
  if (!(error instanceof Refusal)) return warn(error.message);
  if (error.status === 401) {
    askForKey();
    return warn(hasKey() ? "That key is not the service’s. Try another." : "");
  }
  const again = error.status === 503 ? " The page tries again by itself." : "";
  return warn(`${error.message}${again}`);
}

export function askForKey() {
  form.hidden = false;
}

// Call `given` when the reader has given a key.
export function onKey(given) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(field.value);
    field.value = "";
    form.hidden = true;
    warn("");
    given();
  });
}
