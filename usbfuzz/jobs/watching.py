"""What a terminal or a log shows of a job under way: a picture redrawn in place, or a line every ten seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from attrs import define, field
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

__all__ = ["LiveView", "PlainView", "view_of"]

_Progress = TypeVar("_Progress")
_PLAIN_S = 10.0  #: seconds between two lines


@define
class LiveView(Generic[_Progress]):
    """Redraws a picture of the job in place; for terminals."""

    _console: Console
    _picture: Callable[[_Progress, float], RenderableType]  #: of the job at a time of the monotonic clock
    _live: Live = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._live.start()

    def update(self, progress: _Progress) -> None:
        """Redraw the picture."""
        self._live.update(self._picture(progress, time.monotonic()), refresh=True)

    def say(self, text: str) -> None:
        """Print a line above the picture."""
        self._console.print(Text(text))

    def close(self) -> None:
        """Remove the picture from the terminal."""
        self._live.stop()


@define
class PlainView(Generic[_Progress]):
    """Prints a line about the job every ten seconds; for logs and pipes."""

    _console: Console
    _line: Callable[[_Progress, float], str]  #: about the job at a time of the monotonic clock
    _due: float | None = field(default=None, init=False)

    def update(self, progress: _Progress) -> None:
        """Print a line if ten seconds have passed since the last, or since the first call."""
        now = time.monotonic()
        if self._due is None:
            self._due = now + _PLAIN_S
        elif now >= self._due:
            self._due += _PLAIN_S
            self.say(self._line(progress, now))

    def say(self, text: str) -> None:
        """Print ``text`` as a line of its own."""
        self._console.print(Text(text), soft_wrap=True)

    def close(self) -> None:
        """Do nothing: lines need no cleaning up."""


def view_of(
    console: Console,
    picture: Callable[[_Progress, float], RenderableType],
    line: Callable[[_Progress, float], str],
) -> LiveView[_Progress] | PlainView[_Progress]:
    """The view that suits a console."""
    return LiveView(console, picture) if console.is_terminal else PlainView(console, line)
