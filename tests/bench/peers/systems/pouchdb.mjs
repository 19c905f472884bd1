// PouchDB Server, by the HTTP interface that PouchDB's own replication uses: a document for each message, _bulk_docs with 1,000
// messages and _changes with the documents. `whole`: a document for each conversation, which is written whole with every message.
import http from "node:http";

const BATCH = 1000;  // messages
const IN_FLIGHT = 2;
const DATABASE = "/chat";

export async function connect(url, { whole = false }) {
  const base = new URL(url);
  const agent = new http.Agent({ keepAlive: true });
  let since = 0;
  let watching = false;

  const call = (method, path, body) =>
    new Promise((resolve, reject) => {
      const text = body && JSON.stringify(body);
      const headers = { "Content-Type": "application/json", Accept: "application/json" };
      if (text) headers["Content-Length"] = Buffer.byteLength(text);
      const request = http.request({ host: base.hostname, port: base.port, method, path, headers, agent }, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("error", reject);
        answer.on("end", () => {
          const text = Buffer.concat(parts).toString();
          if (answer.statusCode < 300 || answer.statusCode === 412) resolve(JSON.parse(text));
          else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`));
        });
      });
      request.on("error", reject);
      request.end(text);
    });
  await call("PUT", DATABASE);  // 412: it is there

  const document = (conversation, messages) => (whole ? { _id: conversation, messages } : { _id: `${conversation}:${messages[0].id}`, conversation, messages });
  const path_of = (id) => `${DATABASE}/${encodeURIComponent(id)}`;
  const held = new Map();  // of whole conversations, what this client wrote last

  return {
    async push(conversations) {
      const documents = conversations.flatMap(({ id, messages }) => (whole ? [document(id, messages)] : messages.map((message) => document(id, [message]))));
      const size = whole ? Math.max(1, Math.floor(BATCH / documents[0].messages.length)) : BATCH;
      let next = 0;
      const work = async () => {
        while (next < documents.length) {
          const batch = documents.slice(next, (next += size));
          for (const result of await call("POST", DATABASE + "/_bulk_docs", { docs: batch })) if (!result.ok) throw new Error(JSON.stringify(result));
        }
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, work));
    },

    async pull() {
      const found = new Map();
      for (let more = true; more; ) {
        const page = await call("GET", `${DATABASE}/_changes?include_docs=true&limit=${BATCH}&since=${since}`);
        for (const { doc } of page.results) {
          const id = doc.conversation ?? doc._id;
          const held = found.get(id);
          if (held) held.push(...doc.messages);
          else found.set(id, doc.messages);
        }
        since = page.last_seq;
        more = page.results.length === BATCH;
      }
      return found;
    },

    async append(id, message) {
      if (!whole) {
        const made = document(id, [message]);
        await call("PUT", path_of(made._id), made);
        return;
      }
      const known = held.get(id) ?? (await call("GET", path_of(id)));
      held.set(id, known);
      known.messages.push(message);
      known._rev = (await call("PUT", path_of(id), known)).rev;
    },

    async watch(_ids, seen) {
      watching = true;
      (async () => {
        while (watching) {
          const page = await call("GET", `${DATABASE}/_changes?include_docs=true&feed=longpoll&since=${since}`).catch(() => undefined);
          if (!page) continue;
          since = page.last_seq;
          for (const { doc } of page.results) doc.messages.forEach(seen);
        }
      })();
    },

    close() {
      watching = false;
      agent.destroy();
    },
  };
}
