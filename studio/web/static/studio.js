// Runs before Gradio: language and theme are right from the first picture on. Afterwards it carries the few gestures the
// server cannot see (dialogs, theme, focus) and mends what Gradio 6.31 leaves inaccessible. It keeps no state of a project.
(() => {
  const root = document.documentElement;
  const language = document.currentScript.dataset.language;

  // ---- language: Gradio's own words follow navigator.language, read once at its start
  Object.defineProperty(Navigator.prototype, "language", { get: () => language, configurable: true });
  root.lang = language;
  document.cookie = `lang=${language};path=/;max-age=31536000;samesite=lax`;

  // ---- theme
  const theme = () => localStorage.getItem("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const dress = () => {
    root.dataset.theme = theme();
    document.body?.classList.toggle("dark", theme() === "dark");
  };
  dress();
  document.addEventListener("DOMContentLoaded", dress);
  new MutationObserver(() => document.body && document.body.classList.contains("dark") !== (theme() === "dark") && dress())
    .observe(root, { subtree: true, attributes: true, attributeFilter: ["class"] });

  // ---- gestures, delegated: attributes such as onclick are forbidden by our content policy
  const dialog = (name) => document.querySelector(`gradio-app dialog[data-dialog="${name}"]`);
  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest?.(selector);
    if (at("[data-theme-switch]")) {
      localStorage.setItem("theme", theme() === "dark" ? "light" : "dark");
      dress();
    } else if (at("[data-skip]")) {
      event.preventDefault();
      const main = document.querySelector("gradio-app #page");
      main.tabIndex = -1;
      main.focus();
    } else if (at("[data-open]")) {
      const from = at("[data-open]"), to = dialog(from.dataset.open);
      to.dataset.subject = from.dataset.id || "";
      to.querySelectorAll("[data-name]").forEach((slot) => (slot.textContent = from.dataset.name || ""));
      to.querySelectorAll("input").forEach((input) => (input.value = from.dataset.name || ""));
      to.showModal();
      to.querySelector("input")?.select();
    } else if (at("[data-close]")) {
      at("dialog").close();
    } else if (at("[data-copy]")) {
      const button = at("[data-copy]");
      navigator.clipboard?.writeText(button.closest("figure").querySelector("code").textContent);
      button.classList.add("copied");
      setTimeout(() => button.classList.remove("copied"), 1600);
    }
  });

  // ---- the instant frame goes once the real page stands; then its title does, too
  const settle = () => {
    const marker = document.querySelector("gradio-app #rail [data-title]");
    if (marker && document.title !== marker.dataset.title) document.title = marker.dataset.title;
    const boot = document.getElementById("boot");
    if (boot && document.querySelector("gradio-app #rail [data-ready]")) requestAnimationFrame(() => boot.remove());
  };
  setTimeout(() => document.getElementById("boot")?.remove(), 15000);

  // ---- what Gradio leaves undone: radios have a name each (no arrow keys), the upload button is labelled in English
  let groups = 0;
  const mend = () => {
    for (const wrap of document.querySelectorAll("#page .wrap:has(> label > input[type=radio])")) {
      const radios = wrap.querySelectorAll("input[type=radio]"), label = wrap.closest(".block").querySelector("[data-testid=block-info]");
      const name = radios[0].name.startsWith("group-") ? radios[0].name : `group-${++groups}`;
      for (const radio of radios) if (radio.name !== name) radio.name = name;
      wrap.setAttribute("role", "radiogroup");
      if (label) wrap.setAttribute("aria-label", label.innerText.trim());
    }
    for (const day of document.querySelectorAll("#page .day input[type=text]")) day.type = "date"; // Gradio's own picker has a nameless button
    document.querySelectorAll("button.upload-container[aria-label]").forEach((button) => button.removeAttribute("aria-label"));
  };

  let waiting;
  new MutationObserver(() => {
    settle();
    clearTimeout(waiting);
    waiting = setTimeout(mend, 120);
  }).observe(root, { subtree: true, childList: true });
})();
