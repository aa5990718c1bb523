// Why an answer: which part of it is shown, kept across updates. It stands behind answers.js, in the same element.
const partOf = new Map();
const showPart = (panel) => {
  const wanted = partOf.get(panel.id) ?? "";
  const known = [...panel.querySelectorAll("[data-shown]")].some((each) => each.dataset.shown === wanted) ? wanted : "";
  for (const each of panel.querySelectorAll("[data-shown]")) each.hidden = each.dataset.shown !== known;
  for (const each of panel.querySelectorAll("[data-part-of]")) each.setAttribute("aria-pressed", each.dataset.partOf === known);
  for (const each of panel.querySelectorAll("[data-plot]")) {
    const name = each.tagName === "IMG" ? "src" : "href", address = new URL(each.getAttribute(name), location.href);
    if (known) address.searchParams.set("sentence", known);
    else address.searchParams.delete("sentence");
    if (each.getAttribute(name) !== address.pathname + address.search) each.setAttribute(name, address.pathname + address.search);
  }
};
element.addEventListener("click", (event) => {
  const button = near(event, "[data-part-of]"), panel = button?.closest(".why");
  if (!panel) return;
  partOf.set(panel.id, button.dataset.partOf);
  showPart(panel);
});
watch("value", () => element.querySelectorAll(".why[id]").forEach(showPart));
