// What a user interface needs of BSP: canonical bytes, the pairing secret as a key that nobody can read back, session
// binding tokens, user assertions, and the proof that a backend holds the key it shows.

const utf8 = new TextEncoder();

const short_escapes = { '"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r" };

function canonical_string(text) {
  const escaped = text.replace(/["\\]|[^ -~]/g, (unit) => short_escapes[unit] ?? "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"));
  return '"' + escaped + '"';
}

// Strings compare by UTF-16 units in JavaScript, and by code points in BSP.
function by_code_points(a, b) {
  const left = [...a], right = [...b];
  for (let i = 0; i < Math.min(left.length, right.length); ++i) {
    const difference = left[i].codePointAt(0) - right[i].codePointAt(0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** C14N-1 of a JSON value (BSP-GEN-033). Throws for numbers that have no canonical form. */
export function canonicalize(value) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return canonical_string(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw new RangeError("not a plain integer within ±(2^53−1)");
    return String(value);
  }
  if (Array.isArray(value)) return "[" + value.map(canonicalize).join(", ") + "]";
  return "{" + Object.keys(value).sort(by_code_points).map((name) => canonical_string(name) + ": " + canonicalize(value[name])).join(", ") + "}";
}

export const to_hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const to_base64url = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const from_base64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const random_hex = (bytes) => to_hex(crypto.getRandomValues(new Uint8Array(bytes)));
const der_of = (pem) => from_base64(pem.replace(/-----(BEGIN|END) PUBLIC KEY-----|\s/g, ""));

/** The pairing secret as a key of the browser's: it signs, and no script can read it. */
export const import_secret = (secret) => crypto.subtle.importKey("raw", utf8.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);

export const mac = (key, text) => crypto.subtle.sign("HMAC", key, utf8.encode(text));

/** The same object with its `signature` (BSP-SBT-003). */
export async function sign_token(token, key) {
  return { ...token, signature: to_hex(await mac(key, canonicalize(token))) };
}

/** A token that binds the two identities, and their keys, for eight hours. */
export async function make_token(local, hosted, user_id, key) {
  const now = Date.now();
  return sign_token({
    session_id: "sess_" + random_hex(16), user_id,
    local_backend_id: local.backend_id, hosted_backend_id: hosted.backend_id,
    local_key_sha256: await fingerprint(local), hosted_key_sha256: await fingerprint(hosted),
    created_at: new Date(now).toISOString(), expires_at: new Date(now + 8 * 3600 * 1000).toISOString(),
  }, key);
}

/** The fingerprint of the key that a backend shows. */
export const fingerprint = async (identity) => to_hex(await crypto.subtle.digest("SHA-256", der_of(identity.public_key)));

export const make_challenge = () => to_base64url(crypto.getRandomValues(new Uint8Array(32)));

/** Whether the answer to a registration proves that the backend holds the key it shows (BSP-REG-022). */
export async function proves_its_key(identity, challenge, answer) {
  try {
    const key = await crypto.subtle.importKey("spki", der_of(identity.public_key), { name: "RSA-PSS", hash: "SHA-256" }, false, ["verify"]);
    const proof = canonicalize({ typ: "bsp-challenge", challenge, backend_id: identity.backend_id, peer_id: answer.peer_id });
    return await crypto.subtle.verify({ name: "RSA-PSS", saltLength: 32 }, key, from_base64(answer.challenge_signature), utf8.encode(proof));
  } catch {
    return false;
  }
}

/** The value of `Authorization` for one request by the user (section 5.6). */
export async function user_authorization(key, user_id, backend_id, method, target) {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: user_id, sub: user_id, aud: backend_id, jti: random_hex(16), htm: method, htu: target, iat: now, exp: now + 60 };
  const text = [{ alg: "HS256", typ: "bsp-user+jwt" }, claims].map((part) => to_base64url(utf8.encode(JSON.stringify(part)))).join(".");
  return "BSP-User " + text + "." + to_base64url(await mac(key, text));
}
