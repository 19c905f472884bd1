// Puts what the server says into the page.

import { by_id, draw, h, keep, make_plot, mark, prose, say } from "./dom.js";
import { clock, count, duration, name_of, seconds_between, since_of, state_of, title_of_alert, troubles_of, words_of_alert } from "./words.js";

const open_max = 4;  // so many peers are shown in full whether they are well or not
const sick_max = 9;  // and so many that are not, the longest trouble first
const states = { sick: ["bad", "✕", "Trouble"], shaky: ["warn", "◔", "Works, after failures"], paused: ["warn", "‖", "Paused by the user"], waiting: ["warn", "◔", "Sending"], well: ["good", "✓", "Well"] };

/** The one sentence. `ticking` is the part of it that changes all the time: it is shown, and not read out. */
export function banner(kind, text, ticking = "") {
  mark(by_id("banner"), kind);
  say(by_id("banner"), text);
  say(by_id("spoken"), text.replace(ticking, ""));
}

export function clear() {
  for (const id of ["cards", "rows", "story", "errors", "alert-list", "tiles"]) by_id(id).replaceChildren();
}

export function show(overview, history, runbook) {
  const peers = overview.peers ?? [];
  const seen = peers.map((peer) => ({ peer, troubles: troubles_of(peer, overview.alerts), state: state_of(peer, overview.alerts) }));
  const rank = { sick: 0, shaky: 1, paused: 2, waiting: 3, well: 4 };
  const oldest = (s) => Date.parse(since_of(s.troubles) ?? overview.server.now);
  seen.sort((a, b) => rank[a.state] - rank[b.state] || oldest(a) - oldest(b) || (a.peer.peer_id < b.peer.peer_id ? -1 : 1));

  say(by_id("server"), `${overview.server.backend_id}, ${overview.server.backend_type}, up for ${duration(seconds_between(overview.server.started_at, overview.server.now))}`);
  by_id("sync").hidden = overview.server.backend_type !== "local" || overview.sync !== "on";
  show_banner(overview, seen);
  show_alerts(overview, seen, runbook);
  show_tiles(overview, peers, history);
  show_peers(overview, seen, history, runbook);
  show_story(history);
}

function show_banner(overview, seen) {
  const now = overview.server.now;
  const sick = seen.filter((s) => s.state === "sick");
  if (overview.health !== "healthy") {
    const down = overview.alerts.find((a) => a.type === "store_down")?.raised_at;
    const ticking = down ? `, for ${duration(seconds_between(down, now))}` : "";
    return banner("bad", `✕ The store of this server does not answer${down ? `, since ${clock(down)}` : ""}${ticking}: nothing can be read or written.`, ticking);
  }
  if (overview.sync === "off") return banner("warn", "‖ Sync is switched off on this server. bsp-server sync on switches it on.");
  const own = overview.alerts.filter((a) => !a.peer_id);
  if (sick.length > 0) {
    const { peer, troubles } = sick[0];
    const since = since_of(troubles);
    const ticking = since ? `, for ${duration(seconds_between(since, now))}` : "";
    const others = sick.length > 1 ? ` And ${sick.length - 1} more.` : "";
    return banner("bad", `✕ ${seen.length === 1 ? "The one peer is" : `${sick.length} of ${count(seen.length)} peers are`} in trouble. ${name_of(peer)}: ${troubles[0].what}${since ? `, since ${clock(since)}` : ""}${ticking}.${others}`, ticking);
  }
  if (own.length > 0) return banner("bad", `✕ ${own.map(words_of_alert).join("; ")}, since ${clock(own[0].raised_at)}.`);
  if (seen.length === 0) return banner("good", "✓ This server is well. No peer is paired with it.");
  const number = (state) => seen.filter((s) => s.state === state).length;
  const shaky = number("shaky"), waiting = number("waiting");
  const on_its_way = waiting ? ` To ${waiting} of them something is on its way.` : "";
  if (shaky > 0) return banner("warn", `◔ ${seen.length === 1 ? "The one peer works" : `All ${count(seen.length)} peers work, ${shaky} of them`} after failures.${on_its_way}`);
  const paused = number("paused");
  if (paused > 0) return banner("good", `✓ No peer is in trouble; ${paused === 1 ? "one is" : `${paused} are`} paused by the user.${on_its_way}`);
  banner("good", `✓ ${seen.length === 1 ? "The one peer is" : `All ${count(seen.length)} peers are`} well.${on_its_way}`);
}

/** What to do, from the runbook, to be opened. */
function advice(entry, runbook) {
  const words = runbook[entry];
  if (!words) return h("p", {}, h("a", { href: "ui/runbook.html" }, "Runbook"));
  return h("details", {}, h("summary", {}, "What to do"), h("p", {}, ...prose(words.means)), h("p", {}, h("strong", {}, "Look at: "), ...prose(words.look)),
    h("p", {}, h("strong", {}, "Do: "), ...prose(words.act)));
}

/** A sentence that is kept up to date, with its advice. */
function make_trouble(trouble, runbook, tag = "div") {
  return h(tag, { class: "trouble" }, h("p", { class: "what" }), advice(trouble.entry, runbook));
}

function update_trouble(element, text) {
  say(element.querySelector(".what"), text);
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** One line for each type, however many peers have it. */
function show_alerts(overview, seen, runbook) {
  const types = new Map();
  for (const a of overview.alerts) types.set(a.type, [...(types.get(a.type) ?? []), a]);
  const groups = [...types].map(([type, all]) => ({ type, entry: type, all: all.sort((a, b) => Date.parse(a.raised_at) - Date.parse(b.raised_at)) }));
  by_id("alerts").hidden = groups.length === 0;
  const names = new Map(seen.map((s) => [s.peer.peer_id, name_of(s.peer)]));
  keep(by_id("alert-list"), groups, (g) => g.type, (g) => {
    const item = make_trouble(g, runbook, "li");
    item.classList.add("sick");
    return item;
  }, (element, { type, all }) => {
    const [first] = all;
    const who = all.filter((a) => a.peer_id).map((a) => names.get(a.peer_id) ?? a.peer_id);
    const whose = who.length === 0 ? "" : who.length <= 3 ? `${who.join(", ")}: ` : `${who.slice(0, 3).join(", ")} and ${who.length - 3} more peers: `;
    update_trouble(element, `✕ ${title_of_alert(type)}. ${who.length ? whose + words_of_alert(first) : capital(words_of_alert(first))}, raised ${clock(first.raised_at)}, ${duration(seconds_between(first.raised_at, overview.server.now))} ago.`);
  });
}

function show_tiles(overview, peers, history) {
  const t = overview.telemetry, rate = history.rates.at(-1)?.value;
  const tiles = [
    ["Peers online", t ? `${count(t.online_peers)} of ${count(t.total_peers)}` : "–"],
    ["Waiting to be sent", count(peers.reduce((sum, p) => sum + (p.metrics?.queue_depth ?? 0), 0))],
    ["Events per minute", rate === undefined ? "–" : count(Math.round(rate)), history.rates],
    ["Events, 24 h", t ? count(t.total_events_24h) : "–"],
    ["Cost, 24 h", t ? `$${t.total_cost_24h.toFixed(t.total_cost_24h > 0 && t.total_cost_24h < 1 ? 4 : 2)}` : "–"],
    ["Mean latency, 24 h", t?.avg_latency_ms == null ? "–" : `${count(Math.round(t.avg_latency_ms))} ms`],
    ...(overview.conflicts == null ? [] : [["Conflicts", count(overview.conflicts)]]),
  ];
  keep(by_id("tiles"), tiles, ([name]) => name, ([name, , points]) => h("div", {}, h("dt", {}, name), h("dd", {}), ...(points ? [make_plot()] : [])), (element, [, value, points]) => {
    say(element.querySelector("dd"), value);
    if (points) draw(element.querySelector("svg"), points, `Events per minute over the last ${span_of(points)}: now ${value}`);
  });
}

const span_of = (points) => (points.length < 2 ? "moment" : duration((points.at(-1).at - points[0].at) / 1000));

const numbers_of = ({ metrics }) => metrics === null ? [] : [
  ["Last sync", metrics.last_sync ? clock(metrics.last_sync) : "never"],
  ["Lag", duration(metrics.sync_lag_seconds)],
  ["Waiting", count(metrics.queue_depth)],
  ["Success", metrics.sync_success_rate === null ? "not tried" : `${Math.round(metrics.sync_success_rate * 1000) / 10} %`],
  ["Pushes taken", count(metrics.total_syncs)],
  ["Events", count(metrics.total_events)],
];

function make_card({ peer }, runbook) {
  const card = h("li", {}, h("h3", { title: peer.backend_id }, name_of(peer)), h("p", { class: "caption" }, `${peer.backend_type}, ${peer.sbt?.user_id ?? ""}, ${peer.peer_id.slice(0, 14)}…`),
    h("p", { class: "state" }), h("div", { class: "troubles" }), make_plot(), h("p", { class: "caption plotted" }), h("dl", { class: "numbers" }));
  card.runbook = runbook;
  return card;
}

function update_card(card, { peer, troubles, state }, overview, history) {
  const [kind, icon, word] = states[state];
  const now = overview.server.now, since = since_of(troubles);
  if (card.classList.contains("sick") !== (state === "sick")) card.classList.toggle("sick", state === "sick");
  mark(card.querySelector(".state"), `state ${kind}`);
  say(card.querySelector(".state"), `${icon} ${word}` + (since && state === "sick" ? ` since ${clock(since)}, for ${duration(seconds_between(since, now))}` : ""));
  keep(card.querySelector(".troubles"), troubles, (t) => t.entry, (t) => make_trouble(t, card.runbook), (element, t) => {
    update_trouble(element, capital(t.what) + (t.since && troubles.length > 1 ? ` (since ${clock(t.since)})` : "") + ".");
  });
  const points = history.lags.get(peer.peer_id) ?? [];
  const highest = duration(Math.max(0, ...points.map((p) => p.value)));
  draw(card.querySelector("svg"), points, `Lag over the last ${span_of(points)}: highest ${highest}`, 300);
  say(card.querySelector(".plotted"), `Lag, last ${span_of(points)}; highest ${highest}`);
  keep(card.querySelector("dl"), numbers_of(peer), ([name]) => name, ([name]) => h("div", {}, h("dt", {}, name), h("dd", {})), (element, [, value]) => say(element.querySelector("dd"), value));
}

function show_peers(overview, seen, history, runbook) {
  by_id("no-peers").hidden = seen.length > 0 || !overview.peers;
  const all_open = seen.length <= open_max;
  const full = seen.filter((s, i) => all_open || (s.state === "sick" && i < sick_max)), rest = seen.slice(full.length);
  keep(by_id("cards"), full, (s) => s.peer.peer_id, (s) => make_card(s, runbook), (card, s) => update_card(card, s, overview, history));
  by_id("fold").hidden = rest.length === 0;
  const sick = rest.filter((s) => s.state === "sick").length, well = rest.length - sick;
  const of_well = `✓ ${count(well)} ${well === 1 ? "other is not in trouble" : "others are not in trouble"}`;
  mark(by_id("fold-title"), sick ? "bad" : "good");
  say(by_id("fold-title"), sick ? `✕ ${count(sick)} more in trouble` + (well ? `; ${of_well}` : "") : of_well);
  keep(by_id("rows"), rest, (s) => s.peer.peer_id, (s) => h("tr", {}, h("th", { scope: "row", title: s.peer.peer_id }, name_of(s.peer)), ...Array.from({ length: 5 }, () => h("td"))), (row, { peer, state, troubles }) => {
    const [kind, icon, word] = states[state];
    const told = Object.fromEntries(numbers_of(peer));
    mark(row.children[1], kind);
    [`${icon} ${troubles.length ? `${word}: ${troubles[0].what}` : word}`, told.Lag, told.Waiting, told.Success, told.Events].forEach((text, i) => say(row.children[i + 1], text ?? "–"));
  });
}

export function show_story(history) {
  keep(by_id("story"), history.story, (s) => s.key, (s) => h("li", {}, s.text), () => {});
}

export function show_errors(history) {
  keep(by_id("errors"), history.lines, (l) => `${l.time} ${l.message ?? l.type}`, (l) => h("li", {}, h("time", { datetime: l.time }, clock(l.time)), ` ${l.level}: ${l.message ?? `alert ${l.state}: ${l.type} ${l.peer_id ?? ""}`}`), () => {});
}
