"use strict";
// Filters and conveniences; without scripts the report shows everything.
const buttons = [...document.querySelectorAll("nav button[data-show]")];
const search = document.querySelector("nav input");
let shown = "all";

// What is shown or not: checks and clauses by verdict, and all of the text by what it says.
const items = [...document.querySelectorAll("[data-verdict], .text > *")];
const words_of = new Map(items.map((item) => [item, item.textContent.toLowerCase()]));

function apply() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of items)
    item.hidden = !((shown === "all" || item.dataset.verdict === shown) && words.every((word) => words_of.get(item).includes(word)));
  // What is found in a section of the text, is found under its headings.
  for (const text of document.querySelectorAll(".text")) {
    let section = false, part = false;
    for (const item of [...text.children].reverse()) {
      if (item.tagName === "H5") item.hidden &&= !part, (part = false);
      else if (item.tagName !== "H4") part ||= !item.hidden;
      if (item.tagName === "H4") item.hidden &&= !section, (section = part = false);
      else section ||= !item.hidden;
    }
  }
  for (const group of document.querySelectorAll("[data-group]"))
    group.hidden = !group.querySelector("[data-verdict]:not([hidden]), .text > :not([hidden])");
  document.querySelector(".contents").hidden = shown !== "all" || words.length > 0;
}

function show(verdict) {
  shown = verdict;
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.show === shown));
  apply();
}

for (const button of buttons) button.addEventListener("click", () => show(button.dataset.show));
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

// A link to a clause or check opens it, and shows what a filter hides.
function open_target() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (!target) return;
  if (target.tagName === "DETAILS") target.open = true;
  if (!target.closest("[hidden]")) return;
  search.value = "";
  show("all");
  target.scrollIntoView();
}
addEventListener("hashchange", open_target);
open_target();
