// Keys on the voting page: a number or an arrow presses the button that shows it, and a vote is sent once.
const form = document.querySelector("form[data-keys]");
const press = (button) => form.requestSubmit(button);

document.addEventListener("keydown", (event) => {
  if (!form || event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
  const button = [...form.querySelectorAll("button[data-keys]")].find((each) => each.dataset.keys.split(" ").includes(event.key));
  if (!button) return;
  event.preventDefault();
  press(button);
});

let sent = false;
form?.addEventListener("submit", (event) => {
  if (sent) return event.preventDefault();
  sent = true;
  event.submitter?.classList.add("primary");
});
addEventListener("pageshow", () => (sent = false)); // back from the next question
