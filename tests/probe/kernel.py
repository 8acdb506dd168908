"""What is known of kernels that exist in tests only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.guest.probe.facts import Facts, Section
from harness.guest.probe.layout import structure
from harness.guest.probe.symbols import parse_kallsyms

__all__ = ["facts_of"]


def facts_of(kallsyms: str, *sections: Section, log: Mapping[str, int] | None = None) -> Facts:
    """A kernel with the symbols of a /proc/kallsyms, in which nothing is watched; ``log`` is the layout of its log."""
    return Facts(
        symbols=parse_kallsyms(kallsyms.encode(), frozenset()),
        sections=sections,
        hooks=np.zeros(0, structure("hook")),
        callees=np.zeros(0, structure("callee")),
        offsets={},
        log=dict(log or {}),
        drivers={},
        missing=(),
    )
