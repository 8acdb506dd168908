"""The firmware that the guests of one lane find: the user's files, and those that cases bring where there is none.

A driver asks once for each device, and which names it asks for shows in the kernel's log when it gets nothing. So a
file of the user's is there from the round on that follows the first in which somebody asked for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

from attrs import define, field

from usbfuzz.case.model import Case, Firmware
from usbfuzz.case.parts import one_of_each

from .firmware import CASES, USERS, FirmwareShelf, give, missed

if TYPE_CHECKING:
    from harness.guest.agent_client import Agent

__all__ = ["Supply"]

_ROOM = 48 << 20  #: bytes of all files of the user's that one guest gets: its memory has room for them


@define(eq=False)
class Supply:
    """Files for one guest after the other; without a directory of the user's those of cases only."""

    shelf: FirmwareShelf | None = None
    say: Callable[[str], None] = lambda _: None  #: told which files are used, and why others are not
    news: bool = field(default=False, init=False)  #: the last round asked for files that guests have from now on
    _found: dict[str, Firmware | None] = field(factory=dict, init=False)  #: by the names that were asked for
    _agent: Agent | None = field(default=None, init=False)  #: whose guest has the files in ``_there``
    _there: set[str] = field(factory=set, init=False)

    async def give(self, agent: Agent, cases: Iterable[Case]) -> bool:
        """Let a guest find what is known to be wanted; whether cases brought some, which is to be taken away again.

        Raises QemuError, GuestError.
        """
        own = one_of_each(cases)
        if self.shelf is not None:
            self._look_up(file.name for file in own)
            await self._keep(agent)
            own = tuple(file for file in own if self._found[file.name] is None)
        if own:
            await give(agent, own, CASES)
        return bool(own)

    def listen(self, console: str) -> None:
        """See which names a round asked for in vain."""
        self.news = self.shelf is not None and self._look_up(missed(console))

    async def _keep(self, agent: Agent) -> None:
        """Give the guest the user's files that it has not got yet; they stay as long as it lives."""
        if agent is not self._agent:
            self._agent, self._there = agent, set()
        new = [file for file in self._found.values() if file is not None and file.name not in self._there]
        if new:
            await give(agent, new, USERS)
            self._there.update(file.name for file in new)

    def _look_up(self, names: Iterable[str]) -> bool:
        """Look for names that nobody asked for before; whether there is a file of any."""
        assert self.shelf is not None
        new = list(dict.fromkeys(name for name in names if name not in self._found))
        for name, file in self.shelf.find(new):
            if isinstance(file, str):
                self._found[name], said = None, file
            elif self._bytes + len(file.data) > _ROOM:
                self._found[name], said = None, f"is left out: a guest has room for {_ROOM >> 20} MiB of firmware"
            else:
                self._found[name], said = file, f"{len(file.data)} bytes, SHA-256 {sha256(file.data).hexdigest()}"
            self.say(f"firmware {name}: {said}")
        return any(self._found[name] is not None for name in new)

    @property
    def _bytes(self) -> int:
        return sum(len(file.data) for file in self._found.values() if file is not None)
