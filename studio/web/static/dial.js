// The dial: what a setting amounts to is shown while it is moved; it is kept when it is let go.
const say = (input) => {
  input.style.setProperty("--at", input.value);
  for (const line of element.querySelectorAll("[data-setting]")) {
    line.hidden = line.dataset.setting !== input.value;
    if (!line.hidden) input.setAttribute("aria-valuetext", line.textContent.trim());
  }
};
element.addEventListener("input", (event) => event.target.matches("[data-dial]") && say(event.target));
element.addEventListener("change", (event) => {
  if (event.target.matches("[data-dial]"))
    trigger("careful", { caution: element.querySelector(`[data-setting="${event.target.value}"]`).dataset.value });
});
watch("value", () => {
  const input = element.querySelector("[data-dial]");
  if (!input || document.activeElement === input) return;
  input.value = element.querySelector("[data-at]").dataset.at;
  say(input);
});
