"""A terminal on which lines are printed while the user is typing."""

from __future__ import annotations

import contextlib
import io
import os
import readline
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

__all__ = ["Terminal", "remembered"]

_ERASE_LINE = "\r\x1b[K"
_LINES_KEPT = 1000


class Terminal(io.TextIOBase):
    """Standard output for whole lines from any thread; a prompt that is shown is drawn again below them."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._lock = threading.Lock()
        self._prompt = ""

    def isatty(self) -> bool:
        """Whether standard output is a terminal."""
        return self._out.isatty()

    def fileno(self) -> int:
        """The descriptor of standard output."""
        return self._out.fileno()

    def write(self, text: str) -> int:
        """Print lines above the line that is being typed."""
        with self._lock:
            if self._prompt:
                text = f"{_ERASE_LINE}{text}{self._prompt}{readline.get_line_buffer()}"
            return self._out.write(text)

    def flush(self) -> None:
        """Flush standard output."""
        self._out.flush()

    def prompting(self, prompt: str) -> None:
        """Note the prompt that is shown from now on; "" when none is."""
        with self._lock:
            self._prompt = prompt


@contextlib.contextmanager
def remembered(name: str) -> Iterator[None]:
    """Keep what is typed in a history file below ``$XDG_STATE_HOME``; errors of the file are ignored."""
    root = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    history = root / "usbfuzz" / name
    readline.set_history_length(_LINES_KEPT)
    with contextlib.suppress(OSError):
        readline.read_history_file(history)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            history.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            readline.write_history_file(history)
