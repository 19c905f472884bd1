// The page: pairs a local and a hosted backend for a person (section 4.7), then shows whether both have the same.

import * as bsp from "./bsp.js";

const by_id = (id) => document.getElementById(id);

function say(text, kind = "") {
  const line = document.createElement("li");
  line.textContent = text;
  line.className = kind;
  by_id("story").append(line);
}

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const may_pass = (status) => status === 408 || status === 425 || status === 429 || status >= 500;

class Refusal extends Error {}

/** The JSON of an answer. What may pass is tried again (BSP-REG-069); what will not is a Refusal. */
async function ask(url, options = {}, attempts = 5) {
  for (let attempt = 1; ; ++attempt) {
    let why = "no answer";
    try {
      const answer = await fetch(url, { ...options, redirect: "error", cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(5000) });
      if (answer.ok) return await answer.json();
      const problem = await answer.json().catch(() => ({}));
      why = `${answer.status} ${problem.code ?? ""}: ${problem.detail ?? problem.title ?? ""}`;
      if (!may_pass(answer.status)) throw new Refusal(why);
    } catch (error) {
      if (error instanceof Refusal) throw error;
      if (error instanceof SyntaxError) why = "the answer is no JSON";
    }
    if (attempt === attempts) throw new Error(why);
    await wait(250 * 2 ** attempt);
  }
}

/** Nothing is sent in the clear but on this machine (BSP-GEN-104). */
function is_safe(url) {
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" || (protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(hostname));
}

async function meet(type, url) {
  if (!is_safe(url)) {
    say(`${type} at ${url} takes no part: it must be https, or http on this machine.`, "bad");
    return null;
  }
  try {
    const identity = await ask(url + "/identity", {}, 2);
    if (identity.backend_type !== type) throw new Error(`this is a ${identity.backend_type} backend`);
    say(`${type} is ${identity.backend_id}, fingerprint ${await bsp.fingerprint(identity)}`);
    return { type, url, identity };
  } catch (error) {
    say(`${type} at ${url} takes no part: ${error.message}. Is it running, and does it allow ${location.origin} (--allow-origin)?`, "bad");
    return null;
  }
}

async function register(who, where, sbt, endpoints) {
  const challenge = bsp.make_challenge();
  const body = JSON.stringify({ backend_identity: who.identity, sbt, challenge, ...(endpoints && { endpoints }) });
  const answer = await ask(where.url + "/register-peer", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  if (!(await bsp.proves_its_key(where.identity, challenge, answer))) throw new Refusal(`${where.type} does not prove that it holds its key: this may be an impostor`);
  say(`${who.type} is registered at ${where.type} as ${answer.peer_id}; ${where.type} has proved its key`);
  return answer;
}

const as_user = async (person, backend, method, target) =>
  ({ method, headers: { Authorization: await bsp.user_authorization(person.key, person.user, backend.identity.backend_id, method, target) } });

/** The path under which the backend sees a target of ours. */
const path_of = (backend, target) => new URL(backend.url + target).pathname + new URL(backend.url + target).search;

async function unpair(person, backend, peer_id) {
  const target = "/peers/" + encodeURIComponent(peer_id);
  await ask(backend.url + target, await as_user(person, backend, "DELETE", path_of(backend, target)));
}

/** The mode, and what is known of both. */
async function pair(person, local_url, hosted_url) {
  const [local, hosted] = await Promise.all([meet("local", local_url), meet("hosted", hosted_url)]);
  if (!local || !hosted) return { mode: local ? "local-only" : hosted ? "hosted-only" : "neither", local, hosted };
  const sbt = await bsp.make_token(local.identity, hosted.identity, person.user, person.key);
  let at_hosted;
  try {
    at_hosted = await register(local, hosted, sbt);
  } catch (error) {
    say(`The registration at hosted failed: ${error.message}`, "bad");
    return { mode: "local-only", local, hosted: null };
  }
  const { peer_id, sync_endpoint, telemetry_endpoint } = at_hosted;
  try {
    await register(hosted, local, sbt, { peer_id, sync_endpoint, telemetry_endpoint });
  } catch (error) {
    say(`The registration at local failed: ${error.message}`, "bad");
    await unpair(person, hosted, peer_id).then(() => say("The one at hosted was removed again."), (why) => say(`The one at hosted could not be removed: ${why.message}`, "bad"));
    return { mode: "hosted-only", local: null, hosted };
  }
  say(`Paired until ${sbt.expires_at}. Local sends to ${new URL(sync_endpoint).origin} if it runs with --peer-allow ${new URL(sync_endpoint).origin}.`);
  return { mode: "hybrid", local, hosted };
}

/** What a person sees of a backend's state, as text. */
async function state_of(person, backend) {
  const seen = [];
  for (let cursor = ""; ;) {
    const target = "/conversations?limit=500" + (cursor && "&cursor=" + encodeURIComponent(cursor));
    const page = await ask(backend.url + target, await as_user(person, backend, "GET", path_of(backend, target)), 1);
    for (const c of page.conversations) seen.push([c.conversation_id, c.version, c.last_modified].join(" "));
    if (!page.has_more || !page.cursor) return seen.sort();
    cursor = page.cursor;
  }
}

async function watch(person, { local, hosted }, still_wanted) {
  while (still_wanted()) {
    try {
      const [at_local, at_hosted] = await Promise.all([state_of(person, local), state_of(person, hosted)]);
      const apart = at_local.filter((c) => !at_hosted.includes(c)).concat(at_hosted.filter((c) => !at_local.includes(c)));
      by_id("sync").textContent = apart.length === 0
        ? `In sync: ${at_local.length} conversations on both.`
        : `${new Set(apart.map((c) => c.split(" ")[0])).size} conversations differ, and are on their way.`;
    } catch (error) {
      by_id("sync").textContent = `Cannot be seen at the moment: ${error.message}`;
    }
    await wait(1000);
  }
}

let round = 0;

by_id("pair").addEventListener("submit", async (event) => {
  event.preventDefault();
  const mine = ++round;
  const base = (id) => by_id(id).value.trim().replace(/\/+$/, "");
  by_id("story").replaceChildren();
  by_id("mode").textContent = by_id("sync").textContent = "";
  try {
    const person = { user: by_id("user").value, key: await bsp.import_secret(by_id("secret").value) };
    by_id("secret").value = "";  // from here on only the browser has it
    const done = await pair(person, base("local"), base("hosted"));
    by_id("mode").textContent = "Mode: " + done.mode;
    if (done.mode === "hybrid") await watch(person, done, () => mine === round);
  } catch (error) {
    say(error.message, "bad");
  }
});

by_id("local").value ||= location.origin;
