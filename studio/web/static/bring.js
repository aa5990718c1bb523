// Files on their way to the studio: chosen, dropped (folders too) and sent one after the other with their progress. A batch
// that has arrived is told to the server ("arrived"); nothing of it is kept here. Also the tabs around it.
const zone = element.querySelector("[data-drop]"), part = (name) => zone.querySelector(`[data-up-${name}]`);
const say = (key, names) => zone.dataset[`says${key}`].replace(/\{(\w+)\}/g, (_, name) => names[name]);
const number = new Intl.NumberFormat(zone.dataset.language, { maximumFractionDigits: 1 });
const project = () => new URLSearchParams(location.search).get("project");
const newBatch = () => [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const SYSTEM = /^(\.|~\$)|^(thumbs\.db|desktop\.ini)$/i;
let queue = [], batch = "", done = 0, request = null, busy = false;

const post = (file, name, batch) =>
  new Promise((resolve) => {
    const names = new URLSearchParams({ name, lang: zone.dataset.language }), began = performance.now();
    const lost = () => resolve({ sentence: say("Lost", { name: file.name }) });
    request = new XMLHttpRequest();
    request.open("POST", `/upload/${project()}/${batch}?${names}`);
    request.upload.onprogress = (event) => show(file, event.loaded, (performance.now() - began) / 1000);
    request.onload = () => {
      try {
        resolve(JSON.parse(request.responseText));
      } catch {
        lost();
      }
    };
    request.onerror = lost;
    request.onabort = () => resolve({ aborted: true });
    request.setRequestHeader("content-type", "application/octet-stream");
    request.send(file);
  });

const show = (file, loaded, seconds) => {
  const share = file.size ? Math.round((100 * loaded) / file.size) : 100, rate = loaded / Math.max(seconds, 0.2);
  const left = Math.round((file.size - loaded) / Math.max(rate, 1)), clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  part("name").textContent = say("File", { name: file.name, number: done + 1, of: done + 1 + queue.length });
  part("percent").textContent = `${share}${zone.dataset.language === "es" ? " " : ""}%`;
  part("facts").textContent =
    say("Size", { done: number.format(loaded / 1e6), of: number.format(file.size / 1e6) }) +
    (seconds > 1.5 && left > 1 ? ` · ${say("Left", { time: clock })}` : "");
  const bar = zone.querySelector(".progress");
  bar.setAttribute("aria-valuenow", share);
  bar.firstElementChild.style.width = `${share}%`;
};

const complain = (sentence) => {
  const line = document.createElement("li");
  line.textContent = sentence;
  part("faults").append(line);
};

const state = (on) => {
  busy = on;
  zone.querySelector(".drop-busy").hidden = !on;
  zone.querySelector(".drop-idle").hidden = on;
};

const bring = async (found) => {
  const files = found.filter(([file]) => !SYSTEM.test(file.name));
  if (!busy) part("faults").replaceChildren();
  if (!files.length) return complain(say("Nothing", {}));
  queue.push(...files);
  if (busy) return;
  batch = newBatch();
  done = 0;
  state(true);
  let arrived = 0;
  while (queue.length) {
    const [file, name] = queue.shift();
    show(file, 0, 0);
    const answer = await post(file, name, batch);
    if (answer.name) arrived += 1;
    if (answer.sentence) complain(answer.sentence);
    done += 1;
  }
  request = null;
  state(false);
  if (arrived) trigger("arrived", { batch });
};

// a folder that was dropped, with everything in it
const inside = (entry, path = "") =>
  new Promise((resolve) => {
    if (entry.isFile) return entry.file((file) => resolve([[file, path + file.name]]), () => resolve([]));
    const reader = entry.createReader(), all = [];
    const next = () =>
      reader.readEntries(
        async (entries) => {
          if (!entries.length) return resolve((await Promise.all(all)).flat());
          for (const each of entries) if (!SYSTEM.test(each.name)) all.push(inside(each, `${path}${entry.name}/`));
          next();
        },
        () => resolve([]),
      );
    next();
  });

for (const input of element.querySelectorAll("[data-files]"))
  input.addEventListener("change", () => {
    bring([...input.files].map((file) => [file, file.webkitRelativePath || file.name]));
    input.value = "";
  });
part("cancel").addEventListener("click", () => {
  queue = [];
  request?.abort();
});
let over = 0;
const light = (by) => zone.classList.toggle("over", (over = Math.max(over + by, 0)) > 0);
zone.addEventListener("dragenter", (event) => event.dataTransfer.types.includes("Files") && light(1));
zone.addEventListener("dragleave", () => light(-1));
zone.addEventListener("dragover", (event) => event.preventDefault());
zone.addEventListener("drop", async (event) => {
  event.preventDefault();
  light(-9);
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  bring(entries.length ? (await Promise.all(entries.map((entry) => inside(entry)))).flat() : [...event.dataTransfer.files].map((file) => [file, file.name]));
});
addEventListener("dragover", (event) => event.preventDefault()); // a file dropped beside the zone does not replace the page
addEventListener("drop", (event) => event.preventDefault());
addEventListener("beforeunload", (event) => busy && event.preventDefault());

// a database file is sent as soon as it is chosen and named in the form
const picker = element.querySelector("[data-database]");
picker.addEventListener("change", async () => {
  const form = picker.closest("form"), label = form.querySelector("[data-picked]"), file = picker.files[0];
  if (!file) return;
  const own = newBatch();
  label.textContent = `${file.name} …`;
  request = null;
  const answer = await post(file, file.name, own);
  label.textContent = answer.name ? file.name : answer.sentence ?? "–";
  form.elements.batch.value = answer.name ? own : "";
  form.elements.file.value = answer.name ?? "";
  picker.value = "";
  if (answer.name) form.querySelector("[data-do=tables]").click();
});

// tabs, with the arrow keys; parts of a form that depend on a choice in it
const tabs = [...element.querySelectorAll("[role=tab]")];
const select = (tab, focus) => {
  for (const each of tabs) {
    each.setAttribute("aria-selected", each === tab);
    each.tabIndex = each === tab ? 0 : -1;
    document.getElementById(each.getAttribute("aria-controls")).hidden = each !== tab;
  }
  if (focus) tab.focus();
};
for (const tab of tabs) tab.addEventListener("click", () => select(tab));
element.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
  const at = tabs.indexOf(event.target), step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step) select(tabs[(at + step + tabs.length) % tabs.length], true);
});
const depend = () => {
  for (const each of element.querySelectorAll("[data-when]")) {
    const [, name, not, value] = each.dataset.when.match(/^(\w+)(!?)=(.*)$/);
    const field = each.closest("form").elements[name];
    each.hidden = (field.value === value) === Boolean(not);
  }
};
element.addEventListener("change", depend);
depend();
