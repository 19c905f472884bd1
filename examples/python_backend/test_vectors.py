"""Runs the published test vectors, spec/vectors, through the modules of this backend."""

from __future__ import annotations

import base64
import itertools
import json
import sys
import unittest
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parents[1] / "spec" / "vectors"
sys.path.insert(0, str(HERE))

import assertions
import canonical
import grammar
import ijson
import keys
import merge
import rotation
import sbt
import timestamps
from problems import Problem


def vectors(name: str) -> list[dict]:
    return json.loads((VECTORS / f"{name}.json").read_text())["vectors"]


def as_received(name: str) -> list[dict]:
    """The vectors as this backend would read them off the wire, fractions kept apart from integers."""
    return ijson.parse((VECTORS / f"{name}.json").read_bytes())["vectors"]


class VectorTest(unittest.TestCase):
    def each(self, found: list[dict], check: Callable[[dict], None]) -> None:
        self.assertTrue(found)
        for vector in found:
            with self.subTest(vector["id"], catches=vector["catches"]):
                check(vector)

    def judge(self, vector: dict, code: str | None) -> None:
        """Compares the code of the refusal, or None after acceptance, with the expectation."""
        if vector["expect"] == "accept":
            self.assertIsNone(code)
        elif vector["expect"] == "refuse":
            self.assertEqual(code, vector.get("code", code))
            self.assertIsNotNone(code)


class Foundations(VectorTest):
    def test_json(self) -> None:
        def check(vector: dict) -> None:
            octets = vector["text"].encode() if "text" in vector else base64.b64decode(vector["base64"])
            try:
                ijson.parse(octets)
                accepted = True
            except ijson.Malformed:
                accepted = False
            if vector["expect"] != "may":
                self.assertEqual(accepted, vector["expect"] == "accept")

        self.each(vectors("json"), check)

    def test_long_integers(self) -> None:
        for digits in (5_000, 1_000_000):
            with self.assertRaises(ijson.Malformed):
                ijson.parse(b"[" + b"9" * digits + b"]")

    def test_canonical_bytes(self) -> None:
        def check(vector: dict) -> None:
            value = ijson.parse(vector["json"].encode())
            if "canonical" in vector:
                self.assertEqual(canonical.text(value), vector["canonical"])
                self.assertEqual(canonical.sha256(value).hex(), vector["sha256"])
            else:
                with self.assertRaises(canonical.NotCanonicalizable):
                    canonical.octets(value)

        self.each(vectors("c14n"), check)

    def test_timestamps(self) -> None:
        def check(vector: dict) -> None:
            if "order" in vector:
                a, b = timestamps.parse(vector["a"]), timestamps.parse(vector["b"])
                self.assertEqual("before" if a < b else "after" if a > b else "same", vector["order"])
            elif vector.get("ok"):
                instant = timestamps.parse(vector["text"])
                self.assertEqual(divmod(instant, timestamps.SECOND), (vector["seconds"], vector["nanoseconds"]))
                if 0 <= vector["seconds"] < 253_402_300_800:  # to the end of the year 9999
                    self.assertEqual(timestamps.parse(timestamps.format(instant)), instant)
            elif vector.get("ok") is False:
                self.assertFalse(grammar.is_timestamp(vector["text"]))

        self.each(vectors("timestamps"), check)

    def test_identifiers(self) -> None:
        checks = {
            "id": grammar.is_identifier,
            "user_id": grammar.is_user_id,
            "sbt_user_id": lambda text: grammar.is_user_id(text) and text != "anonymous",
            "produced_backend_id": grammar.is_produced_backend_id,
            "produced_peer_id": grammar.is_produced_peer_id,
        }
        def check(vector: dict) -> None:
            if vector["kind"] == "distinct":
                self.assertTrue(all(map(grammar.is_identifier, vector["texts"])))
                self.assertEqual(len(set(vector["texts"])), len(vector["texts"]))
            elif vector["kind"] == "backend":
                accepted = grammar.is_backend(vector["text"], vector["backend_type"])
                self.assertEqual(accepted, vector["expect"] == "accept")
            else:
                self.assertEqual(checks[vector["kind"]](vector["text"]), vector["expect"] == "accept")

        self.each(vectors("identifiers"), check)


class Credentials(VectorTest):
    def test_keys(self) -> None:
        def check(vector: dict) -> None:
            try:
                key = keys.parse_public(vector["pem"])
            except keys.InvalidKey:
                key = None
            if vector["expect"] != "may":
                self.assertEqual(key is not None, vector["expect"] == "accept")
            if key is not None and "spki_sha256" in vector:
                self.assertEqual(key.fingerprint, vector["spki_sha256"])

        self.each(vectors("keys"), check)

    def test_session_binding_tokens(self) -> None:
        def check(vector: dict) -> None:
            token, secret = vector["token"], vector["secret"]
            if "mac" in vector:
                signed = canonical.without(token, "signature")
                self.assertEqual(canonical.text(signed), vector["canonical"])
                self.assertEqual(sbt.mac(token, secret), vector["mac"])
            if "expect" in vector:
                code = None
                try:
                    sbt.verify(token, lambda user_id: secret, timestamps.parse(vector["now"]))
                except Problem as problem:
                    code = problem.code
                self.judge(vector, code)

        self.each(as_received("sbt"), check)

    def test_body_signatures(self) -> None:
        def check(vector: dict) -> None:
            payload, key = vector["payload"], keys.parse_public(vector["public_key"])
            if "signed_bytes" in vector:
                self.assertEqual(canonical.text(canonical.without(payload, "signature")), vector["signed_bytes"])
            try:
                code = None if key.verifies_object(payload.get("signature"), payload) else "invalid-signature"
            except canonical.NotCanonicalizable:
                code = "not-canonicalizable"
            self.judge(vector, code)

        self.each(as_received("ps256"), check)

    def test_rotation_notices(self) -> None:
        def check(vector: dict) -> None:
            notice, key = vector["notice"], keys.parse_public(vector["public_key"])
            if "signed_bytes" in vector:
                self.assertEqual(canonical.text(canonical.without(notice, *rotation.SIGNATURES)), vector["signed_bytes"])
            try:
                code = None
                rotation.read(notice, key, {}, timestamps.parse("2025-12-31T00:00:05Z"))
            except Problem as problem:
                code = problem.code
            self.judge(vector, code)

        self.each(as_received("rotation"), check)

    def test_signing(self) -> None:
        key = keys.parse_private((VECTORS / "keys" / "test-peer-a.private.pem").read_text())
        value = {"typ": "bsp-challenge", "n": 1}
        self.assertTrue(key.public.verifies_object(key.sign_object(value), value))
        self.assertFalse(key.public.verifies_object(key.sign_object(value), {**value, "n": 2}))

    def test_private_key_with_escaped_line_ends(self) -> None:
        pem = (VECTORS / "keys" / "test-peer-a.private.pem").read_text()
        escaped = pem.replace("\n", "\\n")
        self.assertEqual(keys.parse_private(escaped).public.fingerprint, keys.parse_private(pem).public.fingerprint)

    def test_assertions(self) -> None:
        def check(vector: dict) -> None:
            try:
                self.verify_assertion(vector)
                code = None
            except Problem as problem:
                code = problem.code
            self.judge(vector, code)

        self.each(as_received("assertions"), check)

    def verify_assertion(self, vector: dict) -> None:
        peer, user, request = vector["peer"], vector["user"], vector["request"]
        assertion = assertions.from_header(vector["authorization"])
        if assertion.scheme == "bsp":
            if assertion.subject != peer["peer_id"]:
                raise Problem("invalid-credential", "")
            assertions.verify_peer(assertion, keys.parse_public(peer["public_key"]), peer["backend_id"])
        else:
            assertions.verify_user(assertion, user["secret"] if assertion.subject == user["user_id"] else None)
        assertions.check_request(assertion, request["method"], request["target"])
        assertions.check_time(assertion, vector["now"])
        assertions.check_audience(assertion, vector["audience"])


class Joins(VectorTest):
    def test_merge(self) -> None:
        def check(vector: dict) -> None:
            if "writes" in vector:
                self.assertEqual([canonical.sha256(w).hex() for w in vector["writes"]], vector["digests"])
                for order in itertools.islice(itertools.permutations(vector["writes"]), 120):
                    state = merge.Conversation()
                    for write in [*order, order[0]]:
                        state.join_message(write)
                    self.assertEqual(list(state.messages.values()), [vector["writes"][vector["winner"]]])
            else:
                scalars = [canonical.without(i, "messages", "surfaces") for i in vector["inputs"]]
                self.assertEqual([canonical.sha256(s).hex() for s in scalars], vector["scalar_digests"])
                for order in itertools.islice(itertools.permutations(vector["inputs"]), 120):
                    self.check_join([*order, order[0]], vector)

        self.each(vectors("merge"), check)

    def check_join(self, inputs: list[dict], vector: dict) -> None:
        state = merge.Conversation()
        for conversation in inputs:
            state.join(conversation)
        joined = vector["joined"]
        self.assertEqual(state.emitted_scalars(), canonical.without(joined, "messages", "surfaces"))
        self.assertLessEqual(set(joined["surfaces"]), state.surfaces)
        self.assertLessEqual(state.surfaces, set(joined["surfaces"]) | set(vector.get("surfaces_may", [])))
        self.assertEqual(merge.by_time(list(state.messages.values())), joined["messages"])

    def test_digest(self) -> None:
        def check(vector: dict) -> None:
            state = {}
            for conversation in vector["state"]:
                state.setdefault(conversation["conversation_id"], merge.Conversation()).join(conversation)
            self.assertEqual(
                merge.state_digest(state), {"digest": vector["digest"], "conversations": vector["conversations"]})
            live = [[name, merge.conversation_digest(c)] for name, c in sorted(state.items()) if not c.deleted]
            self.assertEqual(live, vector["conversation_digests"])

        self.each(vectors("digest"), check)


if __name__ == "__main__":
    unittest.main()
