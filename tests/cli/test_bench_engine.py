"""The benchmark of the engine: campaigns that are run once, read as a page reads them, and one table of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from rich.console import Console

from harness.lane.config import LaneConfig
from tests import ROOT
from usbfuzz.errors import InfraError, InputError
from usbfuzz.jobs.bench.engine import EngineTable, KnownBug, Side, Wanted, known_bugs, run_all, table_of
from usbfuzz.jobs.bench.engine.bugs import first_seen
from usbfuzz.jobs.bench.engine.measure import DriverReached, Measured
from usbfuzz.jobs.bench.engine.plan import checked_arguments
from usbfuzz.jobs.bench.engine.runs import course_seconds
from usbfuzz.jobs.bench.engine.spread import spread_of
from usbfuzz.jobs.page.data import Course, Sighting

KERNEL = "debian:5.10.1-1"

#: A campaign that takes no time: it writes what ``usbfuzz fuzz`` would have, and how it was called.
PRETENDER = """
import json, sys
from pathlib import Path
from usbfuzz.jobs.campaign.history import Now
from usbfuzz.jobs.campaign.messages import LaneState
from usbfuzz.jobs.campaign.state import CampaignState

options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
out = Path(options["--out"])
out.mkdir(parents=True, exist_ok=True)
with open(out / "called", "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
if "--fail" in sys.argv:
    print("usbfuzz: --fail: is no option")
    raise SystemExit(int(sys.argv[-1]))
seconds = float(options["--time"].rstrip("s"))
state = CampaignState.open(out, kernel=options["--kernel"], params=(), seed=None, new_seed=int(options["--seed"]))
state.history.begin({"options": {"lanes": 2}, "modules": ["wacom"]})
wall = seconds / 2 if "--half" in sys.argv else seconds + 0.2
state.history.sample(Now(wall, 9, 600, 1, 40, 0, 0, {LaneState.RUNNING: 30.0, LaneState.BOOTING: 10.0}), last=True)
state.history.end()
state.close()
"""


@pytest.fixture
def pretender(tmp_path: Path) -> tuple[str, ...]:
    script = tmp_path / "fuzz.py"
    script.write_text(PRETENDER)
    return (sys.executable, str(script))


def calls(directory: Path) -> list[list[str]]:
    return [json.loads(line) for line in (directory / "called").read_text().splitlines()]


def test_every_seed_of_both_sides_is_run_once_from_nothing(tmp_path: Path, pretender: tuple[str, ...]) -> None:
    wanted = Wanted(KERNEL, 60.0, 2, tmp_path / "out", unguided=True, arguments=("--lanes", "1"))
    said: list[str] = []
    run_all(wanted, said.append, pretender)
    run_all(wanted, said.append, pretender)
    assert [campaign.name for campaign in wanted.campaigns] == ["guided-1", "unguided-1", "guided-2", "unguided-2"]
    assert len(said) == 4
    for campaign in wanted.campaigns:
        [call] = calls(campaign.directory)
        assert call[:6] == ["--kernel", KERNEL, "--seed", str(campaign.seed), "--out", str(campaign.directory)]
        assert call[6:8] == ["--time", "60.0s"]
        assert ("--unguided" in call) == (campaign.side is Side.UNGUIDED)
        assert call[-2:] == ["--lanes", "1"]


def test_a_campaign_that_was_stopped_gets_the_rest_of_its_time(tmp_path: Path, pretender: tuple[str, ...]) -> None:
    wanted = Wanted(KERNEL, 60.0, 1, tmp_path / "out")
    with pytest.raises(InfraError, match="ended before its time"):
        run_all(evolve(wanted, arguments=("--half", "yes")), lambda _: None, pretender)
    (tmp_path / "out" / "engine.toml").unlink()
    run_all(wanted, lambda _: None, pretender)
    assert [call[7] for call in calls(tmp_path / "out" / "guided-1")] == ["60.0s", "30.0s"]
    assert course_seconds(tmp_path / "out" / "guided-1", KERNEL) == pytest.approx(60.2)
    run_all(evolve(wanted, seconds=100.0), lambda _: None, pretender)
    assert calls(tmp_path / "out" / "guided-1")[-1][7] == "39.8s"


def test_what_a_campaign_says_is_wrong_is_said(tmp_path: Path, pretender: tuple[str, ...]) -> None:
    wanted = Wanted(KERNEL, 60.0, 1, tmp_path / "out")
    with pytest.raises(InputError, match=r"^--fail: is no option$"):
        run_all(evolve(wanted, arguments=("--fail", "2")), lambda _: None, pretender)
    with pytest.raises(InfraError, match="exit status 4: --fail: is no option"):
        run_all(evolve(wanted, out=tmp_path / "other", arguments=("--fail", "4")), lambda _: None, pretender)


def test_a_directory_is_of_one_kernel_and_one_set_of_arguments(tmp_path: Path, pretender: tuple[str, ...]) -> None:
    wanted = Wanted(KERNEL, 60.0, 1, tmp_path / "out")
    run_all(wanted, lambda _: None, pretender)
    with pytest.raises(InputError, match="another kernel; give another --out"):
        run_all(evolve(wanted, kernel="debian:6.1"), lambda _: None, pretender)
    with pytest.raises(InputError, match="another arguments; give another --out"):
        run_all(evolve(wanted, arguments=("--leaks", "x")), lambda _: None, pretender)
    with pytest.raises(InputError, match=f"holds a campaign on {KERNEL}, not debian:6.1"):
        course_seconds(tmp_path / "out" / "guided-1", "debian:6.1")
    (tmp_path / "out" / "engine.toml").write_text("kernel = ")
    with pytest.raises(InputError, match="cannot be read"):
        run_all(wanted, lambda _: None, pretender)


@pytest.mark.parametrize("word", ["--seed", "-s", "--time=5m", "-o", "--unguided", "-kdebian:6.1"])
def test_the_benchmark_s_own_options_are_not_handed_on(word: str) -> None:
    with pytest.raises(InputError, match=f"^{word}: is an option of the benchmark's own"):
        checked_arguments(("--lanes", "1", word))
    assert checked_arguments(("--lanes", "1")) == ("--lanes", "1")


def test_the_known_bugs_are_those_of_the_kernel() -> None:
    bugs = {bug.name: bug for bug in known_bugs(ROOT / "corpus" / "known-bugs", "debian:5.10.223-1", print)}
    assert "BUG: unable to handle kernel NULL pointer dereference in qt2_read_bulk_callback" in {
        bug.title for bug in bugs.values()
    }
    assert len({bug.names for bug in bugs.values()}) == len(bugs)
    assert known_bugs(ROOT / "corpus" / "known-bugs", "debian:1.0", print) == ()


def test_a_file_of_bugs_that_cannot_be_read_costs_a_line(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "a.toml").write_text((ROOT / "corpus/known-bugs/quatech2-bulk-null.toml").read_text())
    (tmp_path / "b.toml").write_text("format = ")
    [bug] = known_bugs(tmp_path, "debian:5.10.223-1", said.append)
    assert bug.name == "a"
    assert len(said) == 1
    assert said[0].startswith(f"{tmp_path}/b.toml:1: not valid TOML")
    assert said[0].endswith("; left out")


def test_a_known_bug_is_found_under_any_of_its_titles_and_in_time_only() -> None:
    course = Course(
        "k", (), 1, {}, (), (), (), (), 0, None,
        sightings=(
            Sighting("BUG: b", ("BUG: a",), "", 30.0, 1),
            Sighting("BUG: a", (), "x", 12.0, 1),
            Sighting("BUG: late", (), "", 70.0, 1),
        ),
    )  # fmt: skip
    bugs = [KnownBug(name, f"BUG: {name}", frozenset({f"BUG: {name}"})) for name in ("a", "b", "late", "never")]
    assert first_seen(bugs, course, 60.0) == {"a": 12.0, "b": 30.0, "late": None, "never": None}


def test_what_was_not_found_counts_as_later_than_everything() -> None:
    times = spread_of([40.0, None, 20.0], never=True)
    assert times is not None
    assert (times.median, times.least, times.most, times.found, times.seeds) == (40.0, 20.0, float("inf"), 2, 3)
    unknown = spread_of([4.0, None, 2.0])
    assert unknown is not None
    assert (unknown.median, unknown.most) == (3.0, 4.0)
    assert spread_of([None, None]) is None


def run(side: Side, seed: int, **changed: object) -> Measured:
    made = Measured(
        side, seed, f"out/{side.value}-{seed}", 600.0, 2, 446, 380 + seed, 30_000, 41.5, 0.62, 3, 5,
        {"a": 42.0 * seed, "b": None}, {"wacom": DriverReached(True, 30.0, 812, 120, 640)},
    )  # fmt: skip
    return evolve(made, **changed)  # type: ignore[arg-type]


def table(*, unguided: bool = True, seconds: float = 600.0) -> EngineTable:
    wanted = Wanted(KERNEL, seconds, 3, Path("out"), unguided=unguided)
    bugs = [KnownBug(name, f"BUG: {name}", frozenset({f"BUG: {name}"})) for name in "ba"]
    runs = [run(Side.GUIDED, seed) for seed in (1, 2, 3)]
    if unguided:
        runs += [run(Side.UNGUIDED, seed, bound=300, blocks=18_000, bugs={"a": None, "b": None}) for seed in (1, 2, 3)]
    return table_of(wanted, runs, bugs)


def printed(table: EngineTable) -> list[str]:
    console = Console(width=200, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(table.grid())
    return [" ".join(line.split()) for line in capture.get().splitlines()]


def test_the_table_has_the_bars_and_a_row_for_each_bug_and_driver() -> None:
    lines = printed(table())
    assert "│ modules bound, of 446 that can │ 382 (381 to 383) │ 300 │ 1.27 x │ ≥ 380 ✓ │" in lines
    assert any("blocks of code reached │ 30,000" in line and "1.67 x │ ≥ 1.5 x ✓" in line for line in lines)
    assert any("known bugs found, of 2 │ 1 │ 0" in line for line in lines)
    [a] = [line for line in lines if "BUG: a" in line]
    assert "3 of 3: 1:24 (0:42 to 2:06), 0.05 lane-h │ 0 of 3: not found" in a
    assert next(at for at, line in enumerate(lines) if "BUG: a" in line) < next(
        at for at, line in enumerate(lines) if "BUG: b" in line
    )
    assert any("wacom │ bound in 3 of 3, first 0:30; 812 blocks; 120 of 640 lines" in line
               for line in lines)  # fmt: skip


def test_one_side_has_no_ratio() -> None:
    lines = printed(table(unguided=False))
    assert "│ modules bound, of 446 that can │ 382 (381 to 383) │ ≥ 380 ✓ │" in lines
    assert not any(" x " in line for line in lines)


def test_a_missed_goal_counts_only_where_a_campaign_had_the_time_for_it() -> None:
    assert table().good
    slow = evolve(table(), runs=(run(Side.GUIDED, 1, cases_per_second=11.0, running=0.17),))
    judged = table_of(evolve(slow.wanted, unguided=False), slow.runs, ())
    assert {row.name for row in judged.rows if row.good is False} == {"cases a second", "lanes' time that ran cases"}
    assert not judged.good
    short = table_of(evolve(slow.wanted, unguided=False, seconds=20.0), slow.runs, ())
    assert all(row.good is None for row in short.rows)


def test_the_json_has_every_campaign_and_no_infinity() -> None:
    raw = json.loads(json.dumps(table().to_json(), allow_nan=False))
    assert [entry["side"] for entry in raw["runs"]] == ["guided"] * 3 + ["unguided"] * 3
    bug = next(entry for entry in raw["bugs"] if entry["name"] == "a")
    assert (bug["guided"]["median"], bug["guided"]["found"], bug["unguided"]["median"]) == (84.0, 3, None)
    assert raw["runs"][0]["bugs"] == {"a": 42.0, "b": None}
    assert next(entry for entry in raw["rows"] if entry["name"] == "blocks of code reached")["ratio"] == pytest.approx(
        1.67, 0.01
    )


def usbfuzz(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "usbfuzz", "bench", "engine", *map(str, words)],
        cwd=ROOT, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip


def test_wrong_input_is_one_line(tmp_path: Path) -> None:
    for words, said in (
        ((), "--out"),
        (("--out", tmp_path / "x", "--time", "soon"), "'soon': not a duration"),
        (("--out", tmp_path / "x", "--", "--seed", "3"), "--seed: is an option of the benchmark's own"),
        (("--out", tmp_path / "x", "--no-learned", "--learned", tmp_path), "--no-learned and --learned"),
    ):
        done = usbfuzz(*words)
        assert done.returncode == 2
        assert said in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.guest
def test_short_campaigns_fill_the_table_and_are_not_run_again(guest: Callable[..., LaneConfig], tmp_path: Path) -> None:
    guest("debian:5.10.223-1")
    out = tmp_path / "engine"
    words = ("--kernel", "debian:5.10.223", "--time", "12s", "--seeds", "1", "--out", out, "--no-learned", "--json",
             "--drivers", "usbhid", "--", "--lanes", "1", "--no-confirm", "--no-minimize")  # fmt: skip
    done = usbfuzz(*words)
    assert done.returncode == 0, done.stderr
    raw = json.loads(done.stdout)
    [measured] = raw["runs"]
    assert measured["blocks"] > 1000
    assert measured["cases_per_second"] > 0
    assert 0 < measured["running"] <= 1
    assert measured["drivers"]["usbhid"]["there"]
    assert len(raw["bugs"]) > 10
    again = usbfuzz(*words)
    assert json.loads(again.stdout) == raw
    assert "campaign 1 of 1" in done.stderr
    assert "campaign 1 of 1" not in again.stderr
