"""Messages between processes: attrs classes as JSON, one object a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attrs import field, frozen, resolve_types
from cattrs import Converter
from cattrs.preconf.json import make_converter
from cattrs.strategies import configure_tagged_union

from harness.guest.image import Image
from harness.guest.kernels import Kernel
from harness.guest.qemu import Timing
from harness.lane.config import LaneConfig
from usbfuzz.arch import Arch, by_name
from usbfuzz.errors import ProtocolError
from usbfuzz.triage import Report

__all__ = ["LINE_LIMIT", "Lines"]

#: Longest line in bytes: a console log and a case with many devices fit with room to spare.
LINE_LIMIT = 64 << 20

# These modules import some of the names in their annotations for type checkers only.
for _class in (Kernel, Image, Report, LaneConfig):
    resolve_types(_class, localns={"Path": Path, "Kernel": Kernel, "Image": Image, "Timing": Timing})


@frozen
class Lines:
    """The JSON lines of one union of message classes."""

    union: Any
    where: str  #: what carries them, for messages
    _converter: Converter = field(init=False)

    def __attrs_post_init__(self) -> None:
        converter = make_converter(omit_if_default=True, detailed_validation=False)
        converter.register_unstructure_hook(bytes, bytes.hex)  # base 85, the default, is Python code and slow
        converter.register_structure_hook(bytes, lambda text, _: bytes.fromhex(text))
        converter.register_unstructure_hook(Path, str)
        converter.register_structure_hook(Path, lambda text, _: Path(text))
        converter.register_unstructure_hook(Arch, lambda arch: arch.name)
        converter.register_structure_hook(Arch, lambda name, _: by_name(name))
        configure_tagged_union(self.union, converter, tag_name="is")
        object.__setattr__(self, "_converter", converter)

    def encode(self, message: Any) -> bytes:
        """One line, newline included."""
        return json.dumps(self._converter.unstructure(message, self.union), separators=(",", ":")).encode() + b"\n"

    def decode(self, line: bytes) -> Any:
        """The message in one line; raises ProtocolError on anything else.

        The caller tells the kinds apart by ``match``.
        """
        try:
            return self._converter.structure(json.loads(line), self.union)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProtocolError(f"{self.where}: not a message: {line[:80]!r}; {error}") from error
