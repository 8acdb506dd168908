"""Who allocated what is alive: the plugin's counts by call chain, with functions for addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

from .reports import chain

if TYPE_CHECKING:
    from .memory import Shared
    from .symbols import Place, Symbols

__all__ = ["Holder", "holders"]

#: Frames of modules by which a chain is known: what called these says who wanted the memory, and not whose it is.
_MODULE_FRAMES = 2


@frozen
class Holder:
    """A call chain that allocated objects of one size, the allocator first."""

    places: tuple[Place, ...]
    size: int  #: bytes of one


def holders(shared: Shared, symbols: Symbols) -> dict[Holder, int] | None:
    """How many objects of each are alive; None when that is not known, for lack of room.

    Chains are cut behind a few frames of modules: of the rest what is left over from earlier calls differs each time.
    """
    if shared.header["untold"]:
        return None
    found: dict[Holder, int] = {}
    sites = shared.sites
    for index in np.flatnonzero((sites["stack"] != 0) & (sites["objects"] != 0)):
        site = sites[index].copy()
        places = _cut(chain(site["frames"], symbols))
        if places:
            holder = Holder(places, int(site["bytes"]) // max(int(site["objects"]), 1))
            found[holder] = found.get(holder, 0) + int(site["objects"])
    return found


def _cut(places: list[Place]) -> tuple[Place, ...]:
    modules = [index for index, place in enumerate(places) if place.module]
    return tuple(places[: modules[_MODULE_FRAMES - 1] + 1] if len(modules) >= _MODULE_FRAMES else places)
