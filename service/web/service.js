// The service's routes. What goes wrong is one of two errors: Away (no answer) or Refusal (one that says why).

const TIMEOUT_MS = 15000;

export class Away extends Error {}

export class Refusal extends Error {
  constructor(status, detail, retrySeconds) {
    super(detail);
    Object.assign(this, { status, retrySeconds });
  }
}

let key = stored();

function stored() {
  try {
    return sessionStorage.getItem("digits-key") ?? "";
  } catch {
    return ""; // storage may be forbidden
  }
}

export function hasKey() {
  return key !== "";
}

export function useKey(text) {
  key = text;
  try {
    sessionStorage.setItem("digits-key", text);
  } catch {
    // then it lasts as long as the page
  }
}

// A header holds bytes, one for each character.
function asBytes(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

async function ask(path, options = {}) {
  const headers = { ...options.headers, ...(key && { "X-API-Key": asBytes(key) }) };
  try {
    const response = await fetch(path, { ...options, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const document = await response.json();
    if (response.ok) return document;
    throw new Refusal(response.status, document.detail, Number(response.headers.get("Retry-After")));
  } catch (error) {
    throw error instanceof Refusal ? error : new Away();
  }
}

export function predict(blob, query) {
  return ask(`/predict?${query}`, { method: "POST", body: blob, headers: { "Content-Type": "image/png" } });
}

export function layers() {
  return ask("/model/layers");
}

export function neuron(layer, index) {
  return ask(`/model/layers/${layer}/neurons/${index}`);
}

export async function isReady() {
  try {
    return (await ask("/readyz")).status === "ready";
  } catch {
    return false;
  }
}
