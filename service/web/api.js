// Client of the service's HTTP API. A failed request throws Unreachable (no response) or ErrorResponse.

const TIMEOUT_MS = 15000;

export class Unreachable extends Error {}

// An error response of the service; the message is its `detail` (RFC 9457).
export class ErrorResponse extends Error {
  constructor(status, detail, retrySeconds) {
    super(detail);
    Object.assign(this, { status, retrySeconds });
  }
}

// Whether the same request may succeed later.
export function isTransient(error) {
  return error instanceof Unreachable || error.status === 503;
}

let key = storedKey();

function storedKey() {
  try {
    return sessionStorage.getItem("digits-key") ?? "";
  } catch {
    return ""; // the browser may forbid storage
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
    // Without storage, the key is kept until the page is closed or reloaded.
  }
}

// Encode text as UTF-8, with one character for each byte, because header values consist of bytes.
function toByteString(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

async function request(path, options = {}) {
  const headers = { ...options.headers, ...(key && { "X-API-Key": toByteString(key) }) };
  try {
    const response = await fetch(path, { ...options, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const document = await response.json();
    if (response.ok) return document;
    throw new ErrorResponse(response.status, document.detail, Number(response.headers.get("Retry-After")));
  } catch (error) {
    throw error instanceof ErrorResponse ? error : new Unreachable();
  }
}

export function predict(png, query) {
  return request(`/predict?${query}`, { method: "POST", body: png, headers: { "Content-Type": "image/png" } });
}

export function getLayers() {
  return request("/model/layers");
}

export function getNeuron(layer, index) {
  return request(`/model/layers/${layer}/neurons/${index}`);
}

export async function isReady() {
  try {
    return (await request("/readyz")).status === "ready";
  } catch {
    return false;
  }
}
