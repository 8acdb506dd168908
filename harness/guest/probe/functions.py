"""The functions of the kernel that the plugin watches, by name: the allocators', and those that access memory.

Names and parameters changed over the years; what a kernel has is looked up in its kallsyms and its BTF. A parameter is
given by the names that it has had, and by its place where a kernel has no BTF.
"""

from __future__ import annotations

from attrs import frozen

from .layout import CONSTANTS

__all__ = ["ACCESSES", "COMPARERS", "GROUPS", "VARIABLES", "Access", "Parameter", "Watched"]


@frozen
class Parameter:
    """A parameter of a function."""

    place: int  #: 0 is the first; where BTF does not say
    names: tuple[str, ...] = ()  #: that it has had; none: its place never changed


@frozen
class Watched:
    """Functions of one meaning for the shadow."""

    kind: int  #: HOOK_*
    functions: tuple[str, ...]  #: regular expressions that match whole names
    a: Parameter
    b: Parameter | None = None


_SIZE = ("size", "len")
_ORDER = Parameter(1, ("order",))
#: Since 6.10 functions that allocate end in it, for allocation profiling.
_NOPROF = "(?:_noprof)?"
_PLAIN = "(?:_node)?(?:_track_caller)?"

#: What the plugin needs, by the check that is off when a kernel has none of a row's functions.
GROUPS: dict[str, tuple[Watched, ...]] = {
    "the heap": (
        Watched(
            CONSTANTS["HOOK_ALLOC"],
            (
                f"_*kmalloc{_PLAIN}{_NOPROF}",
                f"_*kvmalloc_node{_NOPROF}",
                f"_*kmalloc_(?:large|large_node|order|flags|nolock){_NOPROF}",
            ),
            Parameter(0, _SIZE),
        ),
        Watched(CONSTANTS["HOOK_FREE"], ("kfree(?:_nolock)?",), Parameter(0)),
        Watched(CONSTANTS["HOOK_CACHE"], (f"kmem_cache_alloc(?:_node|_lru|_from_sheaf)?{_NOPROF}",), Parameter(0)),
        Watched(CONSTANTS["HOOK_FREE"], ("kmem_cache_free",), Parameter(1)),
    ),
    "": (  # not in every kernel
        Watched(
            CONSTANTS["HOOK_ALLOC"],
            ("kmem_cache_alloc_trace", "kmalloc_trace", f"__kmalloc_cache{_NOPROF}"),
            Parameter(2, _SIZE),
        ),
        Watched(
            CONSTANTS["HOOK_ALLOC"],
            ("kmem_cache_alloc_node_trace", "kmalloc_node_trace", f"__kmalloc_cache_node{_NOPROF}"),
            Parameter(3, _SIZE),
        ),
        Watched(
            CONSTANTS["HOOK_BULK"],
            (f"kmem_cache_alloc_bulk{_NOPROF}",),
            Parameter(2, ("size", "nr")),
            Parameter(3, ("p",)),
        ),
        Watched(
            CONSTANTS["HOOK_FREE_BULK"], ("kmem_cache_free_bulk",), Parameter(1, ("size", "nr")), Parameter(2, ("p",))
        ),
        Watched(
            CONSTANTS["HOOK_REALLOC"],
            (f"kv?realloc(?:_node_align)?{_NOPROF}",),
            Parameter(0, ("p", "objp", "addr")),
            Parameter(1, ("new_size", "newsize", "size")),
        ),
        Watched(CONSTANTS["HOOK_KSIZE"], ("_*ksize",), Parameter(0)),
        Watched(
            CONSTANTS["HOOK_PAGES_BULK"],
            ("__alloc_pages_bulk", f"alloc_pages_bulk{_NOPROF}"),
            Parameter(3, ("nr_pages",)),
            Parameter(4, ("page_array",)),
        ),
    ),
    "freed pages": (
        Watched(
            CONSTANTS["HOOK_PAGES"],
            (f"__alloc_(?:frozen_)?pages(?:_nodemask)?{_NOPROF}",),
            Parameter(1, ("order",)),
        ),
        Watched(CONSTANTS["HOOK_PAGES_READY"], ("post_alloc_hook", "prep_new_page"), Parameter(0), _ORDER),
        Watched(
            CONSTANTS["HOOK_FREE_PAGES"],
            ("free_unref_page", "__free_pages_ok", "_*free_frozen_pages"),
            Parameter(0),
            _ORDER,
        ),
    ),
    "buffers of URBs": (Watched(CONSTANTS["HOOK_URB"], ("usb_submit_urb",), Parameter(0)),),
}

#: Variables of the kernel whose values, or addresses, the plugin needs.
VARIABLES = frozenset({"page_offset_base", "vmemmap_base", "phys_base", "init_top_pgt", "prb"})


@frozen
class Access:
    """What a function accesses: ``kind`` CHECK_*, which argument points there, which one is the length in bytes."""

    kind: int
    pointer: int
    length: int = CONSTANTS["NO_ARGUMENT"]


def _read(pointer: int, length: int) -> Access:
    return Access(CONSTANTS["CHECK_READ"], pointer, length)


def _write(pointer: int, length: int) -> Access:
    return Access(CONSTANTS["CHECK_WRITE"], pointer, length)


def _string(pointer: int, length: int = CONSTANTS["NO_ARGUMENT"]) -> Access:
    return Access(CONSTANTS["CHECK_STRING"], pointer, length)


_COPY = (_write(0, 2), _read(1, 2))
_COMPARED = (_string(0), _string(1))
_COMPARED_N = (_string(0, 2), _string(1, 2))

#: Functions that access memory for their caller (the kernel's lib/string.c and lib/usercopy.c, an architecture's lib/).
#:
#: memcmp() and memchr() may stop early, and are let be.
ACCESSES: dict[str, tuple[Access, ...]] = {
    **dict.fromkeys(("memcpy", "__memcpy", "memmove", "__memmove", "memcpy_orig"), _COPY),
    **dict.fromkeys(("memset", "__memset", "memset_orig"), (_write(0, 2),)),
    **dict.fromkeys(("_copy_from_user", "copy_from_user", "__copy_from_user"), (_write(0, 2),)),
    **dict.fromkeys(("_copy_to_user", "copy_to_user", "__copy_to_user"), (_read(1, 2),)),
    **dict.fromkeys(
        ("copy_user_generic_unrolled", "copy_user_generic_string", "copy_user_enhanced_fast_string"), _COPY
    ),
    "rep_movs_alternative": (_write(0, 3), _read(1, 3)),
    **dict.fromkeys(("kmemdup", "kmemdup_noprof"), (_read(0, 1),)),
    **dict.fromkeys(
        ("strlen", "kstrdup", "kstrdup_noprof", "kstrdup_const", "strchr", "strrchr", "skip_spaces"), (_string(0),)
    ),
    **dict.fromkeys(("strnlen", "kstrndup", "kstrndup_noprof"), (_string(0, 1),)),
    **dict.fromkeys(("strcpy", "stpcpy"), (_string(1),)),
    "strncpy": (_write(0, 2), _string(1, 2)),
    "strlcpy": (_string(1),),
    **dict.fromkeys(("strscpy", "sized_strscpy"), (_string(1, 2),)),
    **dict.fromkeys(("strcmp", "strcasecmp", "strstr"), _COMPARED),
    **dict.fromkeys(("strncmp", "strncasecmp"), _COMPARED_N),
    **dict.fromkeys(("crc32_le", "crc32_be", "crc_ccitt", "crc16", "crc32_le_base"), (_read(1, 2),)),
    "csum_partial": (_read(0, 1),),
}

_TEXT, _BYTES = CONSTANTS["CALLEE_COMPARES_TEXT"], CONSTANTS["CALLEE_COMPARES_BYTES"]
#: Functions that compare what their first two arguments point to: texts or bytes, and whether the third is a length.
COMPARERS: dict[str, tuple[int, bool]] = {
    **dict.fromkeys(("strcmp", "strcasecmp"), (_TEXT, False)),
    **dict.fromkeys(("strncmp", "strncasecmp"), (_TEXT, True)),
    **dict.fromkeys(("memcmp", "__memcmp", "bcmp"), (_BYTES, True)),
}
