"""kill -9 of a process of a campaign, again and again, at any moment: nothing may be lost, or done twice, or left."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

from attrs import asdict, define, evolve, field, frozen

from usbfuzz.errors import InfraError, InputError, UsbfuzzError
from usbfuzz.jobs.audit import Audited, audit
from usbfuzz.jobs.bench.processes import Running, running
from usbfuzz.journal import Journal

from .child import Child
from .plan import Wanted
from .proof import Held, cases_in, held_in, lost_since, since_saved
from .roles import Member, Role

__all__ = ["Death", "Killed", "kill_all"]

VICTIMS = (Role.SUPERVISOR, Role.WORKER, Role.GENERATOR, Role.QEMU)
_EARLIEST, _LATEST = 0.1, 5.0  #: seconds after rounds went on
_GOES_ON = 600.0  #: seconds in which rounds must go on: a guest whose snapshot was damaged boots anew
_UNSAVED = 5.0  #: seconds of counts that a kill may cost: one, and what a busy machine makes of it
_GONE = 10.0  #: seconds in which a process that was killed must be gone
_POLL = 0.1
_THERE = 20.0  #: seconds that are waited for a process of the kind that is to be killed
_MOST_BYTES = 64 << 20  #: of a file of kills
_ENDS = 3  #: campaigns that may end by themselves before it is given up


@frozen
class Death:
    """One kill."""

    number: int
    victim: str  #: a value of :class:`Role`
    waited: float = 0.0  #: seconds until rounds had gone on before it
    moment: float = 0.0  #: seconds after that
    unsaved: float = 0.0  #: seconds since the books were written last
    cleared: float = 0.0  #: seconds until nothing hung about any more
    findings: tuple[str, ...] = ()


@frozen
class Killed:
    """All kills, and what the directory is like in the end."""

    deaths: tuple[Death, ...]
    cases: int
    audited: Audited
    findings: tuple[str, ...]  #: with those of each death


def kill_all(wanted: Wanted, on_progress: Callable[[str], None]) -> Killed:
    """Kill as often as is wanted and was not done yet. Raises InputError, InfraError, StorageError."""
    journal = Journal(
        wanted.deaths,
        {"kills": 1, "kernel": wanted.kernel, "lanes": wanted.lanes, "seed": wanted.seed},
        remedy="give another --out",
    )
    lines = journal.read(_MOST_BYTES)
    if lines is None and wanted.deaths.exists():
        raise InputError(f"{wanted.deaths}: is of other campaigns; give another --out")
    deaths = [_death(line) for line in lines or ()]
    if deaths and len(deaths) >= wanted.kills and not (audited := audit(wanted.killed)).unfinished:
        return _killed(wanted, deaths, audited, [])
    child = Child(wanted, wanted.killed, wanted.out / "kills.log")
    killer = _Killer(wanted, child)
    findings: list[str] = []
    journal.open(new=lines is None)
    try:
        for number in range(len(deaths), wanted.kills):
            deaths.append(killer.kill(number))
            journal.append(asdict(deaths[-1]))
            on_progress(_words(deaths[-1], wanted.kills))
        killer.wait_for_rounds()
        child.stop()
        child.ended_well()
    except UsbfuzzError as error:
        findings.append(f"after {len(deaths)} kills: {error}")
    finally:
        journal.close(done=False)
        child.stop()
        findings += child.remains()
    audited = audit(wanted.killed)
    return _killed(wanted, deaths, audited, [*findings, *killer.findings])


def _killed(wanted: Wanted, deaths: list[Death], audited: Audited, findings: list[str]) -> Killed:
    each = (f"kill {death.number + 1} ({death.victim}): {finding}" for death in deaths for finding in death.findings)
    unfinished = (f"{path}: is left half written" for path in audited.unfinished)
    found = (*each, *findings, *audited.findings, *unfinished)
    return Killed(tuple(deaths), cases_in(wanted.killed), audited, found)


def _death(line: dict[str, Any]) -> Death:
    return Death(**{**line, "findings": tuple(line["findings"])})


def _words(death: Death, kills: int) -> str:
    said = "; ".join(death.findings) or "nothing lost"
    return f"{death.number + 1} of {kills}: {death.victim}, {death.moment:.1f} s into its rounds: {said}"


@define
class _Killer:
    """Kills processes of one campaign, which it starts whenever there is none."""

    wanted: Wanted
    child: Child
    findings: list[str] = field(factory=list, init=False)  #: of the times between the kills
    _cases: int = field(default=-1, init=False)  #: that had run at the last kill
    _ends: int = field(default=0, init=False)  #: campaigns that ended by themselves

    def kill(self, number: int) -> Death:
        """The kill with that number: the seed says of whom and when. Raises InfraError when no round is run."""
        dice = random.Random(f"{self.wanted.seed} {number}")
        role, moment = dice.choice(VICTIMS), dice.uniform(_EARLIEST, _LATEST)
        waited = self.wait_for_rounds()
        time.sleep(moment)
        victim = self._victim(role, dice)
        before = held_in(self.child.directory, self.child.log)
        unsaved = since_saved(self.child.directory)
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim.process.pid, signal.SIGKILL)
        killed = time.monotonic()
        death = Death(number, victim.role.value, round(waited, 1), round(moment, 1), round(unsaved, 1))
        findings = [*self._gone(victim.process), *self._hanging()]
        cleared = round(time.monotonic() - killed, 1)
        findings += self._lost(before, ended=victim.role is Role.SUPERVISOR)
        if victim.role is Role.SUPERVISOR and unsaved > _UNSAVED:
            findings.append(f"the books were written {unsaved:.1f} s before")
        self._cases = cases_in(self.child.directory)
        return evolve(death, cleared=cleared, findings=tuple(findings))

    def wait_for_rounds(self) -> float:
        """Wait until a round was run since the last kill, with a campaign if there is none; seconds that it took."""
        started = time.monotonic()
        while (took := time.monotonic() - started) < _GOES_ON:
            if not self.child.running:
                self._start()
            if cases_in(self.child.directory) > max(self._cases, 0):
                return took
            time.sleep(_POLL)
        raise InfraError(f"{self.child.log}: no round was run for {_GOES_ON:.0f} s: {self.child.last_words()}")

    def _start(self) -> None:
        if self.child.started and not self.child.was_killed:
            self._ends += 1
            self.findings.append(f"the campaign ended by itself: {self.child.last_words()}")
            if self._ends >= _ENDS:
                raise InfraError(f"{self.child.log}: the campaign ended {_ENDS} times by itself")
        self._cases = max(self._cases, cases_in(self.child.directory))
        self.child.start()

    def _victim(self, role: Role, dice: random.Random) -> Member:
        """A process of the kind that is wanted; the supervisor where there is none for long."""
        deadline = time.monotonic() + _THERE
        while self.child.running:
            members = self.child.members()
            found = [member for member in members if member.role is role]
            if found:
                return dice.choice(sorted(found, key=lambda member: member.lane))
            if time.monotonic() > deadline:
                role = Role.SUPERVISOR
            time.sleep(_POLL)
        raise InfraError(f"{self.child.log}: the campaign ended by itself: {self.child.last_words()}")

    def _gone(self, victim: Running) -> Iterator[str]:
        """Wait until the process is gone, or only to be waited for by its parent."""
        if victim.pid == self.child.pid:
            self.child.reap()
            return
        deadline = time.monotonic() + _GONE
        while (now := running(victim.pid)) is not None and now.started == victim.started and not now.zombie:
            if time.monotonic() > deadline:
                yield f"process {victim.pid} did not die: {victim.name}"
                return
            time.sleep(_POLL / 10)

    def _hanging(self) -> Iterator[str]:
        for process in self.child.strays_left():
            what = "has ended, and nobody has waited for it" if process.zombie else "hangs below no campaign"
            yield f"process {process.pid} {what}: {process.name}"

    def _lost(self, before: Held, *, ended: bool) -> Iterator[str]:
        """What is lost or wrong now; where no campaign runs, all is looked through."""
        directory, log = self.child.directory, self.child.log
        try:
            yield from lost_since(before, lambda: held_in(directory, log))
            if ended:
                yield from audit(directory).findings  # which locks the directory
        except UsbfuzzError as error:
            yield str(error)
