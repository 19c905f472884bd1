// The dashboard: asks the server every two seconds as long as somebody looks, and says what is wrong and for how long.

import { by_id, mark, say } from "./dom.js";
import { History } from "./history.js";
import * as view from "./view.js";
import { clock, duration, parse_runbook } from "./words.js";

const period = 2000, patience = 5000;
const token_name = "bsp-admin-token";

let token = sessionStorage.getItem(token_name) ?? "";
let runbook = {};
let history = new History();
let last = null;          // what the server said last
let silent_since = null;  // by this machine's clock
let silence = "";         // why, as far as is known
let timer = 0, is_asking = false;
let next_line = 0;

class Refused extends Error {}

async function ask(path, method = "GET") {
  const answer = await fetch(path, {
    method, headers: { Authorization: "Bearer " + token }, cache: "no-store", credentials: "omit", redirect: "error", signal: AbortSignal.timeout(patience),
  });
  if (answer.status === 401 || answer.status === 403) throw new Refused();
  const body = await answer.json().catch(() => null);
  if (!answer.ok || !body) throw new Error(`it answers ${answer.status} ${body?.code ?? ""}`.trim());
  return body;
}

function show_form(why) {
  clearTimeout(timer);
  by_id("enter").hidden = false;
  by_id("board").hidden = true;
  view.banner("", "");
  say(by_id("refused"), why);
  by_id("token").focus();
}

function take_in(overview) {
  if (silent_since) history.tell(`This server answers again, after ${duration((Date.now() - silent_since) / 1000)}.`);
  silent_since = null;
  last = overview;
  history.add(overview);
  by_id("enter").hidden = true;
  by_id("board").hidden = false;
  say(by_id("refused"), "");
  mark(document.body, "");
  view.show(overview, history, runbook);
}

function note_silence(error) {
  silence = error.name === "TimeoutError" ? "it does not answer in time" : error instanceof TypeError ? "it cannot be reached" : error.message;
  if (!silent_since) {
    silent_since = Date.now();
    history.tell(`This server does not answer: ${silence}.`);
  }
  show_silence();
}

function show_silence() {
  const ticking = `, for ${duration((Date.now() - silent_since) / 1000)}`;
  mark(document.body, "stale");
  view.banner("bad", `✕ This server does not answer since ${clock(silent_since)}${ticking}: ${silence}.` + (last ? ` Below is what it said at ${clock(last.server.now)}.` : ""), ticking);
  view.show_story(history);
}

async function turn() {
  if (is_asking || !token) return;
  is_asking = true;
  clearTimeout(timer);
  try {
    if (Object.keys(runbook).length === 0) runbook = parse_runbook(await (await fetch("ui/runbook.md", { signal: AbortSignal.timeout(patience) })).text());
    take_in(await ask("operator/overview"));
    const log = await ask(`operator/log?level=warning&limit=20&after=${next_line}`);
    // A server that was started anew counts from the beginning.
    if (history.log_of && log.started_at !== history.log_of) next_line = 0;
    else next_line = log.next, history.add_lines(log.lines);
    history.log_of = log.started_at;
    view.show_errors(history);
  } catch (error) {
    if (error instanceof Refused) {
      forget();
      show_form("This is not the admin token of this server.");
    } else {
      note_silence(error);
    }
  }
  is_asking = false;
  if (token && !document.hidden) timer = setTimeout(turn, period);
}

function forget() {
  token = "";
  sessionStorage.removeItem(token_name);
}

by_id("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  token = by_id("token").value.trim();
  by_id("token").value = "";
  sessionStorage.setItem(token_name, token);
  turn();
});

by_id("forget").addEventListener("click", () => {
  forget();
  last = null;
  history = new History();
  next_line = 0;
  view.clear();
  show_form("");
});

by_id("sync").addEventListener("click", async () => {
  try {
    await ask("operator/sync", "POST");
    say(by_id("done"), "Asked: it synchronizes now, whatever failed before.");
  } catch (error) {
    say(by_id("done"), `Not done: ${error.message}`);
  }
});

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) turn();
});

if (token) turn();
else show_form("");
