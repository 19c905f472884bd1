"""The layer check sees a planted breach of every kind, and passes a clean tree."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools" / "check_layers.py"


def check(files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = Path(root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, TOOL, root], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout


class LayerCheck(unittest.TestCase):
    def assert_breach(self, name, text, words):
        status, output = check({name: text})
        self.assertEqual(status, 1, output)
        self.assertIn(words, output)

    def test_downward_include_is_allowed(self):
        status, output = check({"include/bsp/wire/a.hpp": "#include <bsp/base/result.hpp>\n"})
        self.assertEqual(status, 0, output)

    def test_upward_include(self):
        self.assert_breach("include/bsp/merge/a.hpp", "#include <bsp/wire/x.hpp>\n", "layer 'merge' may not include")

    def test_unknown_layer(self):
        self.assert_breach("include/bsp/misc/a.hpp", "int x;\n", "is not a layer")

    def test_cryptopp_outside_crypto(self):
        self.assert_breach("include/bsp/auth/a.hpp", "#include <cryptopp/rsa.h>\n", "only include/bsp/crypto")

    def test_clock_in_the_core(self):
        self.assert_breach("include/bsp/sbt/a.hpp", "auto t = std::chrono::system_clock::now();\n", "reads no clock")

    def test_thread_in_the_core(self):
        self.assert_breach("include/bsp/merge/a.hpp", "#include <thread>\n", "reads no clock, thread")

    def test_suite_takes_no_oracle_from_the_headers(self):
        self.assert_breach("conformance/checks/a.cpp", "#include <bsp/merge/join.hpp>\n", "its oracle is its own")

    def test_faulty_backend_takes_no_oracle_either(self):
        self.assert_breach("conformance/faulty/a.cpp", "#include <bsp/endpoint/all.hpp>\n", "a faulty backend may not include")


if __name__ == "__main__":
    unittest.main()
