"""The figures of one campaign, read from its directory as the page of a campaign reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from harness.guest.kernels import Kernel, default_cache
from harness.guest.kernels.objects import KernelObjects
from usbfuzz.coverage import BLOCKS_FILE, COVERAGE, read_blocks
from usbfuzz.errors import InputError
from usbfuzz.jobs.coverage.modules import module_coverage
from usbfuzz.jobs.coverage.sources import Sources
from usbfuzz.jobs.page.data import Course, Sample
from usbfuzz.jobs.page.read import read_account

from .bugs import KnownBug, first_seen
from .plan import Planned, Side

__all__ = ["DriverReached", "Measured", "measured"]


@frozen
class DriverReached:
    """What a campaign reached of one driver."""

    there: bool  #: the kernel has such a module
    bound: float | None  #: wall seconds when it bound first; None: never
    blocks: int  #: of its code
    lines: int | None = None  #: of its source that ran; None: there is no debug information
    known: int = 0  #: that there is code of


@frozen
class Measured:
    """One campaign. Figures are None where they are not known."""

    side: Side
    seed: int
    directory: str
    seconds: float  #: wall time that it had
    lanes: int
    can_bind: int | None  #: modules of the guest
    bound: int  #: of them
    blocks: int | None  #: of code reached
    cases_per_second: float | None  #: everything included
    running: float | None  #: share of the lanes' time in which cases ran
    confirmed: int
    seen: int  #: bugs, confirmed or not
    bugs: Mapping[str, float | None]  #: wall seconds until each known bug was seen first; None: not found
    drivers: Mapping[str, DriverReached] = field(factory=dict)


def measured(
    campaign: Planned, kernel: Kernel, seconds: float, bugs: Sequence[KnownBug], drivers: Sequence[str] = ()
) -> Measured:
    """The figures of a campaign in its first ``seconds``. Raises InputError when its directory holds none."""
    account = read_account(campaign.directory, functions=False).account
    course = next((course for course in account.courses if course.kernel == kernel.name), None)
    if course is None or course.last is None:
        raise InputError(
            f"{campaign.directory}: holds no campaign on {kernel.name} that has run; {campaign.log} says why"
        )
    at = _sample(course.samples, seconds)
    spent = sum(at.lanes.values())
    return Measured(
        side=campaign.side,
        seed=campaign.seed,
        directory=str(campaign.directory),
        seconds=course.last.wall,
        lanes=_lanes(course),
        can_bind=course.modules,
        bound=course.bound,
        blocks=account.code.get("blocks"),
        cases_per_second=at.cases / at.wall if at.wall else None,
        running=at.lanes.get("running", 0.0) / spent if spent else None,
        confirmed=account.count("confirmed"),
        seen=account.count("confirmed") + account.count("seen"),
        bugs=first_seen(bugs, course, seconds),
        drivers=_drivers(campaign, kernel, course, drivers) if drivers else {},
    )


def _sample(samples: Sequence[Sample], seconds: float) -> Sample:
    """The last one of the first ``seconds``: afterwards no cases run, and what was found is looked into."""
    return next((sample for sample in reversed(samples) if 0 < sample.wall <= seconds), samples[-1])


def _lanes(course: Course) -> int:
    lanes = course.runs[-1].facts.get("options", {}).get("lanes") if course.runs else None
    return lanes if isinstance(lanes, int) and lanes > 0 else 1


def _drivers(campaign: Planned, kernel: Kernel, course: Course, names: Sequence[str]) -> dict[str, DriverReached]:
    objects = KernelObjects.of(kernel, default_cache())
    known = {driver.module: driver for driver in course.drivers}
    path = campaign.directory / COVERAGE / BLOCKS_FILE
    blocks = read_blocks(path) if path.is_file() else None
    found = {}
    for name in names:
        module = name.replace("-", "_")
        driver = known.get(module)
        there = module in objects.modules
        reached, lines, all_lines = 0, None, 0
        if blocks is not None and there:
            coverage = module_coverage(blocks, module, objects.functions(module))
            reached = coverage.blocks
            if (source := objects.lines(module)) is not None:
                sources = Sources(blocks, objects.source)
                sources.add(coverage, source)
                files = list(sources.files())
                lines, all_lines = sum(file.covered for file in files), sum(file.known for file in files)
        bound = driver.first if driver is not None and driver.bound else None
        found[name] = DriverReached(there, bound, reached, lines, all_lines)
    return found
