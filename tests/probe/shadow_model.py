"""What the shadow of a kernel's allocators should say, told by slots instead of bytes, and a random life of one."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from attrs import define, field, frozen

__all__ = ["Life"]

_PAGE = 4096
_FIRST, _AREAS, _ORDER = 0x500, 12, 3  #: areas of 8 pages, each one piece of at most that order, or split
_NONE = 0xFF


@frozen
class Cache:
    """A kmem_cache; its slots lie side by side, each with a redzone in front of its object."""

    number: int
    stride: int
    object: int
    left: int = 0
    reused: bool = False  #: objects that were freed may be read (SLAB_TYPESAFE_BY_RCU)
    constructed: bool = False

    def command(self) -> str:
        """As shadow_driver.c wants it."""
        flags, constructor = 0x80000 * self.reused, int(self.constructed)
        return f"cache {self.number:x} {self.stride:x} {self.object:x} {self.left:x} {flags:x} {constructor:x}"


CACHES = (
    Cache(0, 64, 64),
    Cache(1, 128, 116),
    Cache(2, 192, 100, left=64),
    Cache(3, 256, 200, constructed=True),
    Cache(4, 64, 56, reused=True),
    Cache(5, 8, 8),
    Cache(6, 1024, 1000, left=16),
    Cache(_NONE, 128, 128),  # kmalloc-128 of a kernel that does not say which cache a page is of
    Cache(_NONE, 192, 192),
)


@define
class Slot:
    """What is known of one."""

    size: int  #: as asked for
    live: bool = True
    fenced: bool = True  #: it was allocated while somebody looked


@define
class Piece:
    """Pages that were allocated together."""

    frame: int
    order: int
    fresh: bool = False  #: since then nothing was allocated in them
    gone: bool = False  #: they are free
    cache: Cache | None = None
    bare: bool = True  #: slots that were never allocated may be accessed: objects there are older than the probe
    slots: dict[int, Slot] = field(factory=dict)  #: by start address

    @property
    def start(self) -> int:
        return self.frame * _PAGE

    @property
    def size(self) -> int:
        return _PAGE << self.order

    def starts(self) -> list[int]:
        """Where objects may be."""
        assert self.cache is not None
        return [
            self.start + at + self.cache.left for at in range(0, self.size - self.cache.stride + 1, self.cache.stride)
        ]

    def why(self, at: int) -> str:
        """Why a byte may not be accessed; "" when it may."""
        if self.gone:
            return "page"
        if self.cache is None:
            return ""
        start = self.start + (at - self.start) // self.cache.stride * self.cache.stride + self.cache.left
        slot = self.slots.get(start)
        if slot and slot.live and start <= at < start + slot.size:
            return ""
        if slot and not slot.live and start <= at < start + (self._freed(slot) + 7 & ~7):
            return "freed"
        return "outside" if not self.bare or (slot and slot.fenced) else ""

    def _freed(self, slot: Slot) -> int:
        assert self.cache is not None
        known = self.cache.object if self.cache.number != _NONE else 0
        return max(known, slot.size)


@define
class Life:
    """Commands for shadow_driver.c, and what it should print for each."""

    random: Random
    pieces: dict[int, Piece] = field(factory=dict)  #: by their frame
    alive: dict[int, int] = field(factory=dict)  #: objects that were not given back, by their start: bytes asked for

    def __attrs_post_init__(self) -> None:
        for area in range(_AREAS):
            frame = _FIRST + (area << _ORDER)
            self.pieces[frame] = Piece(frame, self.random.randint(0, _ORDER))

    def commands(self, count: int) -> Iterator[tuple[str, list[str]]]:
        """So many steps, and looks at the bytes that they are about."""
        yield from ((cache.command(), []) for cache in CACHES if cache.number != _NONE)
        for number in range(count):
            piece = self.random.choice(list(self.pieces.values()))
            yield from self._step(piece)
            yield from (self._look(piece) for _ in range(3))
            if number % 20 == 0:
                yield "alive", [f"{len(self.alive):x} {sum(self.alive.values()):x} 0"]

    def _ended(self, piece: Piece) -> None:
        """The pages have a new owner, or none."""
        for start in [start for start in self.alive if piece.start <= start < piece.start + piece.size]:
            del self.alive[start]

    def _step(self, piece: Piece) -> Iterator[tuple[str, list[str]]]:
        if piece.gone:
            yield self._pages(piece)
        elif self.random.random() < 0.01:
            piece.gone, piece.cache, piece.slots, piece.fresh = True, None, {}, False
            self._ended(piece)
            yield f"put {piece.frame:x} {piece.order:x}", []
        elif piece.cache is None:
            yield from self._split(piece) if piece.order and self.random.random() < 0.2 else self._slab(piece)
        elif piece.fresh:  # nothing can be freed there that was not allocated before
            yield from self._allocate(piece)
        else:
            kind = self.random.choice(
                (self._allocate, self._allocate, self._free, self._grow, self._inside, self._many)
            )
            yield from kind(piece)

    def _pages(self, piece: Piece) -> tuple[str, list[str]]:
        self.pieces[piece.frame] = Piece(piece.frame, piece.order, fresh=True)
        self._ended(piece)
        return f"pages {piece.frame:x} {piece.order:x}", []

    def _split(self, piece: Piece) -> Iterator[tuple[str, list[str]]]:
        """Single pages of a piece, one of which is given to somebody else."""
        frames = range(piece.frame, piece.frame + (1 << piece.order))
        self.pieces |= {frame: Piece(frame, 0) for frame in frames}
        yield self._pages(self.pieces[self.random.choice(frames[1:])])

    def _slab(self, piece: Piece) -> Iterator[tuple[str, list[str]]]:
        piece.cache = self.random.choice(CACHES)
        yield f"slab {piece.frame:x} {piece.order:x} {piece.cache.number:x}", []

    def _allocate(self, piece: Piece) -> Iterator[tuple[str, list[str]]]:
        start = self.random.choice(piece.starts())
        yield self._allocated(piece, [start]), []

    def _allocated(self, piece: Piece, starts: list[int]) -> str:
        cache = piece.cache
        assert cache is not None
        sized = len(starts) == 1 and (cache.number == _NONE or self.random.random() < 0.5)
        # Of what size a cache is that nothing is known of is told by the size that was asked for.
        least = 1 if cache.number != _NONE else 129 if cache.stride == 192 else 97
        size = self.random.randint(least, cache.object) if sized else cache.object
        if piece.fresh:
            piece.fresh, piece.bare = False, cache.constructed or cache.number == _NONE
        piece.slots |= {start: Slot(size) for start in starts}
        self.alive |= dict.fromkeys(starts, size)
        if sized:
            return f"alloc {starts[0]:x} {size:x}"
        return f"take {starts[0]:x}" if len(starts) == 1 else _list("bulk", starts)

    def _free(self, piece: Piece) -> Iterator[tuple[str, list[str]]]:
        start = self._known(piece)
        yield f"free {start:x}", self._freed(piece, start)

    def _freed(self, piece: Piece, start: int) -> list[str]:
        cache = piece.cache
        assert cache is not None
        self.alive.pop(start, None)
        slot = piece.slots.get(start)
        if slot and not slot.live:
            return ["double"]
        if cache.reused or (cache.number == _NONE and not slot):
            return []
        piece.slots[start] = Slot(slot.size if slot else cache.object, live=False, fenced=bool(slot))
        return []

    def _known(self, piece: Piece) -> int:
        """Mostly a slot that was allocated before."""
        return self.random.choice(list(piece.slots) if piece.slots and self.random.random() < 0.9 else piece.starts())

    def _grow(self, piece: Piece) -> Iterator[tuple[str, list[str]]]:
        cache = piece.cache
        assert cache is not None
        start = self._known(piece)
        size = self.random.randint(1, cache.stride - cache.left + 8 if cache.number != _NONE else cache.object)
        slot = piece.slots.get(start)
        if cache.number != _NONE and not cache.reused and slot and slot.live and size <= cache.stride - cache.left:
            slot.size = size
        elif slot and slot.live:
            return
        yield f"{self.random.choice(('grow', 'whole'))} {start:x} {size:x}", []

    def _inside(self, piece: Piece) -> Iterator[tuple[str, list[str]]]:
        """A free of the middle of an object."""
        start = self._known(piece)
        slot = piece.slots.get(start)
        if slot and slot.live and slot.size > 1:
            yield f"free {start + self.random.randrange(1, slot.size):x}", ["invalid"]

    def _many(self, piece: Piece) -> Iterator[tuple[str, list[str]]]:
        cache = piece.cache
        assert cache is not None
        starts = piece.starts()
        at = self.random.randrange(len(starts))
        chosen = starts[at : at + self.random.randint(2, 6)]
        if cache.number == _NONE or len(chosen) < 2:
            return
        if self.random.random() < 0.5:
            yield self._allocated(piece, chosen), []
        else:
            said = [word for start in chosen for word in self._freed(piece, start)]
            yield _list("drop", chosen), said[:1]  # one report for each place of the code

    def _look(self, piece: Piece) -> tuple[str, list[str]]:
        piece = self.pieces[piece.frame]
        slot = self.random.choice(list(piece.slots) or [piece.start])
        at = max(piece.start, slot + self.random.randint(-24, 300))
        length = self.random.choice((1, 2, 4, 8, 16, 100, 300))
        for byte in range(at, at + length):
            owner = self._owner(byte)
            if owner and (why := owner.why(byte)):
                return f"look {at:x} {length:x}", [f"{byte:x} {why}"]
        return f"look {at:x} {length:x}", ["-"]

    def _owner(self, byte: int) -> Piece | None:
        for order in range(_ORDER + 1):
            piece = self.pieces.get(byte // _PAGE >> order << order)
            if piece and byte < piece.start + piece.size:
                return piece
        return None


def _list(word: str, starts: list[int]) -> str:
    return f"{word} {len(starts):x} {starts[0]:x} {starts[1] - starts[0]:x}"
