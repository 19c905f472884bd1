// Hocuspocus, with its own client: a document for each conversation, all over one connection. Its server acknowledges updates.
import WebSocket from "ws";
import * as Y from "yjs";
import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import { in_flight } from "../in_flight.mjs";

const IN_FLIGHT = 16;

class Room {
  constructor(websocketProvider, name) {
    this.doc = new Y.Doc();
    this.messages = this.doc.getArray("messages");
    this.provider = new HocuspocusProvider({ websocketProvider, name, document: this.doc, awareness: null });
    this.provider.attach();
    this.opened = new Promise((resolve) => this.provider.on("synced", resolve));
  }

  acknowledged() {
    if (this.provider.unsyncedChanges === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const look = () => {
        if (this.provider.unsyncedChanges !== 0) return;
        this.provider.off("unsyncedChanges", look);
        resolve();
      };
      this.provider.on("unsyncedChanges", look);
    });
  }

  close() {
    this.provider.destroy();
    this.doc.destroy();
  }
}

export async function connect(url) {
  const socket = new HocuspocusProviderWebsocket({ url: url.replace("http", "ws"), WebSocketPolyfill: WebSocket });
  const rooms = new Map();
  const room = (id) => rooms.get(id) ?? rooms.set(id, new Room(socket, id)).get(id);
  const each = (items, run) => in_flight(IN_FLIGHT, items, run);

  return {
    async push(conversations) {
      const by_id = new Map(conversations.map((each) => [each.id, each.messages]));
      await each(by_id.keys(), async (id) => {
        const r = new Room(socket, id);
        await r.opened;
        r.messages.push(by_id.get(id));
        await r.acknowledged();
        r.close();
      });
    },

    async pull(ids) {
      const found = new Map();
      await each(ids, async (id) => {
        const r = new Room(socket, id);
        await r.opened;
        found.set(id, r.messages.toJSON());
        r.close();
      });
      return found;
    },

    async append(id, message) {
      const r = room(id);
      await r.opened;
      r.messages.push([message]);
      await r.acknowledged();
    },

    async watch(ids, seen) {
      for (const id of ids) {
        await room(id).opened;
        room(id).messages.observe((event) => event.changes.delta.forEach((change) => change.insert?.forEach(seen)));
      }
    },

    close() {
      for (const r of rooms.values()) r.close();
      socket.destroy();
    },
  };
}
