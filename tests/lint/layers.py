"""The layers: who may include whom, and (by nm) who may call whom.

usage: layers.py ROOT [LIBRARY_DIR]
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Iterator

# Lowest first. A layer knows itself and the layers before it.
LAYERS = "base machine sched scope sync io seam service runtime abi".split()

# Foreign headers, and those protoc-c makes while building, that only some directories may see.
RESERVED_HEADERS = {
    r"uv\.h|uv/": ("core/io/",),
    r"ffi\.h": ("abi/", "bindings/"),
    r"protobuf-c/|.*\.pb-c\.h": ("core/service/", "bindings/gen/"),
}

# Foreign symbols (by prefix) that only some layers may call.
RESERVED_SYMBOLS = {"uv_": ("io",), "ffi_": ("abi",), "protobuf_c_": ("service",)}

# Code that stands in for a user: of weft it may include the public header only.
OUTSIDE = ("bindings/", "examples/", "tests/c/", "tests/install/", "bench/")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def layer_of(path: str) -> str | None:
    """The layer of a path relative to the root, None for anything else."""
    parts = path.split("/")
    if parts[0] == "core" and len(parts) > 2 and parts[1] in LAYERS:
        return parts[1]
    return "abi" if parts[0] == "abi" else None


def target_of(root: Path, source: Path, header: str) -> str | None:
    """What an #include names, relative to the root; None when it is not a file of weft."""
    bases = [source.parent, root / "core", root / "abi/include"]
    if source.is_relative_to(root / "tests"):
        bases.append(root / "tests")
    for base in bases:
        found = (base / header).resolve()
        if found.is_file() and found.is_relative_to(root):
            return str(found.relative_to(root))
    return None


def reserved_for(header: str) -> tuple[str, ...] | None:
    for pattern, directories in RESERVED_HEADERS.items():
        if re.match(pattern, header):
            return directories
    return None


def judge_include(path: str, header: str, quoted: bool, target: str | None) -> str | None:
    """What is wrong with this #include, None when nothing is."""
    allowed = reserved_for(header)
    if allowed is not None:
        return None if path.startswith(allowed) else f"{header} is only for {' '.join(allowed)}"
    if target is None:
        return f'"{header}" is not a file of weft' if quoted else None
    mine, other = layer_of(path), layer_of(target)
    if other is None:
        return f'"{header}" lies outside the layers' if mine else None
    if path.startswith(OUTSIDE) and target != "abi/include/weft.h":
        return f'"{header}" is internal; only weft.h is public'
    if mine and LAYERS.index(other) > LAYERS.index(mine):
        return f'"{header}": {mine} must not know {other}'
    return None


def include_problems(root: Path) -> Iterator[str]:
    for top in ("core", "abi", "bindings", "examples", "tests", "bench"):
        for source in sorted((root / top).rglob("*.[chS]")):
            path = str(source.relative_to(root))
            text = source.read_text()
            for match in INCLUDE.finditer(text):
                header = match[2]
                target = target_of(root, source, header)
                if reason := judge_include(path, header, match[1] == '"', target):
                    line = text.count("\n", 0, match.start(2)) + 1
                    yield f"{path}:{line}: {reason}"


def symbols(library: Path) -> tuple[set[str], set[str]]:
    """The global symbols a static library defines and those it wants from elsewhere."""
    command = ["nm", "--extern-only", "--format=posix", str(library)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    defined: set[str] = set()
    wanted: set[str] = set()
    for line in output.splitlines():
        fields = line.split()
        if len(fields) >= 2 and len(fields[1]) == 1:
            (wanted if fields[1] in "Uvw" else defined).add(fields[0])
    return defined, wanted - defined


def symbol_problems(libraries: Path) -> Iterator[str]:
    below: set[str] = set()
    seen = 0
    for layer in LAYERS:
        library = libraries / f"libweft_{layer}.a"
        if not library.exists():
            continue
        seen += 1
        defined, wanted = symbols(library)
        below |= defined
        for name in sorted(wanted - below):
            if name.startswith(("wf_", "weft_")):
                yield f"{layer}: calls {name}, which no layer up to {layer} defines"
            for prefix, allowed in RESERVED_SYMBOLS.items():
                if name.startswith(prefix) and layer not in allowed:
                    yield f"{layer}: calls {name}; only {' '.join(allowed)} may"
    if not seen:
        yield f"{libraries}: no libweft_<layer>.a here"


def main(arguments: list[str]) -> int:
    problems = list(include_problems(Path(arguments[0]).resolve()))
    if len(arguments) > 1:
        problems += symbol_problems(Path(arguments[1]))
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
