"""Memory management's own checks: SLUB, page states, leaks."""

from __future__ import annotations

import re

from usbfuzz.triage.functions import bare_name, is_generic
from usbfuzz.triage.shape import Shape, path
from usbfuzz.triage.stack import FUNCTION, STACK
from usbfuzz.triage.types import CrashType

__all__ = ["SHAPES", "slab_owner"]

_SLUB = r"BUG (?P<cache>\S+) \([^)\n]*\): (?P<what>[A-Za-z][^\n.(]*?) *(?:[.(][^\n]*)?(?:\n|\Z)"
#: "INFO: Allocated in f+0x1/0x2 [mod] age=1 cpu=0 pid=1", when slub_debug=U; "INFO: " was dropped in 5.14.
_TRACKED = re.compile(rf"(?:Allocated|Freed) in {FUNCTION}[^\n]*\n((?:[ \t]*[A-Za-z0-9_.]+\+0x[^\n]*\n)*)")
_TRACKED_FRAME = re.compile(rf"^[ \t]*{FUNCTION}", re.MULTILINE)


def slab_owner(_before: str, report: str) -> str | None:
    """Who allocated the damaged object, or else who freed it; None when SLUB did not keep track."""
    for track in _TRACKED.finditer(report):
        for name in (track.group(1), *_TRACKED_FRAME.findall(track.group(2))):
            if not is_generic(name):
                return bare_name(name)
    return None


def _slub(head: str) -> Shape:
    """What SLUB found overwritten varies with when it looks, so the alternative title leaves it out."""
    return Shape(
        head, _SLUB, "BUG: {what} in {frame}", CrashType.SLAB_CORRUPTION, witness=slab_owner,
        nameless="BUG: {what} in {cache}", alt=("slab corruption in {frame}",), traced=False,
    )  # fmt: skip


_SLAB = (
    Shape("BUG kmalloc-", "BUG kmalloc-.*: Object already free", "BUG: Object already free", CrashType.DENIAL),
    _slub("BUG kmalloc-"),
    _slub("BUG "),
)

_LEAKS = (
    Shape(
        "BUG:", "BUG: memory leak", "memory leak in {frame}", CrashType.LEAK,
        path(r"backtrace(?: \(crc [0-9A-Fa-f]*\))?:", STACK,
             skip="kmemleak|mmap|kmem|slab|alloc|create_object|idr_get|list_lru_init|kv?asprintf|pcpu_create"
             "|strn?dup|memdup"),
    ),
)  # fmt: skip

_PAGES = (
    Shape(
        "BUG:", "BUG: Bad page (?P<what>state|cache)", "BUG: Bad page {what} in {frame}",
        # Where the page was found bad says little; who allocated it says more.
        trail=path("page last allocated", STACK,
                   skip="(?:free|put|get|update|release)_page|free_unref|^_*folio|truncate_inode_pages"
                   "|page_frag_free|alloc|vmap|page_owner"),
    ),
    Shape("BUG:", "BUG: Bad page map", "BUG: Bad page map"),
    Shape("BUG:", "BUG: Bad rss-counter state", "BUG: Bad rss-counter state", traced=False),
    Shape(
        "BUG:", "BUG: non-zero nr_(?P<what>ptes|pmds) on freeing mm", "BUG: non-zero nr_{what} on freeing mm",
        traced=False,
    ),
)  # fmt: skip

#: What is left of an old KASAN report when its beginning is lost.
_REMAINS = (
    Shape("INFO:", "INFO: (?P<what>(?:Freed|Allocated) in .*)", "INFO: {what}", broken=True),
)  # fmt: skip

_FILES = (
    Shape(
        "BUG:", "BUG: Dentry .* still in use", "BUG: Dentry still in use in {what}",
        detail=r"BUG: Dentry .* still in use \(\d+\) \[(?P<what>unmount) of (?P<where>[^\]]+)\]",
        alt=("BUG: Dentry still in use [{what} of {where}]",),
    ),
    Shape(
        "VFS: Close: file count is 0", "VFS: Close: file count is 0",
        "VFS: Close: file count is zero (use-after-free)", CrashType.DENIAL, traced=False,
    ),
    Shape(
        "VFS: Busy inodes after unmount", "VFS: Busy inodes after unmount",
        "VFS: Busy inodes after unmount (use-after-free)", CrashType.DENIAL, traced=False,
    ),
)  # fmt: skip

SHAPES = (*_SLAB, *_LEAKS, *_PAGES, *_REMAINS, *_FILES)
