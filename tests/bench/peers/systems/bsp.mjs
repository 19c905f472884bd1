// This server, by its protocol over HTTP: pushes signed with PS256, pages pulled with signed assertions, live pulls.
import { createHash, createHmac, constants, createPublicKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import { promisify } from "node:util";
import { in_flight } from "../in_flight.mjs";

const USER = "ada";
const PUSHES_PER_PEER = 90;  // of 100 in a minute
const BATCH_MESSAGES = Number(process.env.BSP_BATCH ?? 1000);
const BATCH_CONVERSATIONS = 500;
const IN_FLIGHT = 2;

const signed_by_pool = promisify(sign);  // on another thread, while this one goes on
const base64url = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

const escaped = (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0");

function quoted(text) {
  const made = JSON.stringify(text);
  return /[\u007f-\uffff]/.test(made) ? made.replace(/[\u007f-\uffff]/g, escaped) : made;
}

const quoted_names = new Map();
let version = Date.now();  // of conversations: each push changes theirs

/** C14N-1: members sorted by name, separators ", " and ": ", ASCII only. */
function canonical(value) {
  if (typeof value === "string") return quoted(value);
  if (value === null || typeof value !== "object") return String(value);
  let out = "", separator = "";
  if (Array.isArray(value)) {
    for (const element of value) {
      out += separator + canonical(element);
      separator = ", ";
    }
    return `[${out}]`;
  }
  for (const name of Object.keys(value).sort()) {
    if (!quoted_names.has(name)) quoted_names.set(name, quoted(name) + ": ");
    out += separator + quoted_names.get(name) + canonical(value[name]);
    separator = ", ";
  }
  return `{${out}}`;
}

/** A registration of the user at the server, and a kept connection. */
class Peer {
  constructor(url, secret, server) {
    this.base = new URL(url);
    this.secret = secret;
    this.server = server;
    this.key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    this.backend_id = "local_sha256_" + createHash("sha256").update(randomUUID()).digest("hex").slice(0, 16);
  }

  async register() {
    const now = Date.now();
    const token = { session_id: "sess_1", local_backend_id: this.backend_id, hosted_backend_id: this.server, user_id: USER,
                    created_at: new Date(now).toISOString(), expires_at: new Date(now + 3600_000).toISOString() };
    token.signature = createHmac("sha256", this.secret).update(canonical(token)).digest("hex");
    const public_key = createPublicKey(this.key).export({ type: "spki", format: "pem" });
    const backend_identity = { backend_id: this.backend_id, backend_type: "local", public_key, capabilities: [], version: "1.0" };
    this.peer_id = (await this.call("POST", "/register-peer", JSON.stringify({ backend_identity, sbt: token }))).peer_id;
    return this;
  }

  signature(text) {
    return signed_by_pool("sha256", Buffer.from(text), { key: this.key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
  }

  async assertion(method, target) {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: this.backend_id, sub: this.peer_id, aud: this.server, iat: now, exp: now + 60, jti: randomUUID(), htm: method, htu: target };
    const text = `${base64url({ alg: "PS256", typ: "bsp-peer+jwt" })}.${base64url(claims)}`;
    return `BSP ${text}.${(await this.signature(text)).toString("base64url")}`;
  }

  call(method, target, body, authorization) {
    const headers = { "Content-Type": "application/json" };
    if (authorization) headers.Authorization = authorization;
    if (body) headers["Content-Length"] = Buffer.byteLength(body);
    return new Promise((resolve, reject) => {
      const request = http.request({ host: this.base.hostname, port: this.base.port, method, path: target, headers, agent: this.agent }, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("error", reject);
        answer.on("end", () => {
          const text = Buffer.concat(parts).toString();
          if (answer.statusCode === 200) resolve(JSON.parse(text));
          else reject(new Error(`${method} ${target}: ${answer.statusCode} ${text}`));
        });
      });
      request.on("error", reject);
      request.end(body);
    });
  }

  async push(conversations) {
    const now = new Date().toISOString();
    const entries = conversations.map(({ id, messages }) => ({ conversation_id: id, last_modified: now, messages, source_backend: "a", surfaces: ["web"], version: ++version }));
    const text = canonical({ sync_id: randomUUID(), timestamp: now, conversations: entries });
    const signature = (await this.signature(text)).toString("base64");
    const { conflicts } = await this.call("POST", "/sync/" + this.peer_id, `${text.slice(0, -1)}, "signature": "${signature}"}`);
    if (conflicts.length) throw new Error(JSON.stringify(conflicts[0]));
  }

  async pull(query) {
    const target = `/sync/${this.peer_id}${query}`;
    return this.call("GET", target, undefined, await this.assertion("GET", target));
  }
}

function batches(conversations) {
  const all = [];
  let batch = [], messages = 0;
  for (const conversation of conversations)
    for (let at = 0; at < conversation.messages.length; at += BATCH_MESSAGES) {
      const part = conversation.messages.slice(at, at + BATCH_MESSAGES);
      if (batch.length === BATCH_CONVERSATIONS || (batch.length && messages + part.length > BATCH_MESSAGES)) {
        all.push(batch);
        batch = [], messages = 0;
      }
      batch.push({ id: conversation.id, messages: part });
      messages += part.length;
    }
  if (batch.length) all.push(batch);
  return all;
}

/** `pushes`: how many the caller is going to make; each peer may make 100 in a minute. */
export async function connect(url, { pushes = 0, secret_file }) {
  const secret = JSON.parse(readFileSync(secret_file, "utf8"))[USER];
  const anyone = new Peer(url, secret);
  const server = (await anyone.call("GET", "/identity")).backend_id;
  const peers = [];
  for (let i = 0; i < Math.max(IN_FLIGHT, Math.ceil(pushes / PUSHES_PER_PEER)); ++i) peers.push(await new Peer(url, secret, server).register());
  let turn = 0;
  const next_peer = () => peers[turn++ % peers.length];
  let since = "";
  let watching = false;

  return {
    pushes_of: (conversations) => batches(conversations).length,

    async push(conversations) {
      await in_flight(IN_FLIGHT, batches(conversations), (batch) => next_peer().push(batch));
    },

    /** Everything: id → messages. */
    async pull() {
      const found = new Map();
      for (let query = "?limit=500"; query; ) {
        const page = await peers[0].pull(query);
        for (const { conversation_id, messages } of page.conversations) {
          const held = found.get(conversation_id);
          if (held) for (const message of messages) held.push(message);
          else found.set(conversation_id, messages);
        }
        query = page.has_more ? `?limit=500&cursor=${encodeURIComponent(page.cursor)}` : "";
        since = page.last_sync;
      }
      return found;
    },

    append: (id, message) => next_peer().push([{ id, messages: [message] }]),

    /** Calls `seen` with each message that comes. */
    async watch(_ids, seen) {
      watching = true;
      (async () => {
        while (watching) {
          const page = await peers[0].pull(`?wait=30&since=${encodeURIComponent(since)}`).catch(() => ({ conversations: [], last_sync: since }));
          since = page.last_sync;
          for (const conversation of page.conversations) for (const message of conversation.messages) seen(message);
        }
      })();
    },

    close() {
      watching = false;
      for (const peer of [anyone, ...peers]) peer.agent.destroy();
    },
  };
}
