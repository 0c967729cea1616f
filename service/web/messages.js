// Messages beside the panels: announcements for screen readers, the alert, and the form for the API key.

import { ErrorResponse, Unreachable, hasKey, useKey } from "./api.js";

const alertBox = document.getElementById("alert");
const status = document.getElementById("status");
const form = document.getElementById("key-form");
const field = document.getElementById("key");

const UNREACHABLE = "The service does not respond. The page will retry. Your drawing is kept.";

export function announce(text) {
  status.textContent = text;
}

function showAlert(text) {
  alertBox.textContent = text;
  alertBox.hidden = false;
}

export function hideAlert() {
  alertBox.textContent = "";
  alertBox.hidden = true;
}

export function showError(error) {
  if (error instanceof Unreachable) return showAlert(UNREACHABLE);
  if (!(error instanceof ErrorResponse)) return showAlert(error.message);
  if (error.status !== 401) return showAlert(`${error.message}${error.status === 503 ? " The page will retry." : ""}`);
  showKeyForm();
  return hasKey() ? showAlert("The service rejected this API key. Try another one.") : hideAlert();
}

export function showKeyForm() {
  form.hidden = false;
}

// Call `callback` when the user has entered a key.
export function onKeySubmitted(callback) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(field.value);
    field.value = "";
    form.hidden = true;
    hideAlert();
    callback();
  });
}
