"""Counts what a guest without devices holds: memory by who allocated it, caches, references, threads, nodes."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from harness.guest.probe.alive import holders
from usbfuzz.leftovers import Census, Counted, Sort

if TYPE_CHECKING:
    from harness.guest.agent_client import Agent

    from .eyes import Eyes

__all__ = ["take_census"]

#: Guest milliseconds for frees that come late: RCU's grace periods, work items.
_LATE_MS = 2000
#: Guest seconds for a program that lists.
_LIST_S = 60.0
#: The stat of each process, then the names of nodes and of what classes and buses have. Nothing is started for each.
_LISTS = "cat /proc/[0-9]*/stat; find /dev ! -type d; ls -d /sys/class/*/* /sys/bus/*/devices/*"
#: Empties the slabs that processors hold: only then the kernel's numbers of objects are right.
_SHRINK = "for cache in /sys/kernel/slab/*/shrink; do echo 1 >$cache; done"
#: A kernel thread's parent is kthreadd. Workers come and go with the work.
_THREAD = re.compile(rb"^\d+ \((?!kworker/)([^\n]{1,64})\) \w 2 ", re.MULTILINE)
_NODE = re.compile(rb"^(/(?:dev|sys)/[^\n]{1,256})$", re.MULTILINE)
_REFERENCES = re.compile(rb"^(\w{1,64}) \d+ (\d{1,9}) ", re.MULTILINE)
_CACHE = re.compile(rb"^([\w:-]{1,64}) +(\d{1,9}) +\d+ +(\d{1,7}) ", re.MULTILINE)
_VMALLOC = re.compile(rb"^0x\S+ +(\d{1,12}) (\w[\w.]*\+0x[0-9a-f]+/0x[0-9a-f]+ \[(\w+)\])", re.MULTILINE)
_DIGITS = re.compile(rb"\d+")
#: Caches of what the kernel itself keeps until it needs the memory, or that its own work fills.
_KEPT = re.compile(
    r"vmap_area|dentry|inode|kernfs|radix_tree|filp|vm_area|anon_vma|maple|pid|task|signal|sighand|cred|buffer_head|lsm"
)
#: Functions that keep what they allocate for later: freed ranges of vmalloc are purged some MiB at a time.
_KEEPS = frozenset({"alloc_vmap_area"})


async def take_census(agent: Agent, eyes: Eyes | None) -> Census:
    """What there is now; raises QemuError, GuestError."""
    await agent.sleep(_LATE_MS)
    listed = (await agent.run(("sh", "-c", _LISTS), _LIST_S)).output
    found: Counter[Counted] = Counter()
    found.update(Counted(Sort.THREAD, _plain(name)) for name in _THREAD.findall(listed))
    found.update(Counted(Sort.DEVICE, _plain(name)) for name in _NODE.findall(listed))
    for name, count in _REFERENCES.findall(await agent.read("/proc/modules")):
        found[Counted(Sort.MODULE, name.decode())] += int(count)
    for size, caller, _module in _VMALLOC.findall(await agent.read("/proc/vmallocinfo")):
        found[Counted(Sort.MEMORY, chain=(caller.decode(),), size=int(size))] += 1
    found.update(await _memory(agent, eyes))
    return found


async def _memory(agent: Agent, eyes: Eyes | None) -> Counter[Counted]:
    """Objects by who allocated them, where the probe sees it, else by their caches."""
    if eyes is not None and eyes.probe.probing.alive:
        seen = holders(eyes.probe.shared, eyes.probe.facts.symbols) or {}
        return Counter(
            {
                Counted(Sort.MEMORY, chain=tuple(map(str, holder.places)), size=holder.size): count
                for holder, count in seen.items()
                if not any(place.function in _KEEPS for place in holder.places)
            }
        )
    await agent.write("/proc/sys/vm/drop_caches", "2")
    await agent.run(("sh", "-c", _SHRINK), _LIST_S)
    caches = _CACHE.findall(await agent.read("/proc/slabinfo"))
    return Counter(
        {
            Counted(Sort.CACHE, name.decode(), size=int(size)): int(count)
            for name, count, size in caches
            if not _KEPT.search(name.decode())
        }
    )


def _plain(name: bytes) -> str:
    """Without the numbers that tell things of one name apart."""
    return _DIGITS.sub(b"N", name).decode("ascii", "replace")
