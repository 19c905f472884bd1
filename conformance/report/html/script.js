"use strict";
// Filters and conveniences; without scripts the report shows everything.
const buttons = [...document.querySelectorAll("nav button[data-show]")];
const search = document.querySelector("nav input");
let shown = "all";

function apply() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of document.querySelectorAll("[data-verdict]")) {
    const text = item.dataset.text ?? item.textContent.toLowerCase();
    item.dataset.text = text;
    item.hidden = !((shown === "all" || item.dataset.verdict === shown) && words.every((word) => text.includes(word)));
  }
  for (const group of document.querySelectorAll("[data-group]"))
    group.hidden = !group.querySelector("[data-verdict]:not([hidden])");
}

for (const button of buttons)
  button.addEventListener("click", () => {
    shown = button.dataset.show;
    for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
    apply();
  });
search.addEventListener("input", apply);

for (const command of document.querySelectorAll(".command")) {
  const button = document.createElement("button");
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(command.querySelector("pre").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  command.append(button);
}

// A link to a clause or check opens it.
function open_target() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") target.open = true;
}
addEventListener("hashchange", open_target);
open_target();
