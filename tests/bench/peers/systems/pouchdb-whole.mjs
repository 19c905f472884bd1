// PouchDB Server with a document for each conversation.
import { connect as connect_to_pouchdb } from "./pouchdb.mjs";

export const connect = (url, options) => connect_to_pouchdb(url, { ...options, whole: true });
