"""Problem documents (RFC 9457) and the registry of their codes, section 1.10."""

from __future__ import annotations

REGISTRY: dict[str, tuple[int, str]] = {
    "malformed-body": (400, "The body cannot be read"),
    "invalid-body": (422, "The body is not valid"),
    "not-canonicalizable": (422, "The object has no canonical form"),
    "invalid-query": (400, "The query is not valid"),
    "bad-request": (400, "The HTTP message is malformed"),
    "unsupported-version": (400, "This version of the protocol is not supported"),
    "unsupported-media-type": (415, "The body is not plain application/json"),
    "payload-too-large": (413, "The body is too large"),
    "uri-too-long": (414, "The request target is too long"),
    "headers-too-large": (431, "The header section is too large"),
    "request-timeout": (408, "The request did not arrive in time"),
    "expectation-failed": (417, "The expectation is not supported"),
    "upgrade-required": (426, "This path speaks WebSocket only"),
    "misdirected-request": (421, "This server does not answer for that host"),
    "method-not-allowed": (405, "The method is not allowed here"),
    "credential-required": (401, "A credential is required"),
    "invalid-credential": (401, "The credential does not verify"),
    "invalid-sbt": (401, "The session binding token does not verify"),
    "sbt-expired": (401, "The session binding token has expired"),
    "invalid-key": (401, "The public key is not acceptable"),
    "invalid-signature": (401, "The signature does not verify"),
    "stale-request": (401, "The request is not fresh"),
    "forbidden": (403, "Not permitted"),
    "wrong-audience": (403, "Meant for another backend, peer or key"),
    "peer-revoked": (403, "The backend was revoked"),
    "unknown-peer": (404, "No such registration"),
    "not-found": (404, "No such resource"),
    "key-mismatch": (409, "Another key is registered"),
    "sync-id-reuse": (409, "The sync_id was used for something else"),
    "epoch-changed": (409, "The store was recreated or restored"),
    "internal": (500, "A fault of the server"),
    "unavailable": (503, "The store is not available"),
}


class Problem(Exception):
    """A refusal. `detail` is for a person and never holds secrets, signatures or content (BSP-GEN-091)."""

    def __init__(self, code: str, detail: str, headers: tuple[tuple[str, str], ...] = (), **members: object) -> None:
        super().__init__(code)
        self.code = code
        self.status, self.title = REGISTRY[code]
        self.detail = detail
        self.headers = headers
        self.members = members

    def document(self) -> dict[str, object]:
        return {
            "type": f"https://bsp.dev/errors/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **self.members,
        }
