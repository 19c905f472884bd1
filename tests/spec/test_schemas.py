"""Schemas and the OpenAPI document: well formed, consistent, and true of every example and vector.

The OpenAPI document is judged by @seriousme/openapi-schema-validator in BSP_OPENAPI_VALIDATOR, a directory made by
`npm ci` from openapi_validator/. Without that variable this one test is skipped.
"""
import base64
import copy
import json
import os
import re
import subprocess
import tempfile
import unittest
import warnings
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from jsonschema import RefResolver

SPEC = Path(__file__).resolve().parents[2] / "spec"
SCHEMAS = {path.name.removesuffix(".schema.json"): path for path in sorted((SPEC / "schemas").glob("*.schema.json"))}
OPENAPI = SPEC / "openapi.yaml"


def validator(reference, base=SPEC / "openapi.yaml"):
    """A validator of what `reference` (a file, relative to `base`, perhaps with a fragment) describes."""
    return Draft202012Validator({"$ref": reference}, resolver=RefResolver(base.as_uri(), {}))


def errors_of(name, value):
    return [f"{e.json_path}: {e.message[:200]}" for e in validator(f"schemas/{name}.schema.json").iter_errors(value)]


def walk(node, path="$"):
    yield path, node
    for key, child in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from walk(child, f"{path}/{key}")


def bundled(document):
    """The OpenAPI document with the schema files taken in: the validator reads one file only."""
    def rewritten(node, home):
        if isinstance(node, list):
            return [rewritten(child, home) for child in node]
        if not isinstance(node, dict):
            return node
        copied = {key: rewritten(child, home) for key, child in node.items()}
        if isinstance(node.get("$ref"), str):
            file, _, fragment = node["$ref"].partition("#")
            name = Path(file).name.removesuffix(".schema.json") or home
            if name:
                copied["$ref"] = f"#/components/schemas/{name}{fragment}"
        return copied

    whole = rewritten(document, None)
    whole["components"]["schemas"] = {name: rewritten(json.loads(path.read_text()), name) for name, path in SCHEMAS.items()}
    return whole


def vectors(name):
    return json.loads((SPEC / "vectors" / f"{name}.json").read_text())["vectors"]


class Schemas(unittest.TestCase):
    def test_they_obey_the_metaschema(self):
        self.assertGreater(len(SCHEMAS), 20)
        for name, path in SCHEMAS.items():
            with self.subTest(name):
                Draft202012Validator.check_schema(json.loads(path.read_text()))

    def test_patterns_compile(self):
        for name, path in SCHEMAS.items():
            for where, node in walk(json.loads(path.read_text())):
                if isinstance(node, dict) and isinstance(node.get("pattern"), str):
                    with self.subTest(f"{name} {where}"):
                        re.compile(node["pattern"])

    def test_references_resolve(self):
        for name, path in SCHEMAS.items():
            resolver = RefResolver(path.as_uri(), json.loads(path.read_text()))
            for where, node in walk(json.loads(path.read_text())):
                if isinstance(node, dict) and isinstance(node.get("$ref"), str):
                    with self.subTest(f"{name} {where}"):
                        resolver.resolve(node["$ref"])

    def test_unknown_members_are_open(self):
        for name, path in SCHEMAS.items():
            schema = json.loads(path.read_text())
            with self.subTest(name):
                self.assertEqual(name == "challenge", schema.get("additionalProperties") is False, "only the challenge has an exact set of members")

    def test_problem_codes_are_the_registry(self):
        rows = re.findall(r"^\| `([a-z0-9-]+)` \| ([0-9]{3}) \|", (SPEC / "01-conventions.md").read_text(), re.M)
        problem = json.loads(SCHEMAS["problem"].read_text())
        self.assertEqual(sorted(code for code, _ in rows), sorted(problem["properties"]["code"]["enum"]))


class Vectors(unittest.TestCase):
    """What the vectors accept obeys the schemas; what they refuse for its form does not."""

    def check(self, name, cases):
        cases = list(cases)
        self.assertTrue(cases)
        for label, value, fits in cases:
            with self.subTest(label):
                errors = errors_of(name, value)
                if fits:
                    self.assertEqual([], errors)
                else:
                    self.assertTrue(errors, "the schema lets it pass")

    def test_session_binding_tokens(self):
        formal = ("malformed", "signature-form", "reserved-user")
        self.check("sbt", ((v["id"], v["token"], v["expect"] == "accept") for v in vectors("sbt")
                           if v.get("expect") == "accept" or v.get("why") in formal and not v["catches"].endswith("white space after")))

    def test_payloads(self):
        self.check("sync-payload", ((v["id"], v["payload"], True) for v in vectors("ps256") if v["expect"] == "accept"))

    def test_rotation_notices(self):
        self.check("key-rotation", ((v["id"], v["notice"], v["expect"] == "accept") for v in vectors("rotation") if v["expect"] == "accept" or v.get("why") in ("missing", "typ")))

    def test_messages_and_conversations(self):
        merges = vectors("merge")
        self.check("message", ((v["id"], w, True) for v in merges for w in v.get("writes", ())))
        self.check("conversation", ((v["id"], c, True) for v in merges for c in (*v.get("inputs", ()), *([v["joined"]] if "joined" in v else ()))))
        self.check("conversation", ((v["id"], c, True) for v in vectors("digest") for c in v["state"]))

    def test_digests(self):
        self.check("state-digest", ((v["id"], {k: v[k] for k in ("digest", "conversations")}, True) for v in vectors("digest")))

    def test_assertions(self):
        for vector in vectors("assertions"):
            if vector["expect"] != "accept":
                continue
            scheme, token = vector["authorization"].split(" ")
            kind = "user" if scheme.lower() == "bsp-user" else "peer"
            header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
            with self.subTest(vector["id"]):
                self.assertEqual([], errors_of(f"{kind}-assertion-header", header))
                self.assertEqual([], errors_of(f"{kind}-assertion-claims", claims))

    def test_ids_and_timestamps(self):
        kinds = {"id": "identifier", "user_id": "user_id", "produced_backend_id": "produced_backend_id", "produced_peer_id": "produced_peer_id"}
        for vector in vectors("identifiers"):
            if vector["kind"] in kinds and not vector["text"].endswith("\n"):  # Python's $ also matches before a last line feed
                with self.subTest(vector["id"]):
                    self.assertEqual(vector["expect"] == "accept", validator(f"schemas/common.schema.json#/$defs/{kinds[vector['kind']]}").is_valid(vector["text"]))
        for vector in vectors("timestamps"):
            if vector.get("ok") is True:
                with self.subTest(vector["id"]):
                    self.assertTrue(validator("schemas/common.schema.json#/$defs/timestamp").is_valid(vector["text"]))

    def test_keys(self):
        for vector in vectors("keys"):
            if vector["expect"] == "accept":
                with self.subTest(vector["id"]):
                    self.assertTrue(validator("schemas/common.schema.json#/$defs/public_key").is_valid(vector["pem"]))


class Chapters(unittest.TestCase):
    """The JSON examples of the text, recognised by their members."""

    KINDS = (("sync_success_rate", "sync-metrics"), ("top_peers_by_events", "telemetry-summary"), ("sbt_status", "sync-debug"), ("alerts", "alert-list"), ("exported_at", "privacy-export"), ("sync_enabled", "privacy-settings"), ("code", "problem"), ("new_key_signature", "key-rotation"), ("previous_key_expires_at", "key-rotated"), ("backend_identity", "register-peer-request"), ("sync_endpoint", "register-peer-response"), ("acked_sync_id", "sync-ack"),
             ("conflict_type", "conflict"), ("message_count", None), ("events", "telemetry-event-list"), ("entries", "audit-list"), ("details", "audit-entry"), ("event_type", "telemetry-event"), ("last_sync", "pull-response"), ("sync_id", "sync-payload"), ("digest", "state-digest"),
             ("peers", "peer-list"), ("public_key", "identity"), ("hosted_backend_id", "sbt"), ("has_more", "conversation-list"),
             ("conversation_id", "conversation"), ("content", "local-message-write"))

    def kind_of(self, value):
        if "id" in value and "version" in value:
            return "message"
        if "jti" in value:
            return "peer-assertion-claims" if value["iss"].startswith(("local_", "hosted_")) else "user-assertion-claims"
        if "alg" in value:
            return "user-assertion-header" if value["alg"] == "HS256" else "peer-assertion-header"
        if value.get("status") in ("unpaired", "revoked"):
            return "peer-removal"
        if "status" in value:
            if "event_id" in value:
                return "telemetry-answer"
            return {"healthy": "health", "deleted": "deletion", "erased": "erasure"}.get(value["status"]) or next(kind for member, kind in self.KINDS if member in value)
        return next((kind for member, kind in self.KINDS if member in value), None)

    @staticmethod
    def abridged(error):
        """An ellipsis in an example stands for what the reader need not see."""
        instance = error.instance
        return "\u2026" in (instance if isinstance(instance, str) else " ".join(instance) if isinstance(instance, dict) else "")

    def test_examples(self):
        judged = 0
        for chapter in sorted(SPEC.glob("[01]*.md")):
            text = chapter.read_text()
            for match in re.finditer(r"^```json\n(.*?)^```", text, re.M | re.S):
                where = f"{chapter.name}:{text.count(chr(10), 0, match.start()) + 1}"
                with self.subTest(where):
                    value = json.loads(re.sub(r"\[ \u2026 \]", "[]", match[1]))
                    if any(ord(c) < 32 or ord(c) == 127 for c in value.get("user_id", "")):
                        continue  # the canonicalization vector is about bytes alone
                    kind = self.kind_of(value)
                    self.assertIsNotNone(kind, "no schema describes this example")
                    found = validator(f"schemas/{kind}.schema.json").iter_errors(value)
                    self.assertEqual([], [f"{kind} {e.json_path}: {e.message[:200]}" for e in found if not self.abridged(e)])
                    judged += 1
        self.assertGreater(judged, 15)


class OpenApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.document = yaml.safe_load(OPENAPI.read_text())
        cls.resolver = RefResolver(OPENAPI.as_uri(), cls.document)

    def resolved(self, node):
        while isinstance(node, dict) and "$ref" in node:
            node = self.resolver.resolve(node["$ref"])[1]
        return node

    def operations(self):
        for path, item in self.document["paths"].items():
            for method in ("get", "put", "post", "delete"):
                if method in item:
                    yield f"{method.upper()} {path}", item, item[method]

    def test_it_is_openapi_3_1(self):
        tools = os.environ.get("BSP_OPENAPI_VALIDATOR")
        if not tools:
            self.skipTest("BSP_OPENAPI_VALIDATOR is not set")
        program = Path(tools) / "node_modules" / ".bin" / "validate-api"
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder) / "openapi.json"
            bundle.write_text(json.dumps(bundled(self.document)))
            run = subprocess.run([str(program), str(bundle)], capture_output=True, text=True, check=False)
        self.assertEqual(0, run.returncode, run.stdout + run.stderr)
        self.assertTrue(json.loads(run.stdout)["valid"], run.stdout)

    def test_references_resolve(self):
        for where, node in walk(self.document):
            if isinstance(node, dict) and isinstance(node.get("$ref"), str):
                with self.subTest(where):
                    self.resolver.resolve(node["$ref"])

    def test_inline_schemas_obey_the_metaschema(self):
        for where, node in walk(self.document):
            if where.endswith("/schema") and "$ref" not in node:
                with self.subTest(where):
                    Draft202012Validator.check_schema(node)

    def test_every_core_endpoint_is_there(self):
        self.assertEqual({
            "GET /identity", "GET /health", "POST /register-peer", "GET /peers", "DELETE /peers/{peer_id}", "POST /peers/{peer_id}/rotate-key", "POST /sync/{peer_id}", "GET /sync/{peer_id}",
            "GET /sync/{peer_id}/digest", "GET /conversations", "GET /conversations/{conversation_id}", "DELETE /conversations/{conversation_id}",
            "POST /conversations/{conversation_id}/messages", "DELETE /conversations/{conversation_id}/messages/{message_id}",
            "GET /telemetry/{peer_id}", "GET /telemetry/events", "GET /audit",
            "GET /health/live", "GET /health/ready", "GET /sync/metrics/{peer_id}", "GET /dashboard/telemetry", "GET /dashboard/peers", "GET /debug/sync/{peer_id}", "GET /alerts", "GET /metrics",
            "GET /privacy-settings", "PUT /privacy-settings", "GET /privacy/export", "DELETE /privacy/data"},
            {name for name, _, _ in self.operations()})

    def test_path_parameters_are_declared(self):
        for name, item, operation in self.operations():
            declared = {p["name"] for p in map(self.resolved, item.get("parameters", []) + operation.get("parameters", [])) if p["in"] == "path"}
            self.assertEqual(set(re.findall(r"\{(\w+)\}", name)), declared, name)

    def test_security_is_stated_and_known(self):
        known = set(self.document["components"]["securitySchemes"])
        for name, _, operation in self.operations():
            self.assertIn("security", operation, name)
            self.assertLessEqual({scheme for requirement in operation["security"] for scheme in requirement}, known, name)
            self.assertLessEqual({"401", "403"} if operation["security"] else set(), set(operation["responses"]), name)

    def test_every_error_is_a_problem_document(self):
        problem = {"$ref": "schemas/problem.schema.json"}
        for name, _, operation in self.operations():
            self.assertIn("default", operation["responses"], name)
            for status, response in operation["responses"].items():
                if status[0] not in "12":
                    content = self.resolved(response)["content"]
                    self.assertEqual({"application/problem+json"}, set(content), f"{name} {status}")
                    self.assertEqual(problem, content["application/problem+json"]["schema"], f"{name} {status}")

    def test_error_answers_name_exactly_the_codes_of_their_status(self):
        rows = re.findall(r"^\| `([a-z0-9-]+)` \| ([0-9]{3}) \|", (SPEC / "01-conventions.md").read_text(), re.M)
        for status in ("400", "401", "403", "404", "409", "413", "415", "422", "429", "503"):
            response = next(self.resolved(o["responses"][status]) for _, _, o in self.operations() if status in o["responses"])
            self.assertEqual(sorted(code for code, of in rows if of == status), sorted(re.findall(r"`([a-z0-9-]+)`", response["description"])), status)

    def test_examples(self):
        judged = 0
        for where, node in walk(self.document):
            if not isinstance(node, dict) or "schema" not in node or "examples" not in node:
                continue
            reference = node["schema"]["$ref"]
            for name, example in node["examples"].items():
                with self.subTest(f"{where} {name}"):
                    value = self.resolved(example)["value"]
                    found = validator(reference).iter_errors(value)
                    self.assertEqual([], [f"{e.json_path}: {e.message[:200]}" for e in found])
                    judged += 1
        self.assertGreater(judged, 25)

    def test_every_body_has_an_example(self):
        for where, node in walk(self.document):
            if isinstance(node, dict) and isinstance(node.get("schema"), dict) and where.rsplit("/", 1)[-1].startswith(("json", "problem+json")):
                self.assertTrue(node.get("examples"), where)

    def test_the_examples_are_able_to_fail(self):
        """A message without its version is noticed, so the judgement above means something."""
        broken = copy.deepcopy(self.document["components"]["examples"]["Pull"]["value"])
        del broken["conversations"][0]["messages"][0]["version"]
        self.assertTrue(errors_of("pull-response", broken))

    def test_the_signature_of_the_push_example_verifies(self):
        import oracle
        example = self.document["components"]["examples"]
        self.assertEqual(("omitted", 32, True), oracle.check_body_signature(
            example["Push"]["value"], example["Registration"]["value"]["backend_identity"]["public_key"]))


if __name__ == "__main__":
    unittest.main()
