// The runbook as a page: every entry of its Markdown, under the heading that it stands under.

import { by_id, h, prose } from "./dom.js";
import { parse_runbook } from "./words.js";

const text = await (await fetch("runbook.md")).text();
for (const part of text.split(/^## /m).slice(1)) {
  by_id("entries").append(h("h2", {}, part.split("\n", 1)[0]));
  for (const [name, { means, look, act }] of Object.entries(parse_runbook(part)))
    by_id("entries").append(h("section", { id: name }, h("h3", {}, h("code", {}, name)), h("p", {}, ...prose(means)), h("p", {}, h("strong", {}, "Look at: "), ...prose(look)),
      h("p", {}, h("strong", {}, "Do: "), ...prose(act))));
}
document.getElementById(location.hash.slice(1))?.scrollIntoView();
