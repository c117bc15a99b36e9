"""The types that users see, by the checkers that are installed (mypy, pyright)."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from support import HANG, HERE, PACKAGE, Case

USE = os.path.join(HERE, "typing_use.py")


def expected() -> set[int]:
    with open(USE) as file:
        return {i for i, line in enumerate(file, 1) if "# E: " in line}


def found(output: str) -> set[int]:
    return {int(n) for n in re.findall(r"typing_use\.py:(\d+)(?::\d+)?[:\s-]+error", output)}


class Typing(Case):
    def test_mypy(self) -> None:
        if subprocess.run([sys.executable, "-c", "import mypy"], capture_output=True).returncode:
            self.skipTest("mypy is not installed")
        with tempfile.TemporaryDirectory() as cache:
            command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", cache]
            result = subprocess.run(
                [*command, USE, os.path.join(PACKAGE, "weft")],
                capture_output=True,
                text=True,
                timeout=3 * HANG,
                env=os.environ | {"MYPYPATH": PACKAGE},
                cwd=cache,
            )
        self.assertEqual(found(result.stdout), expected(), result.stdout + result.stderr)
        self.assertNotIn("weft/_", result.stdout)

    def test_pyright(self) -> None:
        beside = os.path.dirname(sys.executable)
        pyright = shutil.which("pyright", path=beside) or shutil.which("pyright")
        if pyright is None:
            self.skipTest("pyright is not installed")
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(USE, folder)
            with open(os.path.join(folder, "pyrightconfig.json"), "w") as file:
                settings = {
                    "include": ["typing_use.py"],
                    "extraPaths": [PACKAGE],
                    "typeCheckingMode": "strict",
                    "pythonVersion": "3.11",
                }
                json.dump(settings, file)
            result = subprocess.run(
                [pyright, "-p", folder], capture_output=True, text=True, timeout=3 * HANG
            )
        self.assertEqual(found(result.stdout), expected(), result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
