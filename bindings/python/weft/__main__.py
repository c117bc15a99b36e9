"""``python -m weft``: run a program with weft started, as ``python`` itself would run it."""

from __future__ import annotations

import io
import os
import pkgutil
import runpy
import sys
from types import CodeType, ModuleType
from typing import Any, cast

import weft

_USAGE = """\
usage: python -m weft [-c code | -m module | file] [argument ...]

Start weft, then run the program as python itself would: threads it starts are fibers,
and blocking calls in them let the others run.

  -c code      program passed in as a string
  -m module    library module run as a script
  file         program file, or a directory or zip file that has a __main__.py
"""


def _main_module(file: str | None) -> dict[str, Any]:
    """Make the module __main__ that the program will run in; return its namespace."""
    module = ModuleType("__main__")
    module.__dict__["__builtins__"] = __builtins__
    if file is not None:
        module.__file__ = file
        module.__dict__["__cached__"] = None
    sys.modules["__main__"] = module
    return module.__dict__


def _read_code(file: str) -> CodeType:
    """Read a program from its source or from a compiled file."""
    try:
        with io.open_code(file) as stream:
            code = cast("CodeType | None", pkgutil.read_code(cast(Any, stream)))
            if code is not None:
                return code
            stream.seek(0)
            return compile(stream.read(), file, "exec")
    except OSError as error:
        why = f"[Errno {error.errno}] {error.strerror}"
        sys.exit(f"{sys.executable}: can't open file {file!r}: {why}")


def _run_file(file: str) -> None:
    if os.path.isdir(file) or pkgutil.get_importer(file) is not None:
        # A directory or zip file: python puts it first on the path and runs its __main__.
        sys.path.insert(0, os.path.abspath(file))
        _main_module(None)
        _run_as_main("__main__", alter_argv=False)
        return
    code = _read_code(file)
    sys.path.insert(0, os.path.dirname(os.path.realpath(file)))
    exec(code, _main_module(os.path.abspath(file)))


def _run_as_main(module: str, *, alter_argv: bool) -> None:
    # What python's own -m calls; the public run_module leaves another __main__ behind.
    runpy._run_module_as_main(module, alter_argv)  # type: ignore[attr-defined]


def main() -> None:
    """Run the program named on the command line."""
    args = sys.argv[1:]
    if not args or args[0] in ("-h", "--help"):
        print(_USAGE, end="")
        return
    # `python -m weft` put the current directory first; each way to run has its own idea of it.
    if not sys.flags.safe_path:
        del sys.path[0]
    first, rest = args[0], args[1:]
    if first in ("-c", "-m") and not rest:
        sys.exit(f"Argument expected for the {first} option\n{_USAGE}")
    weft.init()
    if first == "-c":
        sys.argv = ["-c", *rest[1:]]
        sys.path.insert(0, "")
        exec(compile(rest[0], "<string>", "exec"), _main_module(None))
    elif first == "-m":
        sys.argv = ["-m", *rest[1:]]
        sys.path.insert(0, os.getcwd())
        _main_module(None)
        _run_as_main(rest[0], alter_argv=True)
    else:
        sys.argv = args
        _run_file(first)


if __name__ == "__main__":
    main()
