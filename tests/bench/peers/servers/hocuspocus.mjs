// Hocuspocus with its SQLite extension, all else as it comes: stores a document 2 s after a change, or 10 s while changes go on.
//   PORT=… FOLDER=… node hocuspocus.mjs
import { Server } from "@hocuspocus/server";
import { SQLite } from "@hocuspocus/extension-sqlite";

new Server({ address: "127.0.0.1", port: Number(process.env.PORT), quiet: true, extensions: [new SQLite({ database: process.env.FOLDER + "/db.sqlite" })] }).listen();
