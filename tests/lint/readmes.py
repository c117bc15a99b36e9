"""Each directory with sources has a README.md.

usage: readmes.py ROOT
"""

import sys
from pathlib import Path, PurePosixPath

import tree

SOURCES = {".c", ".h", ".S", ".py", ".sh", ".map", ".proto", ".textproto", ".in", ".cmake"}


def problems(paths: list[str]) -> list[str]:
    """The directories that lack one. A Python package and an include directory are described
    beside, not inside: what lies inside is installed."""
    present = {PurePosixPath(path) for path in paths}
    directories = {path.parent for path in present if path.suffix in SOURCES}
    wanted: set[PurePosixPath] = set()
    for directory in directories:
        while directory / "__init__.py" in present or directory.name == "include":
            directory = directory.parent
        wanted.add(directory)
    return sorted(f"{d}: no README.md" for d in wanted if d / "README.md" not in present)


def main(arguments: list[str]) -> int:
    found = problems(tree.files(Path(arguments[0])))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
