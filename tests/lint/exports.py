"""libweft.so exports what weft.map lists, under the version it is listed with, and nothing else.

usage: exports.py LIBWEFT.SO WEFT.MAP
"""

import re
import subprocess
import sys
from pathlib import Path

NODE = re.compile(r"(?P<version>\w[\w.]*)\s*\{(?P<body>[^}]*)\}")


def listed(text: str) -> set[str]:
    """Every name@version of a version script (no patterns but `local: *` are allowed)."""
    text = re.sub(r"/\*.*?\*/|#[^\n]*", "", text, flags=re.DOTALL)
    names: set[str] = set()
    for node in NODE.finditer(text):
        exported = node["body"].partition("local:")[0].replace("global:", "")
        for name in exported.replace(";", " ").split():
            names.add(f"{name}@{node['version']}")
    return names


def exported(nm_output: str) -> set[str]:
    """Every name@version in the output of `nm -D --defined-only`, the version nodes left out."""
    names: set[str] = set()
    for line in nm_output.splitlines():
        kind, name = line.split()[-2:]
        if kind != "A":
            names.add(name.replace("@@", "@"))
    return names


def problems(wanted: set[str], found: set[str]) -> list[str]:
    return [f"in weft.map but not exported: {name}" for name in sorted(wanted - found)] + [
        f"exported but not in weft.map: {name}" for name in sorted(found - wanted)
    ]


def main(arguments: list[str]) -> int:
    command = ["nm", "-D", "--defined-only", arguments[0]]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    wanted = listed(Path(arguments[1]).read_text())
    found = problems(wanted, exported(output)) if wanted else ["weft.map lists nothing"]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
