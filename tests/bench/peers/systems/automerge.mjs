// Automerge Repo: a document for each conversation, over one connection. A document's name is its URL, which the writer
// learns when it makes it. Acknowledged is what the server says it has, by the heads in its synchronization messages.
import { Repo } from "@automerge/automerge-repo";
import { WebSocketClientAdapter } from "@automerge/automerge-repo-network-websocket";
import { in_flight } from "../in_flight.mjs";

const IN_FLIGHT = 16;

export async function connect(url, { names }) {
  const adapter = new WebSocketClientAdapter(url.replace("http", "ws"));
  const connected = new Promise((resolve) => adapter.once("peer-candidate", resolve));
  const repo = new Repo({ network: [adapter], sharePolicy: async () => true });
  await connected;  // the repository calls itself ready after a second without
  const handles = new Map();
  const each = (items, run) => in_flight(IN_FLIGHT, items, run);
  const acknowledged = (handle) =>
    new Promise((resolve) => {
      const look = ({ heads }) => {
        if (JSON.stringify([...heads].sort()) !== JSON.stringify([...handle.heads()].sort())) return;
        handle.off("remote-heads", look);
        resolve();
      };
      handle.on("remote-heads", look);
    });
  const handle_of = async (id) => handles.get(id) ?? handles.set(id, await repo.find(names.get(id))).get(id);

  return {
    async push(conversations) {
      await each(conversations, async ({ id, messages }) => {
        const handle = repo.create({ messages: [] });
        names.set(id, handle.url);
        handles.set(id, handle);
        const known = acknowledged(handle);
        handle.change((doc) => doc.messages.push(...messages));
        await known;
      });
    },

    async pull(ids) {
      const found = new Map();
      await each(ids, async (id) => found.set(id, (await handle_of(id)).doc().messages.map((message) => ({ ...message }))));
      return found;
    },

    async append(id, message) {
      const handle = await handle_of(id);
      const known = acknowledged(handle);
      handle.change((doc) => doc.messages.push(message));
      await known;
    },

    async watch(ids, seen) {
      for (const id of ids) {
        const handle = await handle_of(id);
        let count = handle.doc().messages.length;
        handle.on("change", ({ doc }) => {
          for (; count < doc.messages.length; ++count) seen(doc.messages[count]);
        });
      }
    },

    async close() {
      adapter.disconnect();
    },
  };
}
