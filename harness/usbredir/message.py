"""What all usbredir messages share: base classes and the decorator that declares one."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import attrs
from attrs import field, frozen

from .constants import Capability

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.channel.said import Sender

    from .constants import Type

__all__ = ["EITHER", "MESSAGES", "NOTHING", "DataMessage", "Message", "message"]


@frozen
class Message:
    """Base of all messages; ``id`` pairs a request with its answer and is 0 where nothing is paired."""

    TYPE: ClassVar[Type]
    SENDER: ClassVar[Sender | None]  #: who may send it; EITHER
    LAYOUT: ClassVar[Struct]  #: the type header when every capability is in use
    NEEDS: ClassVar[Capability]
    FIELDS: ClassVar[tuple[str, ...]]  #: names of the fields in the type header

    id: int = field(default=0, kw_only=True)

    @classmethod
    def layout(cls, caps: Capability) -> Struct:
        """The type header under the capabilities both sides have."""
        del caps
        return cls.LAYOUT

    def values(self, caps: Capability) -> tuple[Any, ...]:
        """What :meth:`layout` packs."""
        del caps
        return tuple(getattr(self, name) for name in self.FIELDS)

    @classmethod
    def parse(cls, values: tuple[Any, ...], **rest: Any) -> Self:
        """The message whose type header unpacks to ``values``; ``rest`` is id and payload."""
        return cls(*values, **rest)


@frozen
class DataMessage(Message):
    """A message that may carry data behind its type header."""

    payload: bytes = field(default=b"", kw_only=True)


_M = TypeVar("_M", bound=Message)
NOTHING = Capability(0)
EITHER = None  #: in place of a sender: both sides may send the message

#: Every message class by its type.
MESSAGES: dict[int, type[Message]] = {}


def message(
    kind: Type, sender: Sender | None, layout: str = "<", *, needs: Capability = NOTHING
) -> Callable[[type[_M]], type[_M]]:
    """Declare a message: the class below lists its fields in the order of the ``layout`` struct."""

    def declare(cls: type[_M]) -> type[_M]:
        cls.TYPE, cls.SENDER, cls.LAYOUT, cls.NEEDS = kind, sender, Struct(layout), needs
        cls.FIELDS = tuple(f.name for f in attrs.fields(cls) if f.name not in ("id", "payload"))
        MESSAGES[kind] = cls
        return cls

    return declare
