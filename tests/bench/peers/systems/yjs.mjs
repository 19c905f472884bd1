// y-websocket: a room, and so a connection, for each conversation, which is a Y.Array of messages. The protocol has no
// acknowledgement. The server answers in order, so its answer to a "sync step 1" that follows an update says that it has it.
import WebSocket from "ws";
import * as Y from "yjs";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as sync from "y-protocols/sync";
import { in_flight } from "../in_flight.mjs";

const SYNC = 0;
const IN_FLIGHT = 16;

class Room {
  constructor(url, name) {
    this.doc = new Y.Doc();
    this.messages = this.doc.getArray("messages");
    this.waiting = [];
    this.socket = new WebSocket(`${url.replace("http", "ws")}/${name}`, { perMessageDeflate: false });
    this.socket.binaryType = "arraybuffer";
    this.doc.on("update", (update, origin) => origin === this || this.send((out) => sync.writeUpdate(out, update)));
    this.opened = new Promise((resolve, reject) => {
      this.socket.on("open", resolve);
      this.socket.on("error", reject);
    });
    this.socket.on("close", () => this.waiting.splice(0).forEach(({ reject }) => reject(new Error("closed"))));
    this.socket.on("message", (data) => {
      const input = decoding.createDecoder(new Uint8Array(data));
      if (decoding.readVarUint(input) !== SYNC) return;
      const output = encoding.createEncoder();
      encoding.writeVarUint(output, SYNC);
      const kind = sync.readSyncMessage(input, output, this.doc, this);
      if (encoding.length(output) > 1) this.socket.send(encoding.toUint8Array(output));
      if (kind === sync.messageYjsSyncStep2) this.waiting.shift()?.resolve();
    });
  }

  send(write) {
    const out = encoding.createEncoder();
    encoding.writeVarUint(out, SYNC);
    write(out);
    this.socket.send(encoding.toUint8Array(out));
  }

  async synced() {
    await this.opened;
    await new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.send((out) => sync.writeSyncStep1(out, this.doc));
    });
  }

  /** The server answers before it has read what it keeps on disk, and then sends that as an update. */
  async loaded() {
    if (this.messages.length > 0) return;
    await new Promise((resolve) => {
      const late = setTimeout(resolve, 30_000);
      this.doc.once("update", () => (clearTimeout(late), resolve()));
    });
  }

  close() {
    this.socket.close();
    this.doc.destroy();
  }
}

export async function connect(url) {
  const rooms = new Map();
  const room = (id) => rooms.get(id) ?? rooms.set(id, new Room(url, id)).get(id);
  const each = (items, run) => in_flight(IN_FLIGHT, items, run);

  return {
    async push(conversations) {
      const by_id = new Map(conversations.map((each) => [each.id, each.messages]));
      await each(by_id.keys(), async (id) => {
        const r = new Room(url, id);
        await r.opened;
        r.messages.push(by_id.get(id));
        await r.synced();
        r.close();
      });
    },

    async pull(ids) {
      const found = new Map();
      await each(ids, async (id) => {
        const r = new Room(url, id);
        await r.synced();
        await r.loaded();
        found.set(id, r.messages.toJSON());
        r.close();
      });
      return found;
    },

    async append(id, message) {
      const r = room(id);
      await r.opened;
      r.messages.push([message]);
      await r.synced();
    },

    async watch(ids, seen) {
      for (const id of ids) {
        await room(id).synced();
        await room(id).loaded();
        room(id).messages.observe((event) => event.changes.delta.forEach((change) => change.insert?.forEach(seen)));
      }
    },

    close() {
      for (const r of rooms.values()) r.close();
    },
  };
}
