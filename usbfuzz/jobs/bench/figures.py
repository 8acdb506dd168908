"""The figures of a benchmark run, and ratios between them."""

from __future__ import annotations

from typing import Any

from attrs import asdict, frozen

__all__ = ["Figure", "Table"]


@frozen
class Figure:
    """One row of the benchmark's table."""

    name: str
    value: float
    unit: str  #: ``devices/s``, ``x`` (a ratio), ``s`` (seconds) or ``%`` (more than without)
    goal: float | None = None  #: at least this value, or at most this many seconds or per cent
    samples: int = 0  #: devices, or repetitions, behind the value

    @property
    def good(self) -> bool | None:
        """Whether the goal is met; None without one."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.unit in {"s", "%"} else self.value >= self.goal


@frozen
class Table:
    """All rows of one run on one machine; ``kernel`` and ``qemu`` say what ran."""

    kernel: str
    qemu: str
    cores: int
    figures: tuple[Figure, ...]

    def value(self, name: str) -> float | None:
        """The figure called ``name``, None if it was not measured."""
        return next((figure.value for figure in self.figures if figure.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``--json``: rows with name, value, unit, goal, good."""
        rows = [{**asdict(figure), "good": figure.good} for figure in self.figures]
        return {"kernel": self.kernel, "qemu": self.qemu, "cores": self.cores, "figures": rows}
