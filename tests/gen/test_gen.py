"""Runs weft-gen on specs with and without a mistake and checks what it says and writes.

usage: test_gen.py WEFT_GEN ROOT [NAME]

Prints one `ok NAME` or `not ok NAME` line for each case, and fails when one of them does. With NAME
only the cases whose name holds it are run. CC and CXX name the compilers (default: cc, c++).
"""

from __future__ import annotations

import ctypes
import os
import random
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mistakes import MISTAKES, Mistake

HERE = Path(__file__).resolve().parent
GOOD = (HERE / "good.textproto").read_text()
GEN, ROOT = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
MARK = "generated from proto/weft.textproto by bindings/gen; do not edit"
GENERATED = (
    "abi/include/weft.h",
    "abi/weft.map",
    "bindings/python/weft/_abi.py",
    "core/base/status_list.h",
    "docs/reference.md",
)
# What the ctypes binding must call without letting go of the GIL.
HOLDING = """
    weft_version weft_check weft_strerror weft_err_name weft_now weft_stats_read weft_adopt_abort
    weft_fiber_cancel weft_fiber_state_get weft_fiber_release weft_self weft_outcome_set
    weft_nursery_open weft_nursery_cancel weft_nursery_info weft_scope_open weft_scope_close
    weft_token_current weft_token_cancel weft_token_info weft_token_release weft_cancel_state
    weft_host_set weft_host_interrupt_ack weft_block_alloc weft_block_free
""".split()

Case = Callable[[Path], None]


def expect(got: object, wanted: object, what: str) -> None:
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def run(
    *command: str | Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    merged = {**os.environ, **(env or {})}
    return subprocess.run(command, capture_output=True, text=True, env=merged, timeout=60)


def must(*command: str | Path, env: dict[str, str] | None = None) -> str:
    done = run(*command, env=env)
    expect((done.returncode, done.stderr), (0, ""), f"{command[0]}")
    return done.stdout


def generate(root: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    spec = root / "spec.textproto"
    spec.write_text(text)
    return run(GEN, "--spec", spec, "--root", root, *options)


def written(root: Path) -> list[str]:
    return [name for name in GENERATED if (root / name).exists()]


# ---- mistakes ----


def line_with(text: str, part: str) -> int:
    """The number of the line with the part, which stands once in the text."""
    if not part:
        return text.count("\n") + 1
    expect(text.count(part), 1, f"{part!r} in the broken spec")
    return text[: text.index(part)].count("\n") + 1


def mistake(case: Mistake, root: Path) -> None:
    expect(GOOD.count(case.old), 1, f"{case.old!r} in the good spec")
    text = GOOD.replace(case.old, case.new)
    done = generate(root, text)
    wanted = f"spec.textproto:{line_with(text, case.line_with)}: {case.message}"
    if wanted not in done.stderr.splitlines():
        raise AssertionError(f"wanted {wanted!r} among:\n{done.stderr}")
    expect(done.returncode, 1, "exit code")
    expect(written(root), [], "files written")


def all_mistakes_at_once(root: Path) -> None:
    """The checks go on after the first mistake, and report in the order of the file."""
    text = GOOD.replace('doc: "A thing."', "").replace('doc: "Seven."', "").replace("count: 8", "")
    done = generate(root, text)
    lines = [int(line.split(":")[1]) for line in done.stderr.splitlines()]
    expect(len(lines), 3, "messages")
    expect(lines, sorted(lines), "lines")


def missing_file(root: Path) -> None:
    done = run(GEN, "--spec", root / "none.textproto", "--root", root)
    expect(done.stderr, "none.textproto: No such file or directory\n", "message")
    expect(done.returncode, 1, "exit code")


def empty_file(root: Path) -> None:
    done = generate(root, "")
    expect(done.stderr, "spec.textproto:1: library: missing\n", "message")
    expect(done.returncode, 1, "exit code")


def wrong_usage(root: Path) -> None:
    for options in ([], ["--spec", "x"], ["--spec", "x", "--root"], ["--spec", "x", "-z"]):
        done = run(GEN, *options)
        expect(done.returncode, 2, f"exit code of {options}")
        expect(done.stderr.startswith("usage: "), True, "usage shown")


def unwritable(root: Path) -> None:
    (root / "abi").write_text("a file where a directory should be\n")
    done = generate(root, GOOD)
    expect(done.returncode, 1, "exit code")
    expect("abi/include/weft.h: " in done.stderr, True, "file named")


def damaged(root: Path) -> None:
    """Cut or changed anywhere, a spec is refused or taken; weft-gen never crashes."""
    chance = random.Random(1)
    for _ in range(300):
        at = chance.randrange(len(GOOD))
        tail = (
            "" if chance.random() < 0.3 else chance.choice('"{}<>[]:;,#\\x-1a.\n') + GOOD[at + 1 :]
        )
        done = generate(root, GOOD[:at] + tail)
        if done.returncode not in (0, 1):
            raise AssertionError(f"exit code {done.returncode} with {tail[:20]!r} at {at}")


def same_text_otherwise_written(root: Path) -> None:
    """Commas, angle brackets, lists, split and single-quoted strings, hexadecimal numbers."""
    expect(generate(root, GOOD).returncode, 0, "exit code")
    before = {name: (root / name).read_text() for name in GENERATED}
    text = (
        GOOD.replace('doc: "Makes a thing."', "doc: 'Makes' \" a\"\n  ' th\\x69ng\\056',")
        .replace(
            'result { type: "uint32" doc: "packed" }', 'result: < type: "uint32"; doc: "packed" >'
        )
        .replace("value: -4", "value: -0x4")
        .replace(
            'topic { title: "Topic" doc: "What all must know." }',
            'topic: [{ title: "Topic" doc: "What all must know." }]',
        )
    )
    expect(generate(root, text).stderr, "", "message")
    expect({name: (root / name).read_text() for name in GENERATED}, before, "output")


# ---- outputs ----


def good(root: Path) -> None:
    done = generate(root, GOOD)
    expect((done.returncode, done.stdout + done.stderr), (0, ""), "run")
    expect(written(root), list(GENERATED), "files written")
    for name in GENERATED:
        first = (root / name).read_text().splitlines()[0]
        expect(MARK in first, True, f"mark in the first line of {name}")


def check_says_up_to_date(root: Path) -> None:
    generate(root, GOOD)
    expect(generate(root, GOOD, "--check").returncode, 0, "exit code")


def check_names_stale_files(root: Path) -> None:
    generate(root, GOOD)
    (root / GENERATED[0]).unlink()
    with (root / GENERATED[2]).open("a") as file:
        file.write("# by hand\n")
    (root / GENERATED[4]).write_text((root / GENERATED[4]).read_text()[:-1])
    done = generate(root, GOOD, "--check")
    expect(done.returncode, 1, "exit code")
    stale = [name for name in GENERATED if f"weft-gen: {name} is stale" in done.stderr]
    expect(stale, [GENERATED[0], GENERATED[2], GENERATED[4]], "files named")
    expect((root / GENERATED[0]).exists(), False, "file written by --check")


def unchanged_files_stay(root: Path) -> None:
    generate(root, GOOD)
    path = root / GENERATED[0]
    os.utime(path, (1, 1))
    generate(root, GOOD)
    expect(path.stat().st_mtime, 1.0, "time of an unchanged file")


def map_has_a_node_for_each_version(root: Path) -> None:
    generate(root, GOOD)
    text = re.sub(r"/\*.*?\*/|\s+", " ", (root / "abi/weft.map").read_text())
    wanted = (
        " WEFT_0.1 { global: weft_version; weft_check; weft_make; weft_wait; local: *; }; "
        "WEFT_0.2 { global: weft_label; } WEFT_0.1; "
    )
    expect(re.sub(" +", " ", text), wanted, "map")


def header_declares(root: Path) -> None:
    generate(root, GOOD)
    text = (root / "abi/include/weft.h").read_text()
    for wanted in (
        "WEFT_API int weft_make(const weft_config *config, const char *const *names, "
        "weft_thing **out);",
        "WEFT_API const char *weft_label(int32_t color);",
        "WEFT_API int weft_wait(weft_thing *thing, weft_visit_fn visit, void *data, "
        "int32_t *color);",
        "typedef int (*weft_visit_fn)(void *data);",
        "#define WEFT_LIMIT INT64_C(7)",
        "    char text[8];",
        "@return WEFT_OK; WEFT_EMISMATCH when they differ",
        "Any fiber may call it. It parks and can be cancelled. Since 0.1.0.",
    ):
        expect(wanted in text, True, f"{wanted!r} in the header")


def real_spec_is_up_to_date(_: Path) -> None:
    must(GEN, "--spec", ROOT / "proto/weft.textproto", "--root", ROOT, "--check")


def real_spec_is_standard_text_format(root: Path) -> None:
    """protoc reads it the same way: no field of ours depends on our own reader."""
    with (ROOT / "proto/weft.textproto").open() as spec:
        done = subprocess.run(
            ["protoc-c", "--encode=weft.abi.Spec", f"--proto_path={ROOT}/proto", "abi.proto"],
            stdin=spec,
            capture_output=True,
            timeout=60,
        )
    expect((done.returncode, done.stderr), (0, b""), "protoc-c")


def compiler(name: str, default: str) -> str:
    return os.environ.get(name) or default


WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")


def header_compiles(name: str, root: Path) -> None:
    """Alone, as C11 and C++17, without a warning."""
    for header in (root / "abi/include/weft.h", ROOT / "abi/include/weft.h"):
        generate(root, GOOD)
        if name == "c":
            must(compiler("CC", "cc"), "-std=c11", "-fsyntax-only", "-x", "c", *WARNINGS, header)
        else:
            must(
                compiler("CXX", "c++"),
                "-std=c++17",
                "-fsyntax-only",
                "-x",
                "c++",
                *WARNINGS,
                header,
            )


# ---- the outputs together, on a library that only pretends ----


def prototypes() -> list[str]:
    text = (ROOT / "abi/include/weft.h").read_text()
    return [" ".join(found.split()) for found in re.findall(r"^WEFT_API ([^;]*);", text, re.M)]


def function_name(prototype: str) -> str:
    return prototype.split("(")[0].split()[-1].lstrip("*")


def stub_source(without: str = "") -> str:
    """Every function of the header; each returns 0, but weft_check compares as the real one."""
    bodies = {
        "weft_version": "{ return STUB_VERSION; }",
        "weft_check": "{ return version == STUB_VERSION && config_size == sizeof(weft_config)"
        " && stats_size == sizeof(weft_stats) ? WEFT_OK : WEFT_EMISMATCH; }",
    }
    lines = ['#include "weft.h"']
    for prototype in prototypes():
        name = function_name(prototype)
        if name != without:
            lines.append(f"{prototype} {bodies.get(name, '{ return 0; }')}")
    return "\n".join(lines) + "\n"


def build_stub(root: Path, version: str = "WEFT_VERSION", without: str = "") -> Path:
    source, library = root / "stub.c", root / "libweft.so"
    source.write_text(stub_source(without))
    must(compiler("CC", "cc"), "-std=c11", "-shared", "-fPIC", "-fvisibility=hidden", "-w",
         f"-DSTUB_VERSION={version}", f"-I{ROOT}/abi/include",
         f"-Wl,--version-script={ROOT}/abi/weft.map", "-o", library, source)  # fmt: skip
    return library


def python(library: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Runs code with _abi loaded alone, without the package around it."""
    setup = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('_abi', {str(abi_path())!r})\n"
        "_abi = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(_abi)\n"
    )
    return run(sys.executable, "-c", setup + code, env={"WEFT_LIBRARY": str(library)})


def abi_path() -> Path:
    return ROOT / "bindings/python/weft/_abi.py"


def library_exports_the_header(root: Path) -> None:
    """The header and the map name the same functions, under the version node."""
    symbols = must("nm", "-D", "--defined-only", build_stub(root)).split()
    exported = sorted(symbol for symbol in symbols if symbol.startswith("weft_"))
    wanted = sorted(f"{function_name(prototype)}@@WEFT_0.1" for prototype in prototypes())
    expect(exported, wanted, "exported symbols")


def python_has_every_function(root: Path) -> None:
    names = [function_name(prototype) for prototype in prototypes()]
    done = python(
        build_stub(root), f"print([n for n in {names} if not callable(getattr(_abi, n))])"
    )
    expect((done.stdout, done.stderr), ("[]\n", ""), "missing functions")


def python_holds_the_gil_where_it_must(root: Path) -> None:
    names = [function_name(prototype) for prototype in prototypes()]
    held = f"print(*[n for n in {names} if getattr(_abi, n)._flags_ & 4])"  # FUNCFLAG_PYTHONAPI
    done = python(build_stub(root), held)
    expect((sorted(done.stdout.split()), done.stderr), (sorted(HOLDING), ""), "functions")


def structs_of_header() -> dict[str, list[str]]:
    text = (ROOT / "abi/include/weft.h").read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    found = re.findall(r"typedef struct (\w+) \{(.*?)\}", text, re.S)
    return {name: re.findall(r"(\w+)(?:\[\d+\])?;", body) for name, body in found}


def python_lays_structs_out_as_c(root: Path) -> None:
    structs = structs_of_header()
    parts = ["#include <stdio.h>", '#include "weft.h"', "int main(void) {"]
    for name, fields in structs.items():
        parts.append(f'printf("{name} %zu\\n", sizeof({name}));')
        parts += [f'printf("{name}.{f} %zu\\n", offsetof({name}, {f}));' for f in fields]
    (root / "layout.c").write_text("\n".join([*parts, "return 0; }"]))
    must(compiler("CC", "cc"), f"-I{ROOT}/abi/include", "-o", root / "layout", root / "layout.c")
    code = (
        f"import ctypes\nfor name, fields in {structs}.items():\n"
        "    kind = getattr(_abi, name)\n"
        "    assert kind().size == ctypes.sizeof(kind), name\n"
        "    assert [f[0] for f in kind._fields_] == fields, name\n"
        "    print(name, ctypes.sizeof(kind))\n"
        "    for f in fields: print(f'{name}.{f}', getattr(kind, f).offset)\n"
    )
    done = python(build_stub(root), code)
    expect((done.stdout, done.stderr), (must(root / "layout"), ""), "layout")
    expect(len(structs) >= 8, True, "structs found in the header")


def python_has_the_constants_of_c(root: Path) -> None:
    text = (ROOT / "abi/include/weft.h").read_text()
    names = re.findall(r"^    (WEFT_\w+) = ", text, re.M) + ["WEFT_NEVER", "WEFT_VERSION"]
    lines = [f'printf("{name} %lld\\n", (long long){name});' for name in names]
    source = root / "constants.c"
    source.write_text("\n".join(['#include <stdio.h>', '#include "weft.h"', "int main(void) {",
                                 *lines, "return 0; }"]))  # fmt: skip
    must(compiler("CC", "cc"), f"-I{ROOT}/abi/include", "-o", root / "constants", source)
    done = python(build_stub(root), f"for n in {names}: print(n, getattr(_abi, n))")
    expect((done.stdout, done.stderr), (must(root / "constants"), ""), "constants")


def python_passes_arguments(root: Path) -> None:
    code = (
        "import ctypes\n"
        "handle = ctypes.c_uint64()\n"
        "assert _abi.weft_nursery_open(None, handle) == 0\n"
        "assert _abi.weft_nursery_open(_abi.weft_nursery_opts(limit=3, name=b'x'), handle) == 0\n"
        "assert _abi.weft_join(2**64 - 1, _abi.WEFT_NEVER, None) == 0\n"
        "assert _abi.weft_join(1, -1, _abi.weft_outcome()) == 0\n"
        "assert _abi.weft_fiber_state_get(1, ctypes.c_int32()) == 0\n"
        "body = _abi.weft_fn(lambda arg: 0)\n"
        "assert _abi.weft_spawn(1, body, None, None, None) == 0\n"
        "noted = _abi.weft_interrupt_fn(lambda number: 0)\n"
        "host = _abi.weft_host(signal_number=61, interrupt=noted, module=b'libpython')\n"
        "assert host.interrupt(61) == 0 and _abi.weft_host_set(host) == 0\n"
        "assert not _abi.weft_host().interrupt\n"
        "modules = (ctypes.c_char_p * 2)(b'libpq', None)\n"
        "assert _abi.weft_seam_open(_abi.WEFT_SEAM_LISTED, modules) == 0\n"
        "assert _abi.weft_seam_open(_abi.WEFT_SEAM_PROCESS, None) == 0\n"
    )
    done = python(build_stub(root), code)
    expect((done.returncode, done.stderr), (0, ""), "calls")


def import_error(done: subprocess.CompletedProcess[str]) -> str:
    expect(done.returncode, 1, "exit code")
    last = done.stderr.splitlines()[-1]
    expect(last.startswith("ImportError: weft: "), True, f"ImportError in {last!r}")
    return last


def python_refuses_another_version(root: Path) -> None:
    library = build_stub(root, version="0x090807")
    last = import_error(python(library, ""))
    for wanted in ("version 0.1.0", "version 9.8.7", str(library)):
        expect(wanted in last, True, f"{wanted!r} in {last!r}")


def python_refuses_an_incomplete_library(root: Path) -> None:
    library = build_stub(root, without="weft_join")
    wanted = f"ImportError: weft: {library} has no function weft_join"
    expect(import_error(python(library, "")), wanted, "message")


def python_refuses_another_library(root: Path) -> None:
    libc = ctypes.CDLL(None)._name or "libc.so.6"
    last = import_error(python(Path(libc), ""))
    expect(last.endswith("has no function weft_version"), True, f"message {last!r}")


def python_misses_the_library(root: Path) -> None:
    last = import_error(python(root / "none.so", ""))
    expect("cannot load" in last and "none.so" in last, True, f"message {last!r}")


def python_finds_the_library_beside_it(root: Path) -> None:
    build_stub(root)
    (root / "_abi.py").write_bytes(abi_path().read_bytes())
    environment = {"WEFT_LIBRARY": "", "PYTHONPATH": str(root)}
    code = "import _abi; print(_abi.library_path)"
    expect(must(sys.executable, "-c", code, env=environment), f"{root}/libweft.so\n", "path")


def cases() -> dict[str, Case]:
    plain: list[Case] = [
        all_mistakes_at_once, missing_file, empty_file, wrong_usage, unwritable, damaged,
        same_text_otherwise_written, good, check_says_up_to_date, check_names_stale_files,
        unchanged_files_stay, map_has_a_node_for_each_version, header_declares,
        real_spec_is_up_to_date, real_spec_is_standard_text_format, library_exports_the_header,
        python_has_every_function, python_holds_the_gil_where_it_must, python_lays_structs_out_as_c,
        python_has_the_constants_of_c, python_passes_arguments, python_refuses_another_version,
        python_refuses_an_incomplete_library, python_refuses_another_library,
        python_misses_the_library, python_finds_the_library_beside_it,
    ]  # fmt: skip
    found: dict[str, Case] = {f"mistake/{n}": partial(mistake, m) for n, m in MISTAKES.items()}
    found |= {case.__name__: case for case in plain}
    found |= {f"header_compiles/{name}": partial(header_compiles, name) for name in ("c", "c++")}
    return found


def main() -> int:
    wanted = sys.argv[3] if len(sys.argv) > 3 else ""
    chosen = {name: case for name, case in cases().items() if wanted in name}
    failed = 0
    for name, case in chosen.items():
        with tempfile.TemporaryDirectory(prefix="weft-gen-") as directory:
            try:
                case(Path(directory).resolve())
                print(f"ok {name}", flush=True)
            except Exception:
                failed += 1
                print(f"not ok {name}\n{traceback.format_exc()}", flush=True)
    print(f"{len(chosen) - failed} of {len(chosen)} passed")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
