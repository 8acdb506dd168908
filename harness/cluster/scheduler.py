"""A dask scheduler: which workers it has, whether they can be used, connections to them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field, frozen
from distributed import Client
from distributed.comm import connect

from usbfuzz.errors import InfraError, InputError

from .admission import Admission, admission, clock_words, different
from .host import prepare

__all__ = ["Admitted", "Scheduler"]

_CONNECT_S = 10.0  #: seconds for a connection
_ASK_S = 30.0  #: seconds for an answer of a scheduler, or of workers through it
_HOW = "start one with: dask scheduler"

# What goes wrong is said in our words, once; dask would add its tracebacks.
for _name in ("distributed", "tornado.application"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


@frozen
class Admitted:
    """A worker that was asked who it is."""

    host: str  #: name of its machine; its address when it did not say one
    refused: str = ""  #: why it cannot be used; "": it can
    warning: str = ""  #: what is to be said of it all the same


@define(eq=False)
class Scheduler:
    """One scheduler. Methods raise InfraError when it cannot be reached."""

    address: str
    _client: Client
    _here: Admission = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._here = Admission(*admission())

    @classmethod
    async def open(cls, address: str) -> Scheduler:
        """The scheduler at an address such as ``tcp://host:8786``.

        Raises InputError (no address, none there, another version, other security), one line each.
        """
        scheduler = cls(address, await _client_at(address))
        try:
            await scheduler._check_version()
        except BaseException:
            await scheduler.close()
            raise
        return scheduler

    async def _check_version(self) -> None:
        said = await self._ask(self._client.scheduler.versions(packages=[]))
        there, here = str(said["packages"]["distributed"])[:64], self._here.dask
        if there != here:
            raise InputError(f"{self.address}: dask.distributed {there} there, {here} here; install the same")

    async def workers(self) -> Mapping[str, int]:
        """The addresses of its workers, with how many threads each has."""
        answer = await self._ask(self._client.scheduler.ncores())
        return {str(address): int(threads) for address, threads in answer.items()}

    async def admit(self, addresses: Sequence[str]) -> dict[str, Admitted]:
        """Make workers ready for processes, and see which can be used. Those that do not answer are left out."""
        asked = time.time()
        answers = await self._ask(self._client.run(prepare, workers=list(addresses), on_error="return"))
        answered = time.time()
        return {
            address: self._admitted(address, answers[address], asked, answered)
            for address in addresses
            if address in answers and not isinstance(answers[address], OSError)
        }

    def _admitted(self, address: str, said: Any, asked: float, answered: float) -> Admitted:
        if isinstance(said, ModuleNotFoundError | ImportError | AttributeError):
            return Admitted(address, f"usbfuzz is not installed there, or is too old for --cluster: {said}")
        if isinstance(said, BaseException):
            return Admitted(address, f"{type(said).__name__}: {' '.join(str(said).split())[:200]}")
        there = Admission.of(said)
        if there is None:
            return Admitted(address, f"does not say who it is, but {str(said)[:80]!r}")
        return Admitted(there.host, different(there, self._here), clock_words(there, asked, answered))

    async def connect(self, address: str) -> Any:
        """A connection of dask's to a worker."""
        try:
            return await connect(address, timeout=_CONNECT_S, deserialize=False, **self._client.connection_args)
        except (OSError, TypeError, RuntimeError, ValueError) as error:
            raise InfraError(f"{address}: cannot be reached from here: {_words(error)}") from error

    async def close(self) -> None:
        """Forget it."""
        try:
            async with asyncio.timeout(_CONNECT_S):
                await self._client.close()
        except (OSError, TimeoutError, RuntimeError):
            return

    async def _ask(self, question: Any) -> Any:
        try:
            async with asyncio.timeout(_ASK_S):
                return await question
        except TimeoutError:
            raise InfraError(f"{self.address}: the scheduler does not answer") from None
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise InfraError(f"{self.address}: the scheduler is gone: {_words(error)}") from error


async def _client_at(address: str) -> Client:
    """A client of the scheduler there; raises InputError."""
    client = None
    try:
        client = Client(address, asynchronous=True, timeout=_CONNECT_S, set_as_default=False, name="usbfuzz")
        return await client
    except (OSError, ValueError, TypeError, RuntimeError, KeyError) as error:
        if client is not None:
            await client.close()
        if isinstance(error, OSError | TimeoutError):
            raise InputError(f"{address}: no scheduler there: {_words(error)}; {_HOW}") from error
        raise InputError(f"{address}: cannot be used as a scheduler: {_words(error)}") from error


def _words(error: BaseException) -> str:
    """What an error of dask says, in one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__
