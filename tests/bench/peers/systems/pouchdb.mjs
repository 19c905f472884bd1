// PouchDB Server, by the HTTP interface that PouchDB's own replication uses: one document for each message, _bulk_docs in
// batches of 1,000 and _changes with the documents. (A document for each conversation would be written whole with every message.)
import http from "node:http";

const BATCH = 1000;
const IN_FLIGHT = 2;
const DATABASE = "/chat";

export async function connect(url) {
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

  const document = (conversation, message) => ({ _id: `${conversation}:${message.id}`, conversation, message });

  return {
    async push(conversations) {
      const documents = conversations.flatMap(({ id, messages }) => messages.map((message) => document(id, message)));
      let next = 0;
      const work = async () => {
        while (next < documents.length) {
          const batch = documents.slice(next, (next += BATCH));
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
          const held = found.get(doc.conversation);
          if (held) held.push(doc.message);
          else found.set(doc.conversation, [doc.message]);
        }
        since = page.last_seq;
        more = page.results.length === BATCH;
      }
      return found;
    },

    async append(id, message) {
      const made = document(id, message);
      await call("PUT", `${DATABASE}/${encodeURIComponent(made._id)}`, made);
    },

    async watch(_ids, seen) {
      watching = true;
      (async () => {
        while (watching) {
          const page = await call("GET", `${DATABASE}/_changes?include_docs=true&feed=longpoll&since=${since}`).catch(() => undefined);
          if (!page) continue;
          since = page.last_seq;
          for (const { doc } of page.results) seen(doc.message);
        }
      })();
    },

    close() {
      watching = false;
      agent.destroy();
    },
  };
}
