// What the page has seen since it was opened: lags, events per minute, changes, and lines of the log.

import { clock, duration, name_of, seconds_between, since_of, state_of, troubles_of, words_of_alert } from "./words.js";

const kept_ms = 15 * 60 * 1000, story_max = 50, lines_max = 20;

export class History {
  lags = new Map();     // peer_id → [{at, value}]
  rates = [];           // events per minute
  story = [];           // [{at, text}], the latest first
  lines = [];           // of the log, the latest first
  log_of = null;        // which start of the server they are of
  #states = null;       // peer_id → {state, since, name}
  #alerts = null;       // of the server itself: type → alert
  #totals = [];         // [{at, events: peer_id → total}]

  tell(text, at = Date.now()) {
    this.story.unshift({ at, text: `${clock(at)} ${text}`, key: `${at} ${text}` });
    this.story.length = Math.min(this.story.length, story_max);
  }

  add(overview) {
    const at = Date.parse(overview.server.now);
    const peers = overview.peers ?? [];
    this.#add_lags(at, peers);
    this.#add_rate(at, peers);
    if (overview.peers) this.#compare_peers(overview, at);
    this.#compare_alerts(overview, at);
  }

  add_lines(lines) {
    for (const line of lines) this.lines.unshift(line);
    this.lines.length = Math.min(this.lines.length, lines_max);
  }

  #add_lags(at, peers) {
    const present = new Set(peers.map((p) => p.peer_id));
    for (const id of this.lags.keys()) if (!present.has(id)) this.lags.delete(id);
    for (const { peer_id, metrics } of peers) {
      if (!metrics) continue;
      const known = this.lags.get(peer_id) ?? [];
      known.push({ at, value: metrics.sync_lag_seconds });
      while (known[0].at < at - kept_ms) known.shift();
      this.lags.set(peer_id, known);
    }
  }

  /** Of the last minute, or of as much of it as was seen. */
  #add_rate(at, peers) {
    const events = new Map(peers.map((p) => [p.peer_id, p.metrics?.total_events ?? 0]));
    this.#totals.push({ at, events });
    while (this.#totals.length > 2 && this.#totals[1].at <= at - 60_000) this.#totals.shift();
    const before = this.#totals[0];
    if (before.at === at) return;
    let more = 0;
    for (const [id, total] of events) more += Math.max(0, total - (before.events.get(id) ?? total));
    this.rates.push({ at, value: (more * 60_000) / (at - before.at) });
    while (this.rates[0].at < at - kept_ms) this.rates.shift();
  }

  #compare_peers(overview, at) {
    const states = new Map();
    for (const peer of overview.peers) {
      const troubles = troubles_of(peer, overview.alerts);
      states.set(peer.peer_id, { state: state_of(peer, overview.alerts), since: since_of(troubles), name: name_of(peer), what: troubles[0]?.what });
    }
    for (const [id, now] of this.#states ? states : []) {
      const before = this.#states.get(id);
      const was_sick = before?.state === "sick", is_sick = now.state === "sick";
      if (!before) this.tell(`${now.name} is paired with this server.`, at);
      if (is_sick && !was_sick) this.tell(`${now.name} is in trouble: ${now.what}.`, at);
      if (was_sick && !is_sick) this.tell(`${now.name} works again, after ${duration(seconds_between(before.since, overview.server.now))}.`, at);
      if (was_sick && is_sick) now.since = before.since && Date.parse(before.since) < Date.parse(now.since) ? before.since : now.since;
    }
    for (const [id, { name }] of this.#states ?? []) if (!states.has(id)) this.tell(`${name} is not paired with this server any more.`, at);
    this.#states = states;
  }

  #compare_alerts(overview, at) {
    const alerts = new Map(overview.alerts.filter((a) => !a.peer_id).map((a) => [a.type, a]));
    for (const [type, alert] of this.#alerts ? alerts : []) if (!this.#alerts.has(type)) this.tell(`Alert: ${words_of_alert(alert)}.`, at);
    for (const [type, alert] of this.#alerts ?? [])
      if (!alerts.has(type)) this.tell(`The alert ${type} is over, after ${duration(seconds_between(alert.raised_at, overview.server.now))}.`, at);
    this.#alerts = alerts;
  }
}
