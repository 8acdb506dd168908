"""What guests report of a campaign's cases, on one kernel after the other: for hours, and read by a person afterwards.

::

    nice .venv/bin/python -m tests.probe.census run debian:6.1 OUT --count 20000
    .venv/bin/python -m tests.probe.census compare OUT-OF-ONE-KERNEL OUT-OF-ANOTHER

The cases run side by side, in the same rounds on each kernel, and each round that reports anything has the next one
begin in a fresh guest. ``OUT/rounds.tsv`` has a line for each report: first case of its round, how many cases, place in
the order of the round's reports, title, module of the guilty frame; ``OUT/N.txt`` the first report with each title.
Stopped, the same command goes on.
"""

from __future__ import annotations

import asyncio
import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from attrs import evolve

from harness.guest.probe.probing import Heap, Probing
from harness.lane.lane import Lane
from harness.lane.prepare import prepare
from strategies import Identities, generate
from usbfuzz.case.model import Case
from usbfuzz.errors import GuestError
from usbfuzz.jobs.campaign.options import with_slub_debug

SEED = 2026
_BLOCK = 64  #: cases made at a time, as a campaign makes them


@click.group()
def main() -> None:
    """Run cases on a kernel and keep what is reported, or compare what two kernels reported."""


@main.command()
@click.argument("kernel")
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--count", default=20_000, show_default=True)
@click.option("--heap", type=click.Choice([heap.value for heap in Heap]), default=Heap.WARN.value, show_default=True)
@click.option("--kernel-param", "params", multiple=True)
@click.option("--identities", help="A kernel whose drivers the cases are made for; by default the one that runs.")
def run(kernel: str, out: Path, count: int, heap: str, params: tuple[str, ...], identities: str | None) -> None:
    """Run the first COUNT cases on KERNEL."""
    out.mkdir(parents=True, exist_ok=True)
    asyncio.run(_run(kernel, out, count, Heap(heap), params, identities or kernel))


async def _run(kernel: str, out: Path, count: int, heap: Heap, params: tuple[str, ...], identities: str) -> None:
    made_for = Identities.parse((await prepare(identities)).image.aliases.read_text())
    probing = Probing(coverage=heap is not Heap.OFF, heap=heap)
    config = await prepare(kernel, probing=probing, on_progress=click.echo)
    config = evolve(config, kernel_params=with_slub_debug(params, watched=config.sees_heap))
    done = out / "done"
    first = int(done.read_text()) if done.exists() else 0
    lane = await Lane.open(config, click.echo)
    try:
        with (out / "rounds.tsv").open("a", newline="") as file:
            writer = csv.writer(file, delimiter="\t")
            for at, cases in _rounds(made_for, first, count, config.ports):
                writer.writerows(await _reports(lane, at, cases, out))
                file.flush()
                done.write_text(str(at + len(cases)))
                if at // 1000 != (at + len(cases)) // 1000:
                    click.echo(f"{at + len(cases)} cases, {lane.restores} restores")
    finally:
        await lane.close()


def _rounds(identities: Identities, first: int, count: int, ports: int) -> Iterator[tuple[int, list[Case]]]:
    """The cases from ``first`` on in rounds that fill the ports, each with the number of its first case."""
    cases: list[Case] = []
    begin = first
    for block in range(first - first % _BLOCK, count, _BLOCK):
        for index, case in enumerate(generate(SEED, block, min(_BLOCK, count - block), identities), block):
            if index < first:
                continue
            if cases and sum(other.ports for other in cases) + case.ports > ports:
                yield begin, cases
                begin, cases = index, []
            cases.append(case)
    if cases:
        yield begin, cases


async def _reports(lane: Lane, first: int, cases: Sequence[Case], out: Path) -> list[tuple[object, ...]]:
    """A row for each report of a round; the first report with a new title is kept as a text."""
    try:
        outcome = await lane.run_round(cases)
    except GuestError as error:
        await lane.restore()
        return [(first, len(cases), 0, f"not run: {error}", "")]
    if outcome.reports and not outcome.restored:
        await lane.restore()
    for report in outcome.reports:
        _keep(out, f"{report.title}\ncases {first} to {first + len(cases) - 1}\n\n{report.text}\n", report.title)
    return [
        (first, len(cases), order, report.title, report.module or "") for order, report in enumerate(outcome.reports)
    ]


def _keep(out: Path, text: str, title: str) -> None:
    kept = sorted(out.glob("*.txt"))
    if all(path.read_text().partition("\n")[0] != title for path in kept):
        (out / f"{len(kept):03}.txt").write_text(text)


@main.command()
@click.argument("outs", type=click.Path(exists=True, file_okay=False, path_type=Path), nargs=-1)
def compare(outs: tuple[Path, ...]) -> None:
    """How many rounds showed each title, in each OUT; those that only one shows come first."""
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(outs))
    for number, out in enumerate(outs):
        with (out / "rounds.tsv").open(newline="") as file:
            for _first, _cases, _order, title, module in csv.reader(file, delimiter="\t"):
                counts[title, module][number] += 1
        click.echo(f"{number}: {out}, {(out / 'done').read_text()} cases")
    for (title, module), row in sorted(counts.items(), key=lambda item: (sum(map(bool, item[1])), item[0])):
        click.echo("  ".join((*(f"{count:5}" for count in row), title, module)))


if __name__ == "__main__":
    main()
