"""Which functions of a kernel's modules have other code than in another kernel."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from harness.guest.kernels import Kernel, read_module
from harness.guest.kernels.code import CodeOf, FunctionCode, base_name, code_of
from harness.guest.kernels.elf import ElfFile
from harness.guest.kernels.specs import ArchiveSpec, BuiltSpec, parse_spec
from harness.guest.kernels.storage import storage_errors
from usbfuzz.arch import MachineCode
from usbfuzz.atomic import write_atomically
from usbfuzz.errors import KernelError

from .moved import Pair, Place, only_moved

__all__ = ["Changes", "by_base_name", "changes", "differing"]

#: Functions by module, those that differ or are new; modules of which nothing differs are left out.
Changes = Mapping[str, frozenset[str]]

_RELEASE = re.compile(r"(\d+)\.(\d+)")
_FORMAT = 2  #: of what is kept; counted up when the comparison changes
_DIRECTORY = "changes"  #: in the cache


def changes(
    kernel: Kernel, modules: Mapping[str, Path], since: Kernel, before: Mapping[str, Path], cache: Path
) -> Changes:
    """The functions of ``modules`` (files by name) of a kernel whose code is not in those of the kernel ``since``.

    What differs only where fields of structures lie, or in lines and versions, is left out (:mod:`.moved`).
    What was found is kept, for a pair of kernels that are themselves kept. Raises KernelError, StorageError.
    """
    code = kernel.arch.code
    if code is None or since.arch is not kernel.arch:
        raise KernelError(
            f"{kernel.name}: of {kernel.arch.name}, cannot be compared with {since.name}, of {since.arch.name}"
        )
    kept = cache / _DIRECTORY / f"{kernel.digest}-{since.digest}.json"
    lasting = all(isinstance(parse_spec(it.name), ArchiveSpec | BuiltSpec) for it in (kernel, since))
    names = sorted(modules)
    if lasting and (found := _read(kept, names)) is not None:
        return found
    found = _compared(kernel, modules, since, before, code)
    if lasting:
        _write(kept, names, found)
    return found


def _compared(
    kernel: Kernel, modules: Mapping[str, Path], since: Kernel, before: Mapping[str, Path], code: MachineCode
) -> Changes:
    found: dict[str, frozenset[str]] = {}
    pairs: dict[Place, Pair] = {}
    for module, path in sorted(modules.items()):
        old = _code(before[module], code) if module in before else {}
        new = _code(path, code)
        found[module] = differing(new, old)
        named = by_base_name(old)
        for name in found[module]:
            same = named.get(base_name(name), [])
            if len(same) == len(new[name]) == 1:
                pairs[module, name] = Pair(same[0], new[name][0])
    moved = only_moved(pairs, _version(kernel) if _version(kernel) == _version(since) else 0)
    left = {module: frozenset(name for name in names if (module, name) not in moved) for module, names in found.items()}
    return {module: names for module, names in left.items() if names}


def _version(kernel: Kernel) -> int:
    """The first two numbers of a kernel's version as in LINUX_VERSION_CODE; 0 when it has none."""
    match = _RELEASE.match(kernel.release)
    return int(match[1]) << 8 | int(match[2]) if match else 0


def _code(path: Path, code: MachineCode) -> CodeOf:
    return code_of(ElfFile.of(read_module(path), str(path)), code)


def differing(new: CodeOf, old: CodeOf) -> frozenset[str]:
    """The functions whose code no function of that name in the source had."""
    known = by_base_name(old)
    return frozenset(
        name for name, codes in new.items() if any(code not in known.get(base_name(name), ()) for code in codes)
    )


def by_base_name(found: CodeOf) -> dict[str, list[FunctionCode]]:
    """The functions by their names in the source."""
    named: dict[str, list[FunctionCode]] = {}
    for name, codes in found.items():
        named.setdefault(base_name(name), []).extend(codes)
    return named


def _read(path: Path, names: list[str]) -> Changes | None:
    """What was kept; None when there is nothing, or when other modules were compared, or another way."""
    try:
        kept = json.loads(path.read_bytes())
        if kept["format"] != _FORMAT or kept["modules"] != names:
            return None
        return {module: frozenset(functions) for module, functions in kept["changed"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _write(path: Path, names: list[str], found: Changes) -> None:
    changed = {module: sorted(functions) for module, functions in found.items()}
    text = json.dumps({"format": _FORMAT, "modules": names, "changed": changed})
    with storage_errors(path.parent):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_atomically(path, text.encode())
