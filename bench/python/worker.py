"""One measurement in a process of its own.

usage: worker.py PEER MODULE.FUNCTION SIZE [ARGUMENT ...]

Starts the peer before anything else is imported, runs the function of `cases/`, and prints what it
returns as one line of JSON. The servers of `cases/echo.py` print their port instead, and serve.
"""

import importlib
import json
import os
import sys

from cases import peer


def main(arguments: list[str]) -> None:
    name, what, size, *rest = arguments
    peer.start(name)
    module, function = what.split(".")
    result = getattr(importlib.import_module(f"cases.{module}"), function)(int(size), *rest)
    print(json.dumps(result), flush=True)
    # What sleeps for an hour is not waited for.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
