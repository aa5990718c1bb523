// What the page does with clicks, forms and folds inside one gr.HTML. The server sends `EVENTS` along; the rest is attributes:
//   <button data-do="remove" data-source="…">      sends its own data-* under that name
//   <form data-do="reread" data-key="…">           sends its fields (a name that occurs twice becomes a list) when submitted
//   <details data-key="…">                         stays open across updates
//   <details data-key="…" data-do="segment">       sends its own data-* when it is opened: what it holds is still to be made
// Gradio updates by position: a form that now stands for something else (another data-key) is set to its new values.
const keys = new WeakMap(), opened = new Set(), own = (node) => ({ ...node.dataset, do: undefined, key: undefined });

const fields = (form) => {
  const given = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || (field.type === "radio" && !field.checked)) continue;
    const value = field.type === "checkbox" ? (field.checked ? field.value : null) : field.value;
    if (field.type === "checkbox" || field.dataset.many !== undefined) (given[field.name] ??= []).push(value);
    else given[field.name] = value;
  }
  for (const name in given) if (Array.isArray(given[name])) given[name] = given[name].filter((value) => value !== null);
  return given;
};

const send = (name, given, button) => {
  if (!EVENTS.includes(name)) return;
  if (button) {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    setTimeout(() => button.removeAttribute("aria-busy"), 4000);
  }
  trigger(name, given);
};

const fill = (fold) => fold.open && fold.dataset.do && send(fold.dataset.do, own(fold));

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]"), fold = event.target.closest("summary")?.parentElement;
  const hide = event.target.closest("[data-hide]"), jump = event.target.closest("[data-jump]");
  if (button) send(button.dataset.do, { ...(button.form ? { ...own(button.form), ...fields(button.form) } : {}), ...own(button) }, button);
  if (fold?.dataset.key) setTimeout(() => {
    opened[fold.open ? "add" : "delete"](fold.dataset.key);
    fill(fold);
  });
  if (hide) {
    localStorage.setItem(`hidden-${hide.dataset.hide}`, "1");
    settle();
  }
  if (jump) {
    const to = document.getElementById(jump.dataset.jump);
    if (to) {
      if (to.tagName === "DETAILS") to.open = true;
      to.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
      (to.querySelector("h3, summary, h2") ?? to).focus({ preventScroll: true });
    }
  }
});

element.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target.closest("form[data-do]");
  if (!form) return;
  send(form.dataset.do, { ...own(form), ...fields(form) }, event.submitter ?? form.querySelector("button"));
  for (const secret of form.querySelectorAll("input[type=password]")) secret.value = "";
});

// keys for a card under review: only while it has the focus, and never while something is being written
element.addEventListener("keydown", (event) => {
  const form = event.target.closest("form[data-hotkeys]"), writing = event.target.matches("textarea, input, select");
  if (!form || event.altKey || event.metaKey || event.repeat) return;
  const wanted = event.ctrlKey && event.key === "Enter" ? "enter" : !event.ctrlKey && !writing ? event.key.toLowerCase() : "";
  const button = wanted && form.querySelector(`button[data-hotkey~="${CSS.escape(wanted)}"]`);
  if (button) {
    event.preventDefault();
    button.click();
  }
});

let stamp;
const settle = () => {
  for (const form of element.querySelectorAll("form[data-key]")) {
    if (keys.get(form) === form.dataset.key) continue;
    if (keys.has(form)) form.reset();
    keys.set(form, form.dataset.key);
  }
  for (const fold of element.querySelectorAll("details[data-key]")) {
    fold.open = opened.has(fold.dataset.key);
    fill(fold);
  }
  for (const each of element.querySelectorAll("[data-hideable]")) each.hidden = localStorage.getItem(`hidden-${each.dataset.hideable}`) === "1";
  const now = element.querySelector("[data-stamp]")?.dataset.stamp ?? "";
  if (EVENTS.includes("changed") && stamp !== undefined && now !== stamp) trigger("changed", {});
  stamp = now;
};
watch("value", settle);
if (element.querySelector("[data-key], [data-stamp], [data-hideable]")) settle();
