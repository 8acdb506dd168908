"""Messages between processes: attrs classes as JSON, one object a line.

The classes of a union are told apart by their names, which each line carries in its key ``is``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args

from attrs import field, frozen, resolve_types
from cattrs import Converter
from cattrs.preconf.json import make_converter

from usbfuzz.arch import Arch, by_name
from usbfuzz.errors import ProtocolError

__all__ = ["LINE_LIMIT", "Lines"]

#: Longest line in bytes: a console log and a case with many devices fit with room to spare.
LINE_LIMIT = 64 << 20
_TAG = "is"

Message = TypeVar("Message")


def _new_converter() -> Converter:
    converter = make_converter(omit_if_default=True, detailed_validation=False)
    converter.register_unstructure_hook(bytes, bytes.hex)  # base 85, the default, is Python code and slow
    converter.register_structure_hook(bytes, lambda text, _: bytes.fromhex(text))
    converter.register_unstructure_hook(Path, str)
    converter.register_structure_hook(Path, lambda text, _: Path(text))
    converter.register_unstructure_hook(Arch, lambda arch: arch.name)
    converter.register_structure_hook(Arch, lambda name, _: by_name(name))
    return converter


@frozen
class Lines(Generic[Message]):
    """The JSON lines of one message class, or of a union of them, whose annotations must have their names at run time.

    ``union`` is what ``Message`` stands for, as a value.
    """

    union: Any
    where: str  #: what carries the lines, for error messages
    _classes: dict[str, type[Message]] = field(init=False)
    _converter: Converter = field(factory=_new_converter, init=False)

    def __attrs_post_init__(self) -> None:
        classes = get_args(self.union) or (self.union,)
        for message_class in classes:
            resolve_types(message_class)  # a name that is missing shows here, not in the first message
        object.__setattr__(self, "_classes", {message_class.__name__: message_class for message_class in classes})

    def encode(self, message: Message) -> bytes:
        """One line, newline included."""
        tagged = {_TAG: type(message).__name__, **self._converter.unstructure(message)}
        return json.dumps(tagged, separators=(",", ":")).encode() + b"\n"

    def decode(self, line: bytes) -> Message:
        """The message in one line; raises ProtocolError on anything else."""
        try:
            tagged = json.loads(line)
            return self._converter.structure(tagged, self._classes[tagged.pop(_TAG)])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProtocolError(f"{self.where}: not a message: {line[:80]!r}; {error}") from error
