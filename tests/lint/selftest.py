"""Each lint is shown a mistake and must find it, and something right and must be silent.

usage: selftest.py --types PYTHON    (PYTHON: an interpreter that has mypy and pyright)
"""

import argparse
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import exports
import layers
import paths
import readmes

ROOT = Path(__file__).resolve().parents[2]
types_python = sys.executable


def write(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


class InTemporaryDirectory(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.dir = Path(temporary.name).resolve()


class Includes(InTemporaryDirectory):
    def problems(self, path: str, line: str) -> list[str]:
        write(self.dir, {"core/base/list.h": "", "core/sched/park.h": "",
                         "abi/include/weft.h": "", path: line + "\n"})
        found = list(layers.include_problems(self.dir))
        (self.dir / path).unlink()
        return found

    def assert_found(self, path: str, line: str) -> None:
        self.assertEqual(len(self.problems(path, line)), 1)

    def assert_silent(self, path: str, line: str) -> None:
        self.assertEqual(self.problems(path, line), [])

    def test_upwards(self) -> None:
        self.assert_found("core/base/x.c", '#include "sched/park.h"')
        self.assert_silent("core/sched/x.c", '#include "base/list.h"')

    def test_upwards_by_a_relative_name(self) -> None:
        self.assert_found("core/base/x.c", '#include "../sched/park.h"')

    def test_the_core_does_not_know_the_abi(self) -> None:
        self.assert_found("core/sched/x.c", '#include "weft.h"')
        self.assert_silent("abi/x.c", '#include "weft.h"')

    def test_users_know_the_public_header_only(self) -> None:
        self.assert_found("tests/c/x.c", '#include "base/list.h"')
        self.assert_silent("tests/c/x.c", "#include <weft.h>")
        self.assert_silent("tests/unit/base_x.c", '#include "base/list.h"')

    def test_reserved_headers(self) -> None:
        self.assert_found("core/sched/x.c", "#include <uv.h>")
        self.assert_silent("core/io/x.c", "#include <uv.h>")
        self.assert_found("core/io/x.c", "# include <ffi.h>")
        self.assert_found("abi/x.c", "#include <protobuf-c/protobuf-c.h>")
        self.assert_found("core/base/x.c", '#include "abi.pb-c.h"')
        self.assert_silent("bindings/gen/x.c", '#include "abi.pb-c.h"')

    def test_a_header_that_does_not_exist(self) -> None:
        self.assert_found("core/sched/x.c", '#include "base/none.h"')


class Symbols(InTemporaryDirectory):
    def problems(self, **layer_sources: str) -> list[str]:
        for layer, text in layer_sources.items():
            write(self.dir, {f"{layer}.c": text})
            run("gcc", "-c", f"{layer}.c", cwd=self.dir)
            run("ar", "rcs", f"libweft_{layer}.a", f"{layer}.o", cwd=self.dir)
        return list(layers.symbol_problems(self.dir))

    def test_a_call_upwards(self) -> None:
        found = self.problems(base="void wf_up(void); void wf_low(void) { wf_up(); }",
                              sched="void wf_up(void) {}")
        self.assertEqual(len(found), 1)

    def test_a_call_downwards(self) -> None:
        self.assertEqual(self.problems(base="void wf_low(void) {}",
                         sched="void wf_low(void); void wf_up(void) { wf_low(); }"), [])

    def test_a_foreign_call(self) -> None:
        text = "void uv_run(void); void wf_f(void) { uv_run(); }"
        self.assertEqual(len(self.problems(sched=text)), 1)

    def test_nothing_built(self) -> None:
        self.assertEqual(len(self.problems()), 1)


class Exports(unittest.TestCase):
    MAP = "WEFT_0.1 { /* a; */ global: weft_a; weft_b;\n local: *; };\nWEFT_0.2 { weft_c; } WEFT_0.1;"

    def test_a_map_is_read(self) -> None:
        self.assertEqual(exports.listed(self.MAP),
                         {"weft_a@WEFT_0.1", "weft_b@WEFT_0.1", "weft_c@WEFT_0.2"})

    def test_one_missing_and_one_too_many(self) -> None:
        nm = "0 A WEFT_0.1\n10 T weft_a@@WEFT_0.1\n20 T wf_secret\n"
        found = exports.problems(exports.listed("WEFT_0.1 { weft_a; weft_b; };"),
                                 exports.exported(nm))
        self.assertEqual(found, ["in weft.map but not exported: weft_b@WEFT_0.1",
                                 "exported but not in weft.map: wf_secret"])

    def test_the_wrong_version(self) -> None:
        found = exports.problems({"weft_a@WEFT_0.2"}, exports.exported("1 T weft_a@@WEFT_0.1"))
        self.assertEqual(len(found), 2)


class Readmes(unittest.TestCase):
    def test_missing(self) -> None:
        self.assertEqual(len(readmes.problems(["core/base/x.c", "core/README.md"])), 1)
        self.assertEqual(readmes.problems(["core/base/x.c", "core/base/README.md"]), [])

    def test_a_python_package_is_described_beside_it(self) -> None:
        package = ["py/weft/__init__.py", "py/weft/sub/__init__.py"]
        self.assertEqual(readmes.problems(package), ["py: no README.md"])
        self.assertEqual(readmes.problems([*package, "py/README.md"]), [])

    def test_an_include_directory_is_described_beside_it(self) -> None:
        self.assertEqual(readmes.problems(["abi/include/weft.h"]), ["abi: no README.md"])


class Paths(unittest.TestCase):
    def test_found(self) -> None:
        for line in ("cd /" + "home/me/x", '"/' + 'root/.x"', "-I/" + "work/main", "py" + "pi.org"):
            self.assertEqual(len(paths.problems("f", line)), 1, line)

    def test_silent(self) -> None:
        for line in ("$root/" + "work/x", "a/" + "home/b", "/proc/self", "the home/work balance"):
            self.assertEqual(paths.problems("f", line), [], line)


class Tools(InTemporaryDirectory):
    """The configuration of the tools we did not write does reject something."""

    def tool_fails(self, name: str, text: str, *command: str) -> bool:
        write(self.dir, {name: text})
        return run(*command, cwd=self.dir).returncode != 0

    def test_clang_format(self) -> None:
        write(self.dir, {".clang-format": (ROOT / ".clang-format").read_text()})
        command = ("clang-format-14", "--dry-run", "-Werror", "x.c")
        self.assertTrue(self.tool_fails("x.c", "int main(){return 0;}\n", *command))
        self.assertFalse(self.tool_fails("x.c", "int x;\n", *command))

    def test_clang_tidy(self) -> None:
        write(self.dir, {".clang-tidy": (ROOT / ".clang-tidy").read_text()})
        command = ("clang-tidy-14", "--quiet", "x.c", "--")
        leak = "#include <stdlib.h>\nvoid f(void);\nvoid f(void)\n{\n    *(char *)malloc(1) = 1;\n}\n"
        self.assertTrue(self.tool_fails("x.c", leak, *command))
        long = "int f(int);\nint f(int x)\n{\n" + "    x++;\n" * 70 + "    return x;\n}\n"
        self.assertTrue(self.tool_fails("x.c", long, *command))
        self.assertFalse(self.tool_fails("x.c", "int x;\n", *command))

    def test_shellcheck(self) -> None:
        command = ("shellcheck", "x.sh")
        self.assertTrue(self.tool_fails("x.sh", "#!/bin/bash\nrm $1\n", *command))
        self.assertFalse(self.tool_fails("x.sh", "#!/bin/bash\nrm \"$1\"\n", *command))

    def test_mypy(self) -> None:
        command = (types_python, "-m", "mypy", "--strict", "x.py")
        self.assertTrue(self.tool_fails("x.py", "def f(x): return x\n", *command))
        self.assertFalse(self.tool_fails("x.py", "x: int = 1\n", *command))

    def test_pyright(self) -> None:
        config = "tests/lint/pyrightconfig.json"
        write(self.dir, {config: (ROOT / config).read_text(), "bindings/python/weft/x.py": ""})
        command = (types_python, "-m", "pyright", "-p", config)
        self.assertTrue(self.tool_fails("examples/x.py", "x: int = 'a'\n", *command))
        self.assertFalse(self.tool_fails("examples/x.py", "x: int = 1\n", *command))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--types", default=sys.executable)
    types_python = parser.parse_args().types
    unittest.main(argv=[sys.argv[0]], verbosity=2)
