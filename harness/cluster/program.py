"""A program whose processes run at the places of a cluster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from attrs import define, field, frozen

from harness.workers.child import error_of
from harness.workers.messages import Begun, Booting, Ended, Failed, Order, Reply, Start, Status, WorkerMessages
from harness.workers.policy import Policy
from harness.workers.worker import LostWorkerError
from usbfuzz.errors import InfraError, ProtocolError

from .places import Place, Places
from .remote import Busy, RemoteProcess

__all__ = ["Conversation", "PlacedProcess", "PlacedProgram"]

#: What the command knows, and what is said over the network instead.
Here = TypeVar("Here")
Sent = TypeVar("Sent")
Heard = TypeVar("Heard")

_PAUSE_S = 1.0  #: until a place at which no process could be started is tried again


class Conversation(ABC, Generic[Sent, Heard, Order, Reply]):
    """What is said to one process over the network for the orders it is given, and what its replies are held to."""

    @abstractmethod
    def sent(self, order: Sent) -> Iterable[Order]:
        """What is to be sent for an order."""

    @abstractmethod
    def heard(self, reply: Reply) -> Heard | None:
        """The reply in the words of the command; None when it was not for the command.

        Raises ProtocolError for what cannot be true.
        """

    @abstractmethod
    def is_work(self, reply: Heard) -> bool:
        """Whether a reply shows that the process does what it is for."""


@define(eq=False)
class PlacedProcess(Generic[Sent, Heard, Order, Reply]):
    """A process at a place, which answers for its dask worker: a lie of it, and the worker is used no more."""

    _place: Place
    _process: RemoteProcess[Order, Reply | Status]
    _conversation: Conversation[Sent, Heard, Order, Reply]
    _policy: Policy  #: of a dask worker
    _begun: bool = field(default=False, init=False)  #: it had what it needs to work
    _ended: bool = field(default=False, init=False)

    @property
    def last_words(self) -> str:
        """The last line it wrote to standard error, or ""."""
        return self._process.last_words

    def send(self, message: Sent) -> None:
        """Queue what is to be said for an order."""
        for order in self._conversation.sent(message):
            self._process.send(order)

    async def receive(self) -> Heard | Status | None:
        """The next message, or None once the process has ended; raises LostWorkerError."""
        while True:
            try:
                message = await self._process.receive()
                match message:
                    case None | Booting():
                        return message
                    case Begun():
                        self._begun = True
                        return message
                    case Ended():
                        self._ended = True
                        return message
                    case Failed(name, text):
                        self._failed(name, text)
                        return message
                heard = self._conversation.heard(message)
            except ProtocolError as lie:
                raise LostWorkerError(self._place.refuse(str(lie))) from lie
            if heard is not None:
                if self._conversation.is_work(heard):
                    self._place.worked()
                return heard

    def _failed(self, name: str, text: str) -> None:
        """It could not go on: what keeps it from beginning is its machine's fault. Raises LostWorkerError then."""
        self._ended = True
        failure = error_of(name, text)
        if not self._begun:
            raise LostWorkerError(self._place.refuse(str(failure))) from failure
        self._place.failed(failure, self._policy)

    async def end(self, seconds: float) -> int:
        """Give it ``seconds`` to exit, then have it killed; its exit status, -1 when that is unknown."""
        try:
            status = await self._process.end(seconds)
        finally:
            self._place.left(self._process)
        if status > 0 and not self._ended:
            self._place.failed(InfraError(f"a process ended with status {status}: {self.last_words}"), self._policy)
        return status


@frozen
class PlacedProgram(Generic[Start, Sent, Heard, Order, Reply]):
    """``python -m module PARENT``, whose main is :func:`harness.workers.entry.run_worker`, at the next free place."""

    places: Places
    module: str
    messages: WorkerMessages[Start, Order, Reply]
    policy: Policy  #: of a dask worker

    async def launch(
        self, name: str, begin: Callable[[Place], tuple[Start, Conversation[Sent, Heard, Order, Reply]]]
    ) -> PlacedProcess[Sent, Heard, Order, Reply]:
        """A process, once there is a place; ``begin`` says for that place how it begins and what is said to it.

        Raises InfraError when there will be no place.
        """
        while True:
            place = await self.places.take()
            try:
                process = await self._start(name, place)
            except Busy:
                place.taken_by_others()
            except InfraError as failure:
                place.failed(failure, self.policy)
                place.left(again_in=_PAUSE_S)
            except BaseException:
                place.left()
                raise
            else:
                place.began(process)
                start, conversation = begin(place)
                process.send_line(self.messages.start.encode(start))
                return PlacedProcess(place, process, conversation, self.policy)

    async def _start(self, name: str, place: Place) -> RemoteProcess[Order, Reply | Status]:
        comm = await self.places.connect(place)
        messages = self.messages
        return await RemoteProcess.start(name, place.where, comm, self.module, messages.orders, messages.replies)
