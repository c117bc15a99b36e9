"""No file names somebody's machine: home directories, work directories, package hosts.

usage: paths.py ROOT
"""

import re
import sys
from pathlib import Path

import tree

# In pieces, so that this file does not match itself.
DIRECTORIES = ["home" + r"/\w", "root" + r"\b", "work" + r"\b", "Users" + "/"]
HOSTS = ["py" + r"pi\.org", r"python" + "hosted", r"deb\." + "debian"]
MACHINE = re.compile(
    rf"(?:(?<![\w.$}}/-])|(?<=-[IL]))/(?:{'|'.join(DIRECTORIES)})|\b(?:{'|'.join(HOSTS)})"
)


def problems(path: str, text: str) -> list[str]:
    return [
        f"{path}:{number}: {match[0]}"
        for number, line in enumerate(text.splitlines(), 1)
        for match in MACHINE.finditer(line)
    ]


def main(arguments: list[str]) -> int:
    root = Path(arguments[0])
    found: list[str] = []
    for path in tree.files(root):
        data = (root / path).read_bytes()
        if b"\0" not in data:
            found += problems(path, data.decode(errors="replace"))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
