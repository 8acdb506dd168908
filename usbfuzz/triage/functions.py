"""Functions that are never blamed: generic helpers between the bug and the code that reports it.

A pattern matches anywhere in a function's name unless it is anchored, so that ``memcpy`` covers ``__memcpy``,
``kasan_memcpy`` and ``memcpy_erms``. Where syzbot skips a function, it is skipped here as well: a title is worth
most when it finds the same bug in syzbot's lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from .printed import CALL_THUNKS, ENTRY_PREFIXES, FAULT_ENTRY

__all__ = ["GENERIC", "bare_name", "is_generic", "name_variants"]

GENERIC: Mapping[str, tuple[str, ...]] = {
    "sanitizers": (
        "k[am]san|hwasan|__asan|__msan|__sanitizer|kcsan_setup_watchpoint",
        "check_memory_region|check_(?:heap_)?object|read_word_at_a_time|(?:read|write)_once_.*nocheck",
    ),
    "the road from a trap to the printed report": (
        FAULT_ENTRY,
        "panic|report_bug|fixup_bug|print_(?:report|usage_bug|address_description|tainted|unlock)",
        "_trap$|imbalance_bug|assertfail|__fortify_report",
        "warn_(?:slowpath|alloc|bogus)|__warn|^get_taint$|perf_trace",
        "(?:show|dump|walk)_stack|dump_backtrace|arch_stack_walk|stack_trace_(?:save|consume_entry)",
    ),
    "printing": (
        "printk|va_format|string|pointer|s(?:n|cn)printf|kv?asprintf|hex_dump_to_buffer|print_hex_dump",
        "dev_(?:info|notice|warn|err|alert|crit|emerg)",
    ),
    "allocation": (
        "[mzc]alloc|krealloc|memdup|kmem_cache|slab_|allocate_slab|alloc_page|__alloc_frozen_pages_noprof",
        "^kv?free$|kfree_skb|ida_free",
    ),
    "page cache": (
        "folio_(?:alloc|unlock)|filemap_alloc_folio|__filemap_get_folio|find_or_create_page|pagecache_get_page",
        "(?:do_read_cache_folio|read_cache_page)|grab_cache_page_write_begin|^(?:un)?lock_page|mark_buffer_dirty",
        "find_lock_entries|truncate_inode_pages_range|xas_(?:start|load|find)|__phys_addr",
    ),
    "locking": (
        "lockdep|lock_(?:acquire|release|class)|mark_lock|(?:reacquire|mark)_held_locks|raw_spin_rq",
        "spin_(?:lock|trylock|unlock)|(?:read|write)_(?:lock|trylock|unlock)|^(?:__|rt_)?mutex_",
        "^down$|down_(?:read|write|trylock)|up_(?:read|write)|osq_(?:un)?lock|owner_on_cpu",
        "__might_(?:fault|resched)|might_(?:fault|sleep)|bh_(?:en|dis)able|(?:trace|lockdep)_(?:hard|soft)irq",
        "seqprop_assert|cleanup_srcu_struct",
    ),
    "waiting and waking": ("__wake_up|finish_wait|^complete$|wait_for_completion|kthread_stop",),
    "counting references": (
        "^refcount_|^kref_|ref_tracker|^put_device$|^iput$|^iput_final$|^ihold$|dput|drop_nlink",
        "atomic(?:64)?_(?:dec|inc|read|set|or|xor|and|add|sub|fetch|xchg|cmpxchg|try)|(?:set|clear|change|test)_bit",
    ),
    "memory and strings": (
        "mem(?:cpy|cmp|set|chr|move)|str(?:n?cmp|[nl]?cpy|scpy|n?len|n?str|chr|n?dup)|^crc\\d+|crc_itu_t",
        "copy_(?:to|from)_(?:user|iter)|copy_(?:page|folio)_to_iter|copy_page_from_iter|^copy(?:in|out)$",
        "(?:put|get)_user|extract_(?:user|iter)_to_sg",
    ),
    "lists and trees": ("list_(?:add|del|replace|move|splice)|^(?:__)?rb_|^klist_|rhashtable_lookup",),
    "registers": ("(?:read|write)[bwlq]$|logic_(?:in|out)",),
    "indirect calls": (CALL_THUNKS,),
    "timers and work items": (
        "debug_object|(?:timer|work)_is_static_object|del_timer|__timer_delete_sync|lock_timer_base|__mod_timer",
        "sk_stop_timer_sync|flush_work|drain_workqueue|destroy_workqueue|queue_work|insert_work",
        "__cancel_work_timer|cancel_work_sync|try_to_grab_pending|__queue_delayed_work|queue_delayed_work_on",
    ),
    "the device model": (
        "kobject_|add_uevent_var|get_device_parent|sysfs_remove|devres_release_all",
        "device_(?:add|del|unregister|destroy|release|remove_file|for_each_child)",
        "hwrng_unregister|i2c_del_adapter|__unregister_client|rollback_registered|unregister_netdev",
        "tty_unregister_device",
    ),
    "USB core plumbing": (
        "usb_(?:hcd_)?submit_urb|usb_kill_urb|usb_kill_anchored_urbs|usb_control_msg|dummy_urb_enqueue",
        "usb_(?:bulk|interrupt)_msg|usb_start_wait_urb|usb_poison_urb|usb_hcd_unlink_urb",
    ),
}

_GENERIC = re.compile("|".join(pattern for patterns in GENERIC.values() for pattern in patterns))

#: Entry points are named differently by architecture and version; the bug is the same.
_ENTRY_PREFIX = (
    "SYSC_", "SyS_", "sys_", *ENTRY_PREFIXES, "____sys_", "___sys_", "__sys_", "__se_",
    "__se_sys_", "__do_sys_", "compat_SYSC_", "compat_SyS_", "ksys_",
)  # fmt: skip


@lru_cache(maxsize=4096)
def is_generic(function: str) -> bool:
    """Whether this function is a helper, so that its caller is blamed instead."""
    return _GENERIC.search(function) is not None


def bare_name(function: str) -> str:
    """The name without the longest entry-point prefix: ``__do_sys_openat2`` is ``openat2``."""
    return min((function.removeprefix(prefix) for prefix in _ENTRY_PREFIX), key=len)


def name_variants(function: str) -> tuple[str, ...]:
    """The full name, and the name without each entry-point prefix it has."""
    shorter = (function.removeprefix(prefix) for prefix in _ENTRY_PREFIX if function.startswith(prefix))
    return tuple(dict.fromkeys((function, *shorter)))
