"""A lesson: one driver, the devices to begin with, the code that counts as its own, and what was learned in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import evolve

from harness.guest.kernels.modules import ModuleIndex
from strategies import Identities
from strategies.devices import bare_device
from strategies.dice import Dice
from strategies.learning.coloured import asked_for
from strategies.learning.draft import Draft, draft_of
from strategies.learning.learned import Learned, LearnedDevice
from strategies.learning.shape import broad
from strategies.palette import Palette, kinds_of
from usbfuzz.case.model import DeviceSpec, is_firmware_name
from usbfuzz.wire import TransferType

from .desk import Desk
from .learner import Known, Learner, Limits, Looks

__all__ = ["companions_of", "drafts_for", "in_words", "learned_by", "learner_at", "worth_keeping"]

_DRAFTS = 4  #: devices to begin with
#: A module that more drivers need than this is part of a subsystem, not of a driver.
_SHARED = 12
_DEVICES = 6  #: kept of one driver
_CORE = "usbcore"  #: whose functions drivers have look for endpoints and settings


def drafts_for(driver: str, identities: Identities, known: Learned | None) -> list[Draft]:
    """Devices to begin with: plausible ones, and those that are known to get somewhere."""
    ids = identities.of(driver)
    palette, kinds = Palette(Identities({driver: ids}, tables=identities.tables)), kinds_of(driver, ids)
    made = [bare_device(Dice(number), palette, kinds[number % len(kinds)]) for number in range(_DRAFTS)]
    made += (_broad(made[0], kind) for kind in (TransferType.BULK, TransferType.INTERRUPT))
    asked = asked_for(ids)
    learned = known.devices if known else ()
    begun = (evolve(device.draft, earlier=device.because, asked_for=asked) for device in learned)
    return [*(draft_of(spec, asked) for spec in made), *begun]


def _broad(spec: DeviceSpec, kind: TransferType) -> DeviceSpec:
    return evolve(spec, configurations=(broad(spec.configurations[0], kind), *spec.configurations[1:]))


def learner_at(
    desk: Desk, driver: str, modules: frozenset[str], limits: Limits, firmware: Iterable[str] = ()
) -> Learner:
    """A learner of a driver, whose runs a desk takes; the code of ``modules`` is the driver's.

    ``firmware`` are the names that the driver declares.
    """

    def looking(more: frozenset[str]) -> Looks:
        seen = modules | more
        return Looks(
            seen,
            lambda case: desk.run(driver, seen, case),
            lambda case: desk.run(driver, seen | {_CORE}, case, solo=True),
        )

    return Learner(looking(frozenset()), limits, looking, tuple(filter(is_firmware_name, firmware)))


def learned_by(driver: str, kernel: str, learner: Learner) -> Learned:
    """The drafts that together reached all that was reached, the best first."""
    left = set(learner.reached)
    chosen: list[Known] = []
    pool = sorted(learner.known, key=lambda known: known.worth, reverse=True)
    while pool and left and len(chosen) < _DEVICES:
        best = max(pool, key=lambda known: (len(known.seen.blocks & left), known.worth)) if chosen else pool[0]
        pool.remove(best)
        if not best.seen.blocks & left:
            break
        chosen.append(best)
        left -= best.seen.blocks
    devices = tuple(
        LearnedDevice(
            known.draft,
            known.seen.bound,
            len(known.seen.blocks),
            (*known.draft.earlier, *(f"{change.because}: {change}" for change in known.draft.changes)),
        )
        for known in chosen
    )
    return Learned(driver, kernel, learner.first, len(learner.reached), devices)


def worth_keeping(learned: Learned, known: Learned | None) -> Learned | None:
    """What is to be written of a lesson; None when nothing is: no further byte was found to matter, no device binds.

    A device that binds is worth a file even if nothing of it was learned: it replaces tables written by hand. What got
    less far than what is known replaces nothing: code that comes and goes had not run.
    """
    before = {text for device in (known.devices if known else ()) for text in device.because}
    binds = bool(learned.devices) and learned.devices[0].bound
    knew = known is not None and any(device.bound for device in known.devices)
    if known is not None and learned.reached < known.reached and (knew or not binds):
        return None
    if any(set(device.because) - before for device in learned.devices):
        return learned
    return evolve(learned, devices=learned.devices[:1]) if binds and not knew else None


def in_words(learned: Learned, learner: Learner) -> str:
    """A line about what was learned."""
    bound = "bound" if any(device.bound for device in learned.devices) else "never bound"
    before = {text for known in learner.known for text in known.draft.earlier}
    changes = len({text for device in learned.devices for text in device.because} - before)
    crashes = f", {len(learner.crashes)} runs crashed" if learner.crashes else ""
    return (
        f"{learned.driver}: {learned.before} to {learned.reached} blocks, {bound}, "
        f"{changes} answers learned in {learner.runs} runs{crashes}"
    )


def companions_of(modules: Path, identities: Identities) -> Mapping[str, frozenset[str]]:
    """The modules that belong to each driver besides its own: those it needs and few others do.

    ``modules`` is where the kernel's modules are.
    """
    needs = ModuleIndex.read(modules).dependencies
    users = Counter(module for driver in identities.modules for module in needs.get(driver, ()))
    return {
        driver: frozenset(module for module in needs.get(driver, ()) if users[module] <= _SHARED)
        for driver in identities.modules
    }
