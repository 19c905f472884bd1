"""Every test vector, judged by an independent reading of the specification, and the generator shown to be reproducible."""
import base64
import hashlib
import hmac
import itertools
import json
import random
import re
import subprocess
import sys
import unittest
from pathlib import Path

import jsonschema

sys.path.insert(0, str(Path(__file__).resolve().parent))
import oracle  # noqa: E402
import redaction_oracle  # noqa: E402
from oracle import Refused  # noqa: E402

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"
FILES = sorted(VECTORS.glob("*.json"))


def load(name):
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="ascii"))["vectors"]


def verdict(judge, *arguments):
    """("accept", what it returned) or ("refuse", why)."""
    try:
        return "accept", judge(*arguments)
    except Refused as refusal:
        return "refuse", str(refusal)


class VectorTest(unittest.TestCase):
    maxDiff = None

    def judge_each(self, name, judge):
        vectors = load(name)
        self.assertTrue(vectors)
        for vector in vectors:
            with self.subTest(vector["id"], catches=vector["catches"]):
                judge(vector)


class Collection(unittest.TestCase):
    def test_ids_are_unique_and_named_after_their_family(self):
        seen = set()
        for file in FILES:
            vectors = json.loads(file.read_text())["vectors"]
            self.assertEqual(1, len({v["id"].rsplit("-", 1)[0] for v in vectors}), file.name)
            for vector in vectors:
                self.assertNotIn(vector["id"], seen)
                seen.add(vector["id"])

    def test_no_vector_has_a_twin(self):
        for file in FILES:
            bodies = [json.dumps({k: v for k, v in vector.items() if k not in ("id", "catches", "impact", "why")}, sort_keys=False)
                      for vector in json.loads(file.read_text())["vectors"]]
            self.assertEqual(len(bodies), len(set(bodies)), file.name)

    def test_clauses_exist(self):
        chapters = "".join(path.read_text() for path in VECTORS.parent.glob("*.md"))
        known = set(re.findall(r"\*\*(BSP-[A-Z]+-[0-9]{3})\*\*", chapters))
        for file in FILES:
            named = json.loads(file.read_text())["clauses"]
            self.assertTrue(named, file.name)
            self.assertEqual([], [clause for clause in named if clause not in known], file.name)

    def test_vector_files_match_their_schemas(self):
        for file in FILES:
            schema = json.loads((VECTORS / "schema" / f"{file.stem}.schema.json").read_text())
            jsonschema.Draft202012Validator.check_schema(schema)
            errors = jsonschema.Draft202012Validator(schema).iter_errors(json.loads(file.read_text()))
            self.assertEqual([], [f"{file.name}{e.json_path[1:]}: {e.message[:200]}" for e in errors])

    def test_generator_reproduces_them(self):
        run = subprocess.run([sys.executable, "-B", str(VECTORS / "generate.py"), "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(0, run.returncode, run.stdout + run.stderr)


class Canonicalization(VectorTest):
    def test_c14n(self):
        def judge(vector):
            outcome = verdict(lambda text: oracle.canonical(oracle.parse_json(text)), vector["json"])
            if "refused" in vector:
                self.assertEqual(("refuse", vector["refused"]), outcome)
                return
            self.assertEqual(("accept", vector["canonical"]), outcome)
            self.assertEqual(hashlib.sha256(vector["canonical"].encode("ascii")).hexdigest(), vector["sha256"])
            self.assertEqual(vector["canonical"], oracle.canonical(oracle.parse_json(vector["canonical"])), "canonicalizing twice")

        self.judge_each("c14n", judge)

    def test_json(self):
        def judge(vector):
            data = vector["text"] if "text" in vector else base64.b64decode(vector["base64"])
            outcome = verdict(oracle.parse_json, data)
            if vector["expect"] != "may":
                self.assertEqual(vector["expect"], outcome[0], outcome[1])

        self.judge_each("json", judge)


class Scalars(VectorTest):
    def test_timestamps(self):
        def judge(vector):
            if "order" in vector:
                a, b = oracle.instant(vector["a"]), oracle.instant(vector["b"])
                self.assertEqual(vector["order"], "before" if a < b else "after" if a > b else "same")
                return
            outcome = verdict(oracle.instant, vector["text"])
            if vector["ok"] is False:
                self.assertEqual("refuse", outcome[0])
            else:
                self.assertEqual("accept", outcome[0])
                self.assertEqual(vector["seconds"], outcome[1].__floor__())
                self.assertEqual(vector["nanoseconds"], (outcome[1] - vector["seconds"]) * 10 ** 9)

        self.judge_each("timestamps", judge)

    def test_identifiers(self):
        judges = {
            "id": lambda v: oracle.is_id(v["text"]),
            "user_id": lambda v: oracle.is_user_id(v["text"]),
            "sbt_user_id": lambda v: oracle.is_user_id(v["text"]) and v["text"] != "anonymous",
            "produced_backend_id": lambda v: re.fullmatch("(local|hosted)_sha256_[0-9a-f]{16,64}", v["text"]) is not None,
            "produced_peer_id": lambda v: re.fullmatch("peer_[0-9a-f]{32,}", v["text"]) is not None,
            "backend": lambda v: oracle.is_backend_of(v["text"], v["backend_type"]),
        }
        def judge(vector):
            if vector["kind"] == "distinct":
                self.assertEqual(len(vector["texts"]), len(set(vector["texts"])))
                self.assertTrue(all(map(oracle.is_id, vector["texts"])))
            else:
                self.assertEqual(vector["expect"] == "accept", judges[vector["kind"]](vector))

        self.judge_each("identifiers", judge)


class Cryptography(VectorTest):
    def test_keys(self):
        def judge(vector):
            outcome = verdict(oracle.read_public_key, vector["pem"])
            if vector["expect"] == "refuse":
                self.assertEqual(("refuse", vector["why"]), outcome)
                return
            if vector["expect"] == "accept":
                self.assertEqual("accept", outcome[0], outcome[1])
            if outcome[0] == "accept":
                self.assertEqual(vector["spki_sha256"], outcome[1][2])

        self.judge_each("keys", judge)

    def test_sbt(self):
        def judge(vector):
            if "canonical" in vector:
                self.assertEqual(vector["canonical"], oracle.canonical(oracle.without(vector["token"], "signature")))
                self.assertEqual(vector["mac"], hmac.new(vector["secret"].encode(), vector["canonical"].encode(), hashlib.sha256).hexdigest())
            if "expect" in vector:
                outcome = verdict(oracle.check_sbt, vector["token"], vector["secret"], oracle.instant(vector["now"]))
                self.assertEqual((vector["expect"], vector.get("why")), outcome)

        self.judge_each("sbt", judge)

    def test_the_reference_token_has_the_published_values(self):
        reference = load("sbt")[0]
        self.assertEqual("df73e3c0672bfd5aa177e1415f033acb4a25ac86bd2e8c349e655595b3e84728", reference["mac"])
        self.assertEqual({"compact-ascii": "be416cb232662ab5fffe24d878da8b95938b45ef265f5996af5f01179ef79501",
                          "compact-raw-utf8": "fdc7d7ef1c07758df0591eafbdd3dd272351774f9bb8c39460d7173a0f374d25"}, reference["reference_macs"])

    def test_the_examples_of_the_chapters_are_vectors(self):
        sbt, authentication = (next(VECTORS.parent.glob(f"{number}-*.md")).read_text() for number in ("03", "05"))
        example = lambda name: next(v for v in load(name) if v["catches"].startswith("the example of the specification"))
        self.assertIn(example("sbt")["mac"], sbt)
        self.assertIn("Authorization: " + example("assertions")["authorization"], authentication)

    def test_ps256(self):
        def judge(vector):
            outcome = verdict(oracle.check_body_signature, vector["payload"], vector["public_key"])
            if vector["expect"] == "accept":
                self.assertEqual(("accept", ("omitted", 32, True)), outcome)
            elif vector["expect"] == "refuse":
                self.assertEqual(("refuse", vector["why"]), outcome)
            else:
                self.assertEqual("accept", outcome[0])
                self.assertNotEqual(("omitted", 32, True), outcome[1], "an ordinary signature is no matter of choice")

        self.judge_each("ps256", judge)

    def test_rotation(self):
        def judge(vector):
            outcome = verdict(oracle.check_rotation, vector["notice"], vector["public_key"])
            self.assertEqual(("accept", None) if vector["expect"] == "accept" else ("refuse", vector["why"]), outcome)
            if "signed_bytes" in vector:
                self.assertEqual(vector["signed_bytes"], oracle.canonical(oracle.without(vector["notice"], "signature", "new_key_signature")))

        self.judge_each("rotation", judge)

    def test_assertions(self):
        def judge(vector):
            outcome = verdict(oracle.check_assertion, *(vector[k] for k in ("authorization", "now", "request", "audience", "peer", "user")))
            self.assertEqual((vector["expect"], vector.get("why")), outcome)

        self.judge_each("assertions", judge)


class Merge(VectorTest):
    def orders(self, items, identifier):
        """All orders of a few items, many of more, each followed by a repetition."""
        if len(items) <= 4:
            yield from itertools.permutations(items)
            return
        shuffler = random.Random(identifier)
        for _ in range(40):
            yield shuffler.sample(items, len(items))

    def test_merge(self):
        def judge(vector):
            (self.check_winner if "writes" in vector else self.check_join)(vector)

        self.judge_each("merge", judge)

    def test_digest(self):
        def judge(vector):
            self.assertEqual((vector["digest"], vector["conversations"]), oracle.state_digest(vector["state"]))
            self.assertEqual((vector["digest"], vector["conversations"]), oracle.state_digest(vector["state"][::-1]))
            by_name = {c["conversation_id"]: c for c in vector["state"]}
            self.assertEqual(vector["conversation_digests"], [[name, oracle.conversation_digest(by_name[name])] for name, _ in vector["conversation_digests"]])

        self.judge_each("digest", judge)

    def check_winner(self, vector):
        self.assertEqual(vector["digests"], [oracle.digest(w) for w in vector["writes"]])
        winner = vector["writes"][vector["winner"]]
        for order in self.orders(vector["writes"], vector["id"]):
            held = None
            for write in (*order, order[0]):
                held = write if held is None or oracle.message_beats(write, held) else held
            self.assertEqual(winner, held)

    def check_join(self, vector):
        self.assertEqual(vector["scalar_digests"], [oracle.scalar_digest(c) for c in vector["inputs"]])
        for order in self.orders(vector["inputs"], vector["id"]):
            replica = oracle.Replica()
            for conversation in (*order, order[0]):
                replica.receive(conversation)
            self.assertEqual(vector["joined"], replica.state())


class Redaction(VectorTest):
    def test_redaction(self):
        def judge(vector):
            self.assertEqual(vector["redacted"], redaction_oracle.redact(vector["text"]))
            self.assertEqual(vector["redacted"], redaction_oracle.redact(vector["redacted"]), "redacting twice")
            self.assertEqual(vector["expect"] == "keep", vector["text"] == vector["redacted"])
            for piece in vector.get("pii", []):
                self.assertIn(piece, vector["text"])
                self.assertNotIn(piece, vector["redacted"])

        self.judge_each("redaction", judge)

    def test_the_floor_is_what_the_source_document_finds(self):
        """Whatever the four expressions of the source find is replaced, except moments."""
        source = {"email": r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b", "credit_card": r"\b\d{4}[-\s]?\d{4}[-\s]?\d{4}[-\s]?\d{4}\b",
                  "ssn": r"\b\d{3}-\d{2}-\d{4}\b", "phone": r"\b\d{3}[-.]?\d{3}[-.]?\d{4}\b"}
        for vector in load("redaction"):
            found = [m for pattern in source.values() for m in re.findall(pattern, vector["text"], re.ASCII) if not re.fullmatch(redaction_oracle.MOMENT, m)]
            self.assertEqual([], [m for m in found if m in vector["redacted"]], vector["id"])


if __name__ == "__main__":
    unittest.main()
