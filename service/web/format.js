// Formats numbers and digits as text.

const MINUS = "\u2212";

export function fixed(value, decimals = 3) {
  return value.toFixed(decimals).replace("-", MINUS);
}

export function signed(value, decimals = 3) {
  return value < 0 ? fixed(value, decimals) : `+${fixed(value, decimals)}`;
}

export function percent(share) {
  const value = 100 * share;
  if (value > 0 && value < 0.05) return "< 0.1 %";
  if (value >= 99.95) return "> 99.9 %";
  return `${value.toFixed(1)} %`;
}

// Return "a 3", but "an 8".
export function aDigit(digit) {
  return `${digit === 8 ? "an" : "a"} ${digit}`;
}

// Return an integer with thousands separators.
export function grouped(number) {
  return number.toLocaleString("en-GB");
}
