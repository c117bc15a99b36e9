"""What belongs to the tree: the files git tracks or would track."""

import subprocess
from pathlib import Path


def files(root: Path) -> list[str]:
    """Paths relative to the root, sorted."""
    command = ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return sorted(p for p in set(output.split("\0")) if p and (root / p).is_file())
