"""What some releases of usbutils print wrongly, and what is known in spite of it.

Found by printing a device of each descriptor with every release from 001 to 019 and reading it back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from attrs import evolve, frozen

from .blocks import Block, Token
from .versions import NEWEST, Versions

__all__ = ["mended"]

_GUID = re.compile(r"(\{?)([0-9a-fA-F]{8})-([0-9a-fA-F]{4})-([0-9a-fA-F]{4})-")
_SIZE = 4  #: bytes of a still image's size
_STILL = 6  #: bytes of a still image frame but for its sizes and patterns
_PROCESSING = 16  #: bytes of a processing unit but for its sources and what is specific to it


@frozen
class Mended:
    """A block as it should have been printed, and what is lost."""

    block: Block
    lost: str = ""  #: what had to be made up


Mend = Callable[[Block], Mended | None]


@frozen
class Misprint:
    """A fault of the releases ``first`` to ``last``."""

    first: int
    last: int
    what: str  #: what is uncertain where the release is
    mend: Mend  #: None for blocks that are printed well
    only_if_sure: bool = False  #: text of those releases shows that it is


def mended(block: Block, versions: Versions) -> tuple[Block, tuple[str, ...]]:
    """The block without the faults of these releases, and what was made up or is uncertain."""
    notes = []
    for misprint in _MISPRINTS:
        sure = versions.must_be(misprint.first, misprint.last)
        if not sure and (misprint.only_if_sure or not versions.may_be(misprint.first, misprint.last)):
            continue
        found = misprint.mend(block)
        if found is None:
            continue
        block = found.block
        if found.lost:
            notes.append(found.lost)
        if misprint.what and not sure:
            span = f"{misprint.first:03} to {misprint.last:03}" if misprint.first else f"up to {misprint.last:03}"
            notes.append(f"{misprint.what}: taken as usbutils {span} print it, as the text does not tell which did")
    return block, tuple(notes)


def _with(block: Block, tokens: list[Token]) -> Block:
    return evolve(block, tokens=tokens)


def _replaced(block: Block, values: Mapping[str, object]) -> Block:
    """The block with these values in place of what is printed behind the names."""
    return _with(block, [evolve(token, value=str(values.get(token.name, token.value))) for token in block.tokens])


def _guids(block: Block) -> Mended | None:
    """The first three parts in wire order: get_guid of lsusb.c."""
    if not any(_GUID.match(token.value) for token in block.tokens):
        return None
    return Mended(_with(block, [evolve(token, value=_GUID.sub(_swapped, token.value, 1)) for token in block.tokens]))


def _swapped(match: re.Match[str]) -> str:
    return f"{match[1]}{'-'.join(bytes.fromhex(part)[::-1].hex() for part in match.groups()[1:])}-"


def _stream_header(block: Block) -> Mended | None:
    """The byte behind the descriptor in place of each bmaControls."""
    if not {"bNumFormats", "bmaControls"} <= block.numbers().keys():
        return None
    return Mended(_replaced(block, {"bmaControls": 0}), "bmaControls of a video header")


def _still_image(block: Block) -> Mended | None:
    """The number of sizes in place of the number of patterns, which bLength tells."""
    values = block.numbers()
    sizes = values.get("bNumImageSizePatterns")
    patterns = values.get("bLength", 0) - _STILL - _SIZE * (sizes or 0)
    if sizes is None or values.get("bNumCompressionPatterns") != sizes or patterns < 0:
        return None
    return Mended(_replaced(block, {"bNumCompressionPatterns": patterns}))


def _extension_unit(block: Block) -> Mended | None:
    """An extension unit of audio 2.0 from bmChannelConfig on, read one byte too far."""
    values = block.numbers()
    if "wExtensionCode" not in values or "wChannelConfig" not in values or "bControlSize" in values:
        return None
    config = values["wChannelConfig"]
    moved = {
        "wChannelConfig": (config & 0xFFFFFF) << 8,
        "iChannelNames": config >> 24 & 0xFF,
        "bmControls": values.get("iChannelNames", 0),
        "iExtension": values.get("bmControls", 0),
    }
    return Mended(_replaced(block, moved), f"bits 7:0 of bmChannelConfig of audio unit {values.get('bUnitID', 0)}")


def _processing_unit(block: Block) -> Mended | None:
    """A processing unit of audio 2.0: sources read two bytes too early, and the last byte not at all."""
    values = block.numbers()
    if not {"wProcessType", "bNrPins", "bmChannelConfig"} <= values.keys():
        return None
    sources = [token for token in block.tokens if token.name == "baSourceID"]
    known = [token.value for token in sources[2:]]
    real = iter([*known, *["0"] * (len(sources) - len(known))])
    short = values.get("bLength", 0) > _PROCESSING + len(sources)
    tokens = []
    for token in block.tokens:
        if token.name == "baSourceID":
            tokens.append(evolve(token, value=next(real)))
        elif token.name.lower() == "process-specific" and short:
            tokens.append(evolve(token, value=f"{token.value} 00"))
        else:
            tokens.append(token)
    return Mended(
        _with(block, tokens), f"the last two sources and the last byte of audio unit {values.get('bUnitID', 0)}"
    )


def _superspeed_capability(block: Block) -> Mended | None:
    """wSpeedsSupported as one byte, and what follows it one byte too early."""
    values = block.numbers()
    if "wSpeedsSupported" not in values:
        return None
    later = values.get("bU2DevExitLat", 0)
    moved = {
        "wSpeedsSupported": values["wSpeedsSupported"] | values.get("bFunctionalitySupport", 0) << 8,
        "bFunctionalitySupport": values.get("bU1DevExitLat", 0),
        "bU1DevExitLat": later >> 8,
        "bU2DevExitLat": later & 0xFF,
    }
    return Mended(_replaced(block, moved), "bits 15:8 of bU2DevExitLat")


def _alternate_mode(block: Block) -> Mended | None:
    """dwAlternateModeVdo in wire order."""
    value = block.numbers().get("dwAlternateModeVdo")
    if value is None or value >> 32:
        return None
    return Mended(_replaced(block, {"dwAlternateModeVdo": f"0x{value.to_bytes(4, 'little').hex()}"}))


def _smart_card(block: Block) -> Mended | None:
    """bClassGetResponse in place of bClassEnvelope."""
    return Mended(block, "bClassEnvelope of a smart card reader") if "bClassEnvelope" in block.numbers() else None


def _stream_based(block: Block) -> Mended | None:
    """One byte of dwPacketLength."""
    return Mended(block, "bits 31:8 of dwPacketLength") if "dwPacketLength" in block.numbers() else None


_MISPRINTS = (
    Misprint(0, 4, "", _superspeed_capability, only_if_sure=True),
    Misprint(0, 8, "the byte order of GUIDs", _guids),
    Misprint(0, 8, "", _stream_header),
    Misprint(0, 8, "", _still_image),
    Misprint(0, 9, "", _extension_unit),
    Misprint(0, 9, "", _processing_unit),
    Misprint(11, 17, "the byte order of dwAlternateModeVdo", _alternate_mode),
    Misprint(0, NEWEST, "", _smart_card),
    Misprint(10, NEWEST, "", _stream_based),
)
