// The answers on the compare page: choosing, asking on, what a mark says, and the page a citation opens.
const near = (event, selector) => event.target.closest?.(selector);
const grid = () => element.querySelector("[data-answers]");

element.addEventListener("click", (event) => {
  const pick = near(event, "[data-pick]"), why = near(event, "[data-why]"), lost = near(event, "[data-lost]");
  if (pick && !pick.disabled) trigger("pick", { variant: pick.dataset.pick, answers: grid().dataset.answers }); // another tab may have asked since
  if (why) trigger("why", { answer: (document.documentElement.dataset.why = why.dataset.why) });
  if (lost) trigger("lost", { answer: lost.dataset.lost });
  if (near(event, "[data-fresh]")) trigger("fresh", {});
});

element.addEventListener("submit", (event) => {
  const form = near(event, "[data-follow]");
  event.preventDefault();
  if (!form || !form.elements.question.value.trim()) return form?.elements.question.focus();
  trigger("follow", { question: form.elements.question.value, thread: grid().dataset.thread });
  form.elements.question.value = "";
});

// ---- what a mark says: shown while the sentence is pointed at, or its sign has the focus
let shown = null;
const tip = (from) => {
  const wanted = from ? document.getElementById(from.dataset.tip) : null;
  if (wanted === shown) return;
  if (shown?.matches(":popover-open")) shown.hidePopover();
  shown = wanted;
  const sign = from?.classList.contains("sign") ? from : from?.querySelector(".sign");
  shown?.showPopover({ source: sign ?? undefined });
};
element.addEventListener("pointerover", (event) => event.pointerType === "mouse" && tip(near(event, "[data-tip]")));
element.addEventListener("pointerleave", () => tip(null));
element.addEventListener("focusin", (event) => tip(near(event, ".sign[data-tip]")));
element.addEventListener("focusout", () => tip(null));
element.addEventListener("click", (event) => near(event, ".sign[data-tip]") && tip(near(event, ".sign[data-tip]")));

// ---- the page a citation stands on, fetched when it is opened, with a rectangle on every line of the passage
const part = (tag, className) => Object.assign(document.createElement(tag), { className });
const open = async (source) => {
  const box = source.querySelector(".sheetbox"), address = source.dataset.page, last = box?.querySelector("img");
  if (!box || last?.getAttribute("src") === `${address}/page`) return;
  try {
    const picture = part("img", "leaf"), asked = fetch(address).then((answer) => (answer.ok ? answer.json() : null));
    picture.alt = "";
    picture.src = `${address}/page`;
    const [place] = await Promise.all([asked, picture.decode()]);
    const leaf = part("div", "leafbox");
    leaf.append(picture);
    for (const [left, top, right, bottom] of place?.rectangles ?? []) {
      const mark = part("i", "");
      const percent = (value, of) => `${(100 * value) / of}%`;
      Object.assign(mark.style, { left: percent(left, place.width), top: percent(top, place.height), width: percent(right - left, place.width), height: percent(bottom - top, place.height) });
      leaf.append(mark);
    }
    box.replaceChildren(leaf);
    const first = leaf.querySelector("i");
    if (first) box.scrollTop = Math.max(first.offsetTop - box.clientHeight / 3, 0);
  } catch {
    box.remove(); // the text below it says the same
  }
};
element.addEventListener("toggle", (event) => {
  if (event.newState !== "open" || !event.target.matches?.(".src")) return;
  const text = event.target.querySelector(".context"), cited = text?.querySelector("mark");
  if (cited) text.scrollTop = Math.max(cited.offsetTop - text.offsetTop - text.clientHeight / 3, 0);
  if (event.target.dataset.page) open(event.target);
}, true);
watch("value", () => element.querySelectorAll(".src:popover-open[data-page]").forEach(open)); // an update brings the empty box back

// ---- a blind vote: by click, or by the key that stands on the button
element.addEventListener("click", (event) => {
  const vote = near(event, "[data-vote]"), blind = element.querySelector("[data-blind]");
  if (vote && blind) trigger("vote", { choice: vote.dataset.vote, question: blind.dataset.blind });
  if (near(event, "[data-reveal]")) trigger("reveal", {});
});
document.addEventListener("keydown", (event) => {
  const writing = event.target.matches?.("input, textarea, select, [contenteditable]");
  if (!element.isConnected || writing || event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
  const button = [...element.querySelectorAll("button[data-vote]")].find((each) => each.dataset.keys.split(" ").includes(event.key));
  if (!button) return;
  event.preventDefault();
  button.click();
});
