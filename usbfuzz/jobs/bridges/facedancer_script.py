"""Runs a Facedancer script as it is, with our backend, as ``python -m usbfuzz.jobs.bridges.facedancer_script SCRIPT``.

The script is the user's own and is run like any other; nothing of it is changed.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

__all__ = ["main"]


def main() -> None:
    """``sys.argv`` is what follows: the script's path and its arguments."""
    try:
        from . import facedancer_backend  # noqa: PLC0415 - an extra, which may be missing
    except ImportError as error:
        sys.exit(f"usbfuzz: {error}; install the extra: pip install 'usbfuzz[facedancer]'")
    os.environ.setdefault("BACKEND", facedancer_backend.UsbredirApp.app_name)
    sys.argv = sys.argv[1:]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
