// The theme: light, dark, or the system's, which is the default. This script runs before the first paint.
(() => {
  const NEXT = { "": "dark", dark: "light", light: "" };
  const NAMES = { "": "Theme: system", dark: "Theme: dark", light: "Theme: light" };
  const root = document.documentElement;

  function stored() {
    try {
      return localStorage.getItem("digits-theme") ?? "";
    } catch {
      return ""; // the browser may forbid storage
    }
  }

  function store(theme) {
    try {
      localStorage.setItem("digits-theme", theme);
    } catch {
      // Without storage, the choice lasts until the page is closed or reloaded.
    }
  }

  function apply(theme) {
    root.dataset.theme = theme in NEXT ? theme : "";
    const button = document.getElementById("theme");
    if (button) button.textContent = NAMES[root.dataset.theme];
    document.dispatchEvent(new Event("themechange"));
  }

  apply(stored());
  document.addEventListener("DOMContentLoaded", () => {
    apply(root.dataset.theme);
    document.getElementById("theme").addEventListener("click", () => {
      const theme = NEXT[root.dataset.theme];
      store(theme);
      apply(theme);
    });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    document.dispatchEvent(new Event("themechange"));
  });
})();
