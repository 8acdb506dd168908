"""A campaign's directory as plain data: what the page shows, and its JSON."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

__all__ = ["Account", "Bug", "Course", "Driver", "GaveUpAt", "Manifested", "Run", "Sample", "Sighting", "Source"]


@frozen
class Sample:
    """The figures of a campaign at one moment; all seconds go on over its runs."""

    wall: float  #: seconds
    guest: float  #: seconds of the guests' clocks, lanes added up
    devices: int
    cases: int
    drivers: int
    blocks: int | None  #: None: not known
    bugs: int  #: reproduced
    seen: int  #: crashes, reproduced or not
    lanes: dict[str, float]  #: seconds in each state


@frozen
class Run:
    """One run of ``usbfuzz fuzz``."""

    version: str  #: of usbfuzz
    started: str  #: UTC, ISO 8601
    ended: str | None  #: None: it still runs, or was killed
    wall: float  #: seconds of the campaign's earlier runs
    facts: dict[str, Any]  #: what it ran on and with (:mod:`usbfuzz.jobs.campaign.facts`)


@frozen
class GaveUpAt:
    """How often a driver gave a device up behind one request."""

    request: str  #: in words; "" when it made none
    times: int


@frozen
class Driver:
    """A module that can bind, and what came of the devices made for it."""

    module: str
    names: tuple[str, ...]  #: of its drivers that bound
    bound: int  #: times
    first: float | None  #: wall seconds of the campaign when it bound first
    gave_up: tuple[GaveUpAt, ...]  #: most often first
    blocks: int | None  #: of its code that ran; None: not looked at
    reached: int | None = None  #: functions that ran; None: not known
    functions: int | None = None  #: it has; None: not known

    @property
    def given_up(self) -> int:
        """Times it gave a device up."""
        return sum(place.times for place in self.gave_up)

    @property
    def standing(self) -> str:
        """``bound``, ``gave up``, ``code ran`` (for something else) or ``never reached``."""
        if self.bound:
            return "bound"
        if self.gave_up:
            return "gave up"
        return "code ran" if self.blocks else "never reached"


@frozen
class Source:
    """What made cases, and what they brought."""

    name: str
    sweep: bool  #: boofuzz' field sweep; else Hypothesis
    cases: int
    blocks: int | None  #: of code that one of its cases reached first; None: not known
    bugs: int  #: reproduced, whose case is one of its cases


@frozen
class Sighting:
    """When a report was seen first."""

    title: str
    alt_titles: tuple[str, ...]
    guilty: str  #: the driver to blame; "": not known
    wall: float  #: seconds of the campaign
    cases: int  #: that had run then

    @property
    def names(self) -> frozenset[str]:
        """All titles of the report."""
        return frozenset((self.title, *self.alt_titles))


@frozen
class Yield:
    """What a source of a guided campaign's cases took and brought."""

    source: str  #: a value of :class:`usbfuzz.jobs.engine.plan.Source`
    cases: int
    seconds: float  #: of lanes
    blocks: int  #: of code, that no case of the corpus had reached
    bugs: int

    @property
    def rate(self) -> float | None:
        """New blocks a second; None when it took no time."""
        return self.blocks / self.seconds if self.seconds else None


@frozen
class Course:
    """The campaign on one kernel with one set of parameters."""

    kernel: str
    params: tuple[str, ...]
    seed: int
    totals: dict[str, float]
    samples: tuple[Sample, ...]
    runs: tuple[Run, ...]
    drivers: tuple[Driver, ...]
    sources: tuple[Source, ...]
    skipped: int  #: cases that took down their lane each time
    modules: int | None  #: that can bind; None: not recorded
    sightings: tuple[Sighting, ...] = ()  #: by time; those of versions that did not keep them are missing
    yields: tuple[Yield, ...] = ()  #: of a guided campaign

    @property
    def last(self) -> Sample | None:
        """The newest sample."""
        return self.samples[-1] if self.samples else None

    @property
    def bound(self) -> int:
        """Modules, or drivers whose module is not known, that bound."""
        return sum(driver.bound > 0 for driver in self.drivers)


@frozen
class Manifested:
    """Another report that a bug leads to."""

    title: str
    driver: str
    count: int
    where: str  #: how it is known to belong to the bug


@frozen
class Bug:
    """A crash directory."""

    slug: str
    title: str
    standing: str  #: a value of :class:`usbfuzz.crashes.record.Standing`
    doubt: str  #: why it may be no more than what corrupted memory led to; "": nothing says so
    type: str
    driver: str  #: to blame, or that bound
    subsystem: str  #: of the kernel's source: "net/usb"; "" when not known
    hits: dict[str, int]  #: by kernel
    reproduced: int  #: of ``runs``
    runs: int
    how: str
    real: int | None  #: of ``real_runs`` in real time; None: not tried
    real_runs: int
    before: int | None  #: bytes of the case as found; None: not minimized
    after: int | None  #: bytes of the case now; None: not known
    complete: bool  #: nothing more can go
    kernel: str
    first_seen: str
    last_seen: str
    manifestations: tuple[Manifested, ...]  #: what else the same cause leads to
    source: str  #: the strategy that made its case; "" when not known, or when it takes several cases

    @property
    def total(self) -> int:
        """Sightings on all kernels."""
        return sum(self.hits.values())


@frozen
class Account:
    """What is known of a campaign's directory."""

    directory: str
    made: str  #: UTC, ISO 8601
    state: str  #: ``running``, ``ended``, ``killed`` or ``unknown``
    process: int | None  #: of the campaign that runs
    courses: tuple[Course, ...]
    bugs: tuple[Bug, ...]  #: confirmed ones first, then by sightings
    suppressed: dict[str, int]  #: sightings by title
    notes: tuple[str, ...]  #: what is missing, foreign or broken, a sentence each
    code: dict[str, Any] = field(factory=dict)  #: kernel, blocks, modules of the coverage; empty: there is none

    def count(self, standing: str) -> int:
        """Bugs of that standing."""
        return sum(bug.standing == standing for bug in self.bugs)
