"""`python -m weft`: it runs programs as python does."""

from __future__ import annotations

import os
import py_compile
import subprocess
import sys
import tempfile
import textwrap
import unittest
import zipfile

from support import HANG, Case, environment

SHOW = """
import os, sys
here = {folder!r}
main = sys.modules["__main__"]
print([a.replace(here, "HERE") for a in sys.argv])
print(sys.path[0].replace(here, "HERE"))
print(__name__, main.__dict__ is globals(), str(globals().get("__file__")).replace(here, "HERE"))
print(__package__, getattr(__spec__, "name", None))
import {beside}
print({beside}.value)
"""


class Main(Case):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.realpath(folder.name)
        self.write("beside.py", "value = 3\n")

    def write(self, name: str, text: str) -> str:
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(textwrap.dedent(text).format(folder=self.folder, beside="beside"))
        return path

    def run_python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            timeout=HANG,
            cwd=self.folder,
            env=environment(),
        )

    def same(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run with and without weft; the output has to be the same."""
        plain = self.run_python(*arguments)
        woven = self.run_python("-m", "weft", *arguments)
        self.assertEqual(woven.stdout, plain.stdout, woven.stderr)
        self.assertEqual((plain.returncode, woven.returncode), (status, status), woven.stderr)
        return woven

    def test_file(self) -> None:
        self.write("app.py", SHOW)
        self.same("app.py", "a", "-b", "--c=1")

    def test_file_elsewhere(self) -> None:
        path = self.write("sub/app.py", SHOW)
        self.write("sub/beside.py", "value = 4\n")
        self.assertIn("4", self.same(path).stdout)

    def test_module(self) -> None:
        self.write("mod.py", SHOW)
        self.same("-m", "mod", "x")

    def test_package(self) -> None:
        self.write("pack/__init__.py", "")
        self.write("pack/__main__.py", SHOW)
        self.same("-m", "pack", "-x")

    def test_code(self) -> None:
        code = SHOW.format(folder=self.folder, beside="beside")
        self.same("-c", code, "x", "-y")

    def test_directory_and_zip(self) -> None:
        self.write("dir/__main__.py", SHOW)
        self.write("dir/beside.py", "value = 5\n")
        self.same("dir", "x")
        archive = os.path.join(self.folder, "app.zip")
        with zipfile.ZipFile(archive, "w") as z:
            z.write(os.path.join(self.folder, "dir/__main__.py"), "__main__.py")
            z.write(os.path.join(self.folder, "dir/beside.py"), "beside.py")
        self.same("app.zip", "x")

    def test_compiled(self) -> None:
        path = self.write("app.py", "import sys; print(sys.argv)")
        py_compile.compile(path, cfile=os.path.join(self.folder, "app.pyc"))
        self.same("app.pyc", "x")

    def test_exit_status(self) -> None:
        self.write("app.py", "import sys; sys.exit(7)")
        self.same("app.py", status=7)
        self.write("app.py", "1 / 0")
        self.assertIn("ZeroDivisionError", self.same("app.py", status=1).stderr)

    def test_not_there(self) -> None:
        result = self.run_python("-m", "weft", "nothing.py")
        self.assertIn("can't open file", result.stderr)
        self.assertEqual(result.returncode, 1)
        result = self.run_python("-m", "weft", "-m", "nothing_there")
        self.assertIn("No module named", result.stderr)
        self.assertNotEqual(result.returncode, 0)

    def test_missing_argument_and_help(self) -> None:
        self.assertNotEqual(self.run_python("-m", "weft", "-c").returncode, 0)
        result = self.run_python("-m", "weft", "--help")
        self.assertIn("usage: python -m weft", result.stdout)
        self.assertEqual(result.returncode, 0)

    def test_weft_is_started(self) -> None:
        self.write(
            "app.py",
            """
            import threading, time, os
            threads = [threading.Thread(target=time.sleep, args=(0.2,)) for _ in range(100)]
            for t in threads: t.start()
            print(len(os.listdir("/proc/self/task")) < 20)
            for t in threads: t.join()
            """,
        )
        result = self.run_python("-m", "weft", "app.py")
        self.assertEqual(result.stdout, "True\n", result.stderr)

    def test_pickles_of_main(self) -> None:
        self.write(
            "app.py",
            """
            import multiprocessing, pickle
            class C: pass
            def f(x): return x + 1
            if __name__ == "__main__":
                assert type(pickle.loads(pickle.dumps(C()))) is C
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    print(pool.map(f, [1, 2]))
            """,
        )
        self.same("app.py")

    def test_atexit_sees_main(self) -> None:
        self.write(
            "app.py",
            """
            import atexit, sys
            value = 3
            atexit.register(lambda: print(value, sys.modules["__main__"].value))
            """,
        )
        self.same("app.py")


if __name__ == "__main__":
    unittest.main()
