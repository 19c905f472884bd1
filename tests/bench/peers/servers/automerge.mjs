// An Automerge sync server as its documentation builds one: a WebSocket adapter and storage in files.
//   PORT=… FOLDER=… node automerge.mjs
import { WebSocketServer } from "ws";
import { Repo } from "@automerge/automerge-repo";
import { WebSocketServerAdapter } from "@automerge/automerge-repo-network-websocket";
import { NodeFSStorageAdapter } from "@automerge/automerge-repo-storage-nodefs";

const wss = new WebSocketServer({ host: "127.0.0.1", port: Number(process.env.PORT) });
new Repo({
  network: [new WebSocketServerAdapter(wss)],
  storage: new NodeFSStorageAdapter(process.env.FOLDER),
  peerId: "the-sync-server",
  sharePolicy: async () => false,  // gives a document only to who asks for it
});
