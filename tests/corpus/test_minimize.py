"""A corpus on some kernels becomes as small as what its cases reach allows, and no interruption costs anything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve

from harness.guest.kernels import Kernel
from harness.lane.config import LaneConfig
from tests.campaign.pretend import config
from usbfuzz.case.model import Case
from usbfuzz.case.parts import weight
from usbfuzz.corpus import Corpus, keep, name_of, names_in, read_case
from usbfuzz.corpus.lock import minimizing
from usbfuzz.errors import InfraError, InputError, QemuError, StorageError
from usbfuzz.jobs.corpus.messages import Ran, Trial
from usbfuzz.jobs.corpus.minimizing import CorpusMinimization

from .made import blocks
from .pretend import ONE, RELEASE, TWO, PretendPool, fat, reached_by


def _config(kernel: str) -> LaneConfig:
    made = config()
    return evolve(made, kernel=Kernel(kernel, RELEASE, made.kernel.vmlinuz, made.kernel.modules, "0" * 16))


def _run(directory: Path, *pools: PretendPool, seconds: float = 60.0) -> tuple[CorpusMinimization, list[str]]:
    left = list(pools)

    def pool_of(_config: LaneConfig, _lanes: int, _say: Callable[[str], None]) -> Any:
        return left.pop(0)

    said: list[str] = []
    configs = [_config(kernel) for kernel in (ONE, TWO)[: len(pools)]]
    job = CorpusMinimization(directory, configs, 2, seconds, said.append, pool_of)
    asyncio.run(job.run())
    return job, said


def _corpus(directory: Path, *cases: Case, kernel: str = ONE) -> Path:
    corpus = Corpus.open(directory, kernel, RELEASE, lambda _: None)
    for case in cases:
        corpus.add(case, blocks(reached_by(case), kernel, RELEASE))
    corpus.flush()
    return directory


def _owners(directory: Path, kernel: str = ONE) -> dict[int, str]:
    known = Corpus.open(directory, kernel, RELEASE, lambda _: None).blocks
    return {block.offset // 16: block.case for block in known}


def _holds(directory: Path, wanted: Iterable[int], kernel: str = ONE) -> None:
    """Every block has a case that is there and reaches it."""
    owners = _owners(directory, kernel)
    assert owners.keys() == {*wanted}
    for number, name in owners.items():
        assert number in reached_by(read_case(directory, name))


def test_enough_cases_stay_and_become_small(tmp_path: Path) -> None:
    cases = [fat(1, 2), fat(2), fat(3, padding=30, wide=2), fat(1, 3, padding=1)]
    before = sum(map(weight, cases))
    corpus = _corpus(tmp_path / "corpus", cases[0], cases[2])
    for seed in cases:
        keep(corpus, seed)
    job, said = _run(corpus, PretendPool())
    _holds(corpus, range(4))
    kept = [read_case(corpus, name) for name in names_in(corpus)]
    assert job.complete
    assert job.removed == len(cases) - len(kept)
    assert sum(map(weight, kept)) < before / 3
    assert all(b"\x42" not in case.devices[0].configurations[0] for case in kept)
    assert all(name_of(read_case(corpus, name)) == name for name in names_in(corpus))
    assert names_in(corpus) == {*_owners(corpus).values()}
    assert sorted(path.name for path in corpus.iterdir()) == [
        *(".minimizing", "cases", "debian_5.10.223-1.smallest", "debian_5.10.223-1.tried", "debian_5.10.223-1.tsv"),
        "lock",
    ]
    assert any("bytes, now " in line for line in said)


def test_what_is_smallest_is_not_tried_again(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path / "corpus", fat(1), fat(2))
    _run(corpus, PretendPool())
    before, pool = names_in(corpus), PretendPool()
    job, _ = _run(corpus, pool)
    assert job.complete
    assert (job.removed, job.shrunk, names_in(corpus)) == (0, 0, before)
    assert len(pool.trials) == (2 + 5) * len(before)
    _holds(corpus, range(3))


@pytest.mark.parametrize("lives", [0, 3, 12, 25, 51, 52, 53, 54, 80, 120])
def test_an_interruption_costs_nothing(lives: int, tmp_path: Path) -> None:
    cases = [fat(1, 2), fat(3), fat(3, 2, padding=20)]
    corpus = _corpus(tmp_path / "corpus", *cases)
    for _ in range(6):
        try:
            _run(corpus, PretendPool(lives=lives))
        except QemuError:
            _holds(corpus, range(4))
            lives += 1
            continue
        break
    job, _ = _run(corpus, PretendPool())
    assert job.complete
    _holds(corpus, range(4))
    whole = _corpus(tmp_path / "whole", *cases)
    _run(whole, PretendPool())
    assert names_in(corpus) == names_in(whole)


def test_a_run_goes_on_where_the_last_one_was_interrupted(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path / "corpus", fat(1), fat(2), fat(3), fat(4))
    with pytest.raises(QemuError):
        _run(corpus, PretendPool(lives=60))
    pool = PretendPool()
    _run(corpus, pool)
    whole = PretendPool()
    _run(_corpus(tmp_path / "whole", fat(1), fat(2), fat(3), fat(4)), whole)
    assert len(pool.trials) < len(whole.trials) - 40


def test_nothing_goes_while_not_every_case_was_run(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path / "corpus", fat(1, 2), fat(2))
    keep(corpus, fat(2, padding=5))
    before = names_in(corpus)
    job, said = _run(corpus, PretendPool(), seconds=0)
    assert not job.complete
    assert names_in(corpus) == before
    assert any("the time is up before 2 cases were run; the same command goes on" in line for line in said)


def test_what_a_campaign_adds_meanwhile_stays(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path / "corpus", fat(1, 2), fat(3))
    campaign = Corpus.open(corpus, ONE, RELEASE, lambda _: None)
    runs = 0

    def adds(_case: Case) -> None:
        nonlocal runs
        runs += 1
        if runs in (1, 9, 30):
            campaign.add(fat(4 + runs % 4), blocks({4 + runs % 4}, ONE, RELEASE))
            campaign.flush()

    _run(corpus, PretendPool(before=adds))
    _holds(corpus, [0, 1, 2, 3, 5, 6])
    campaign.flush()
    _holds(corpus, [0, 1, 2, 3, 5, 6])


def test_what_other_kernels_need_stays_as_it_is(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path / "corpus", fat(1))
    _corpus(corpus, fat(1, 2), fat(3), kernel=TWO)
    before = _owners(corpus, TWO)
    _, said = _run(corpus, PretendPool())
    assert _owners(corpus, TWO) == before
    assert {name_of(fat(1, 2)), name_of(fat(3))} <= names_in(corpus)
    _holds(corpus, range(4))
    assert any("cases reach something on other kernels, too, and stay as they are" in line for line in said)


def test_on_several_kernels_a_case_becomes_as_small_as_all_of_them_allow(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path / "corpus", fat(1, 2, 3))
    _corpus(corpus, fat(1, 2, 3), kernel=TWO)
    one, two = PretendPool(lambda case: reached_by(case) & {0, 1}), PretendPool(lambda case: reached_by(case) & {0, 2})
    job, _ = _run(corpus, one, two)
    assert job.complete
    (name,) = names_in(corpus)
    small = read_case(corpus, name)
    assert reached_by(small) == {0, 1, 2}
    assert _owners(corpus) == {0: name, 1: name}
    assert _owners(corpus, TWO) == {0: name, 2: name}


def test_code_that_only_runs_in_a_fresh_guest_is_kept_too(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path / "corpus", fat(1, 5))
    _run(corpus, PretendPool(only_fresh=frozenset({5})))
    _holds(corpus, [0, 1, 5])


def test_what_comes_only_sometimes_stays_known_and_stops_nothing(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path / "corpus", fat(1, 5), fat(2))
    runs = 0

    def fickle(case: Case) -> set[int]:
        nonlocal runs
        runs += 1
        return reached_by(case) - ({5} if runs % 3 else set())

    job, _ = _run(corpus, PretendPool(fickle))
    assert job.complete
    assert _owners(corpus).keys() == {0, 1, 2, 5}
    assert set(_owners(corpus).values()) == names_in(corpus)
    assert set().union(*(reached_by(read_case(corpus, name)) for name in names_in(corpus))) == {0, 1, 2}


def test_what_fresh_guests_do_not_bear_out_stops_nothing_else(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path / "corpus", fat(1, 5))
    pool = PretendPool()

    def changes(_case: Case) -> None:  # once it is known what the case always reaches
        pool.only_used = frozenset({5} if len(pool.trials) > 7 else ())

    pool.before = changes
    job, said = _run(corpus, pool)
    assert job.shrunk == 1
    (name,) = names_in(corpus)
    assert reached_by(read_case(corpus, name)) == {0, 1}
    assert _owners(corpus) == dict.fromkeys((0, 1, 5), name)
    assert not any("left as it is" in line for line in said)


def test_what_never_comes_again_is_new_again(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path / "corpus", fat(1, 5))
    _run(corpus, PretendPool(lambda case: reached_by(case) - {5}))
    _holds(corpus, [0, 1])


def test_no_case_begins_to_crash_the_guest_as_it_gets_smaller(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path / "corpus", fat(1))
    _run(corpus, PretendPool(crashing=lambda case: weight(case) < 80))
    (name,) = names_in(corpus)
    assert weight(read_case(corpus, name)) >= 80
    crasher = _corpus(tmp_path / "crasher", fat(1))
    _run(crasher, PretendPool(crashing=lambda _: True))
    (name,) = names_in(crasher)
    assert weight(read_case(crasher, name)) < 80


def test_a_case_that_cannot_be_measured_is_left_alone(tmp_path: Path) -> None:
    odd = fat(7)
    corpus = _corpus(tmp_path / "corpus", fat(1), odd)
    job, said = _run(corpus, PretendPool(late=lambda case: case.title == odd.title))
    assert job.unmeasured == 1
    assert any(line.startswith(f"{name_of(odd)}: no run of it") for line in said)
    _holds(corpus, [0, 1, 7])
    assert _owners(corpus)[7] == name_of(odd)


def test_a_candidate_that_cannot_be_believed_stops_no_other(tmp_path: Path) -> None:
    first, second = fat(1, padding=30), fat(2)
    corpus = _corpus(tmp_path / "corpus", first, second)
    job, _ = _run(corpus, PretendPool(late=lambda case: case.title == first.title and weight(case) < 100))
    assert not job.complete
    small = {read_case(corpus, name).title: weight(read_case(corpus, name)) for name in names_in(corpus)}
    assert small[first.title] >= 100
    assert small[second.title] < 100
    _run(corpus, PretendPool())
    assert all(weight(read_case(corpus, name)) < 100 for name in names_in(corpus))


@define
class _BusyPool(PretendPool):
    """Guests on a machine that is too busy to answer the fresh ones in time."""

    async def run(self, trial: Trial) -> Ran | None:
        ran = await super().run(trial)
        return evolve(ran, reached=(), dilated=True) if ran is not None and trial.fresh and trial.wanted else ran


def test_what_no_fresh_guest_could_bear_out_in_time_is_tried_again_by_the_next_call(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path / "corpus", fat(1, padding=30))
    before = names_in(corpus)
    job, said = _run(corpus, _BusyPool())
    assert not job.complete
    assert names_in(corpus) == before
    assert any("too few runs of it can be believed now; the same command goes on" in line for line in said)
    job, _ = _run(corpus, PretendPool())
    assert (job.complete, job.shrunk) == (True, 1)
    _holds(corpus, range(2))


def test_a_case_whose_own_runs_cannot_be_believed_is_tried_again_by_the_next_call(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path / "corpus", fat(1, padding=30))
    pool = PretendPool()
    pool.late = lambda _case: bool(pool.trials) and pool.trials[-1].wanted != ()
    assert not _run(corpus, pool)[0].complete
    job, _ = _run(corpus, PretendPool())
    assert (job.complete, job.shrunk) == (True, 1)


def test_a_broken_case_is_left_alone(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path / "corpus", fat(1), fat(2))
    path = corpus / "cases" / f"{name_of(fat(2))}.toml"
    path.write_text("half")
    _, said = _run(corpus, PretendPool())
    assert path.read_text() == "half"
    assert sum(line.startswith("left alone: ") for line in said) == 1
    assert {0, 1} <= _owners(corpus).keys()


def test_wrong_directories_and_files_stop_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such directory"):
        _run(tmp_path / "none", PretendPool())
    corpus = _corpus(tmp_path / "corpus", fat(1))
    with minimizing(corpus), pytest.raises(StorageError, match="is being minimized by another process; wait for it"):
        _run(corpus, PretendPool())
    with pytest.raises(InfraError, match="nothing sees what its guest executes"):
        _run(corpus, PretendPool(seen=False))
    (corpus / "debian_5.10.223-1.tsv").write_text("half")
    with pytest.raises(InputError, match=r"tsv:1: must be"):
        _run(corpus, PretendPool())
    assert names_in(corpus) == {name_of(fat(1))}
