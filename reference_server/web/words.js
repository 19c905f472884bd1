// What the numbers of a server mean, in words: pure functions over what GET /operator/overview says.

export const seconds_between = (from, to) => Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);

/** "4 min 12 s": the two largest units, as far as there is something in them. */
export function duration(seconds) {
  const whole = Math.round(seconds);
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = units.findIndex(([size]) => whole >= size);
  if (first < 0) return "0 s";
  const parts = units.slice(first, first + 2).map(([size, name], i) => [Math.floor((i ? whole % units[first][0] : whole) / size), name]);
  return parts.filter(([n]) => n > 0).map(([n, name]) => `${n} ${name}`).join(" ");
}

const pad = (n) => String(n).padStart(2, "0");

/** "12:03:11", with the date when it is another day's. */
export function clock(instant, now = Date.now()) {
  const at = new Date(instant), today = new Date(now);
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  return at.toDateString() === today.toDateString() ? time : `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${time}`;
}

export const count = (n) => (n ?? 0).toLocaleString("en");

export function bytes(n) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; n >= 1000 && unit < units.length - 1; ++unit) n /= 1000;
  return `${n.toFixed(unit && n < 10 ? 1 : 0)} ${units[unit]}`;
}

const of_alerts = {
  sync_lag: (a) => `no exchange has succeeded for ${duration(a.value)}, and ${duration(a.threshold)} is the limit`,
  queue_depth: (a) => `${count(a.value)} items wait to be sent, and ${count(a.threshold)} is the limit`,
  queue_age: (a) => `the oldest item has waited for ${duration(a.value)}, and ${duration(a.threshold)} is the limit`,
  success_rate: (a) => `only ${Math.round(a.value * 100)} % of the exchanges succeed, and less than ${Math.round(a.threshold * 100)} % is too few`,
  disk_space: (a) => `${bytes(a.value)} are free on the disk of the store, and ${bytes(a.threshold)} are wanted`,
  clock_skew: (a) => `the clocks are ${duration(a.value)} apart, and ${duration(a.threshold)} is the limit`,
  store_down: () => "the store does not answer: nothing can be read or written",
};

const titles = {
  sync_lag: "Behind", queue_depth: "Long queue", queue_age: "Old queue", success_rate: "Failing", disk_space: "Disk nearly full", clock_skew: "Clocks differ", store_down: "Store down",
};

export const title_of_alert = (type) => titles[type] ?? type;
export const words_of_alert = (a) => (of_alerts[a.type] ?? (() => `${a.type}: ${a.value}, against a threshold of ${a.threshold}`))(a);

export const code_of = (error) => String(error?.type ?? "").split("/").pop();

const obstacles = [
  [/^the peer cannot be reached/, "peer-unreachable"],
  [/^the peer has not told where it is/, "peer-without-address"],
  [/^the operator has not listed|neither https|does not call/, "peer-not-listed"],
  [/^waits for a new session binding token/, "token-awaited"],
  [/^the user has paused sync/, "sync-paused"],
  [/^the peer refuses us/, "peer-refuses"],
  [/^the peer asked for a pause/, "peer-asks-for-a-pause"],
];

/** What is wrong with a peer, the gravest first: [{what, since, entry, kind}]. `entry` is one of the runbook; `kind` says whether it
 *  is so "now", is the "wish" of a user, or is "past": a rate looks back, and when the last exchange has succeeded it tells of what was. */
export function troubles_of(peer, alerts) {
  const found = [];
  const { obstacle, since } = peer.contact ?? {};
  const error = peer.metrics?.last_error;
  const is_over = error && peer.metrics.last_sync && Date.parse(peer.metrics.last_sync) > Date.parse(error.at);
  const entry = obstacle && (obstacles.find(([pattern]) => pattern.test(obstacle))?.[1] ?? "peer-refuses");
  const kind = entry === "sync-paused" ? "wish" : "now";  // what follows from a pause is no trouble either
  if (obstacle) found.push({ what: obstacle, since, entry, kind });
  for (const a of alerts.filter((a) => a.peer_id === peer.peer_id))
    found.push({ what: words_of_alert(a), since: a.raised_at, entry: a.type, kind: a.type === "success_rate" && !obstacle && (!error || is_over) ? "past" : kind });
  if (error && !is_over && !obstacle) found.push({ what: `the last exchange failed with ${code_of(error)}`, since: error.at, entry: code_of(error), kind });
  return found;
}

/** "sick", "paused", "shaky", "waiting" or "well". */
export function state_of(peer, alerts) {
  const kinds = new Set(troubles_of(peer, alerts).map((t) => t.kind));
  if (kinds.has("now")) return "sick";
  if (kinds.has("wish")) return "paused";
  if (kinds.has("past")) return "shaky";
  return (peer.metrics?.queue_depth ?? 0) > 0 ? "waiting" : "well";
}

export const since_of = (troubles) => troubles.map((t) => t.since).filter(Boolean).sort((a, b) => Date.parse(a) - Date.parse(b))[0];

/** A name that fits: the type and the digits of a backend's id. */
export function name_of(peer) {
  const name = (peer.backend_id ?? peer.peer_id).replace("_sha256_", "_");
  return name.length > 24 ? name.slice(0, 20) + "…" : name;
}

/** The entries of the runbook's Markdown: name → {means, look, act}. */
export function parse_runbook(text) {
  const entries = {};
  for (const part of text.split(/^### /m).slice(1)) {
    const name = part.match(/^`([^`]+)`/)?.[1];
    const said = (title) => part.match(new RegExp(`^\\*\\*${title}\\.\\*\\* (.*)$`, "m"))?.[1] ?? "";
    if (name) entries[name] = { means: said("Means"), look: said("Look at"), act: said("Do") };
  }
  return entries;
}
