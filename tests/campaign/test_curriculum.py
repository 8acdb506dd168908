"""Which drivers lanes learn, and in which order."""

from __future__ import annotations

from pathlib import Path

from usbfuzz.jobs.campaign.curriculum import Curriculum
from usbfuzz.jobs.campaign.messages import Bound, Learnt, RoundDone
from usbfuzz.jobs.engine.plan import Source
from usbfuzz.jobs.engine.yields import Yields

_MODULES = tuple(f"driver{number:02}" for number in range(20))


def _curriculum(directory: Path, tried: int = 3) -> Curriculum:
    yields = Yields(_MODULES)
    for module in _MODULES[:12]:
        yields.ran(Source.FRESH, module, tried, 0.1)
    return Curriculum(directory / "learned", _MODULES, yields)


def _names(curriculum: Curriculum, lane: int) -> list[str]:
    return [lesson.driver for lesson in curriculum.lessons(lane)]


def _bound(*drivers: str) -> RoundDone:
    bound = tuple(Bound(driver.replace("_", "-"), driver) for driver in drivers)
    return RoundDone((1,), None, 0, 0, 0, 0.1, 0, 0, 0.0, bound, ())


def test_a_driver_is_tried_before_it_is_learned(tmp_path: Path) -> None:
    assert _names(_curriculum(tmp_path, tried=2), 0) == []
    assert len(_names(_curriculum(tmp_path), 0)) == 8


def test_lanes_learn_different_drivers_and_no_more_than_there_is_room_for(tmp_path: Path) -> None:
    curriculum = _curriculum(tmp_path)
    first, second = _names(curriculum, 0), _names(curriculum, 1)
    assert not set(first) & set(second)
    assert (len(first), len(second)) == (8, 4)
    assert _names(curriculum, 0) == []


def test_drivers_that_bind_come_last(tmp_path: Path) -> None:
    curriculum = _curriculum(tmp_path)
    curriculum.round_done(_bound(*_MODULES[:6]))
    assert set(_names(curriculum, 0)[:6]) == set(_MODULES[6:12])


def test_what_was_learned_is_kept_and_makes_room(tmp_path: Path) -> None:
    curriculum = _curriculum(tmp_path)
    first = _names(curriculum, 0)
    assert curriculum.learnt(Learnt(first[0], "format = 1\n", "more blocks"))
    assert not curriculum.learnt(Learnt(first[1], "", "nothing"))
    assert [path.name for path in (tmp_path / "learned").iterdir()] == [f"{first[0]}.toml"]
    again = _names(curriculum, 0)
    assert len(again) == 2
    assert not set(again) & set(first)


def test_a_driver_that_something_was_learned_of_has_another_lesson_when_all_had_one(tmp_path: Path) -> None:
    curriculum = _curriculum(tmp_path)
    first = _names(curriculum, 0)
    for driver in first:
        curriculum.learnt(Learnt(driver, "format = 1\n" if driver == first[0] else "", ""))
    second = _names(curriculum, 0)
    assert len(second) == 5
    assert second[-1] == first[0]
    assert [curriculum.learned_here(driver) for driver in first[:2]] == [True, False]


def test_what_a_lost_worker_was_learning_is_learned_again(tmp_path: Path) -> None:
    curriculum = _curriculum(tmp_path)
    first = _names(curriculum, 0)
    curriculum.lane_begun(0)
    assert _names(curriculum, 0) == first
