"""``usbfuzz corpus add|merge|minimize|show``: what they do and say, and what they say of wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests import KNOWN_BUGS, ROOT
from usbfuzz.case import load, save
from usbfuzz.case.parts import digest
from usbfuzz.cli import cli
from usbfuzz.corpus import Corpus, entry_path, keep, name_of, names_in, read_case
from usbfuzz.coverage import write_blocks
from usbfuzz.errors import InputError, UsbfuzzError

from .made import KERNEL, RELEASE, blocks, case, names, numbers

OTHER = "debian:6.1.1-1"


def _run(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, ["corpus", *map(str, words)], catch_exceptions=False, standalone_mode=False)


def _open(directory: Path, kernel: str = KERNEL) -> Corpus:
    return Corpus.open(directory, kernel, RELEASE, lambda _: None)


def _made(directory: Path, *reached: tuple[int, list[int]], kernel: str = KERNEL) -> Path:
    """A corpus whose cases, by their numbers, reached these blocks."""
    corpus = _open(directory, kernel)
    for number, some in reached:
        corpus.add(case(number), blocks(some, kernel))
    corpus.flush()
    return directory


def test_everything_that_describes_a_device_can_be_added(tmp_path: Path) -> None:
    crash = tmp_path / "crash"
    crash.mkdir()
    save(crash / "case.toml", case(1))
    own = tmp_path / "mine.py"
    own.write_text("from usbfuzz.models.hid.pointers import BootMouse\nclass Mine(BootMouse):\n    pass\n")
    dump = tmp_path / "raw.bin"
    dump.write_bytes(load(KNOWN_BUGS / "quatech2-bulk-null.toml").devices[0].device)
    given = (crash, KNOWN_BUGS / "quatech2-bulk-null.toml", ROOT / "corpus" / "models", "mouse", own, dump)
    result = _run("add", tmp_path / "corpus", *given)
    models = {path.stem for path in (ROOT / "corpus" / "models").glob("*.toml")}
    found = [read_case(tmp_path / "corpus", name) for name in names_in(tmp_path / "corpus")]
    assert len(found) == len(models) + 4  # the mouse is one of the models
    assert {device.model for kept in found for device in kept.devices} == models | {""}
    assert {digest(load(path)) for path in (crash, KNOWN_BUGS / "quatech2-bulk-null.toml")} <= set(map(digest, found))
    assert "1 were there already" in result.output
    assert "what its methods answer is code, and is not" in result.output
    assert next(kept.provenance.source for kept in found if kept.title == "Mine") == (
        "descriptors of the class Mine in mine.py"
    )


def test_what_cannot_be_read_is_an_error_and_the_others_are_added(tmp_path: Path) -> None:
    save(tmp_path / "good.toml", case(1))
    (tmp_path / "bad.toml").write_text("format = 1\n")
    (tmp_path / "empty").touch()
    with pytest.raises(InputError, match=r"bad\.toml: device: is missing"):
        _run("add", tmp_path / "corpus", tmp_path / "bad.toml", tmp_path / "empty", tmp_path / "good.toml")
    assert names_in(tmp_path / "corpus") == {name_of(case(1))}


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("none/such.toml", r"none/such\.toml: there is no such file or directory$"),
        ("no_such_model", "no_such_model: is neither a file nor a device usbfuzz knows"),
        ("folder", r"folder: "),
        ("class.py", "defines no class derived from usbfuzz.device.Device"),
    ],
)
def test_nothing_is_made_when_nothing_is_added(
    given: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "class.py").touch()
    with pytest.raises(UsbfuzzError, match=error):
        _run("add", "corpus", given)
    assert not (tmp_path / "corpus").exists()


def test_a_file_or_another_directory_is_no_place_for_a_corpus(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file: is a file; a corpus is a directory"):
        _run("add", tmp_path / "file", "mouse")
    with pytest.raises(InputError, match="is no corpus: it holds other things"):
        _run("add", tmp_path, "mouse")


def test_merging_brings_cases_and_what_they_reached_on_each_kernel(tmp_path: Path) -> None:
    into = _made(tmp_path / "into", (1, [1, 2]))
    other = _made(tmp_path / "other", (1, [1]), (2, [2, 3]))
    _made(other, (3, [1]), kernel=OTHER)
    seed, _ = keep(other, case(4))
    corpus = _open(other)
    corpus.tried(seed)
    corpus.flush()
    output = _run("merge", into, other).output
    assert names_in(into) == names(map(case, (1, 2, 3, 4)))
    merged = _open(into)
    assert {block.offset // 16: block.case for block in merged.blocks} == {
        **dict.fromkeys([1, 2], name_of(case(1))),
        3: name_of(case(2)),
    }
    assert numbers(_open(into, OTHER).blocks) == {1}
    assert merged.unrun == [name_of(case(3))]
    assert _open(into, OTHER).unrun == sorted(names(map(case, (1, 2, 4))))
    assert f"{into}: 3 cases added, 1 were there already, 4 now" in output
    assert f"{KERNEL}: 1 blocks that no case of {into} was known to reach" in output


def test_merging_again_changes_nothing(tmp_path: Path) -> None:
    into, other = tmp_path / "into", _made(tmp_path / "other", (1, [1, 2]), (2, [3]))
    _run("merge", into, other)
    before = {path.name: path.read_bytes() for path in into.rglob("*") if path.is_file()}
    assert "0 cases added, 2 were there already" in _run("merge", into, other).output
    assert {path.name: path.read_bytes() for path in into.rglob("*") if path.is_file()} == before


def test_what_campaigns_kept_as_coverage_becomes_a_corpus(tmp_path: Path) -> None:
    coverage = tmp_path / "night" / "coverage"
    (coverage / "cases").mkdir(parents=True)
    for number in (1, 2, 3):
        save(coverage / "cases" / f"case-{number:06d}.toml", case(number))
    (coverage / "cases" / "case-000009.toml").write_text("half")
    write_blocks(coverage / "blocks.tsv", blocks([1, 2], owner="case-000001"))
    write_blocks(coverage / "lane-17.tsv", blocks([2, 3], owner="case-000002"))  # of a run that was killed
    write_blocks(coverage / "lane-18.tsv", blocks([7], owner="case-000009"))
    _made(tmp_path / "night" / "corpus", (5, [5]))
    output = _run("merge", tmp_path / "new", tmp_path / "night").output
    assert {block.offset // 16: block.case for block in _open(tmp_path / "new").blocks} == {
        1: name_of(case(1)),
        2: name_of(case(1)),
        3: name_of(case(2)),
        5: name_of(case(5)),
    }
    assert names_in(tmp_path / "new") == names(map(case, (1, 2, 3, 5)))
    assert "left out: " in output
    assert "1 cases that blocks name are not there, such as case-000009" in output


def test_what_is_broken_in_a_source_is_left_out(tmp_path: Path) -> None:
    other = _made(tmp_path / "other", (1, [1]), (2, [2]))
    entry_path(other, name_of(case(1))).write_text("half")
    (other / "debian_6.1.tsv").write_text("# usbfuzz coverage 9\n")
    output = _run("merge", tmp_path / "into", other).output
    assert output.count("left out: ") == 2
    assert names_in(tmp_path / "into") == {name_of(case(2))}
    assert numbers(_open(tmp_path / "into").blocks) == {2}


def test_blocks_of_another_build_of_a_kernel_are_not_mixed(tmp_path: Path) -> None:
    into = _made(tmp_path / "into", (1, [1]))
    other = Corpus.open(tmp_path / "other", KERNEL, "another", lambda _: None)
    other.add(case(2), blocks([2], release="another"))
    other.flush()
    output = _run("merge", into, tmp_path / "other").output
    assert f"left out: what {tmp_path}/other knows of {KERNEL}" in output
    assert numbers(_open(into).blocks) == {1}
    assert names_in(into) == names([case(1), case(2)])


def test_only_corpora_and_campaigns_can_be_merged(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    into = _made(tmp_path / "into", (1, [1]))
    for given, error in (
        ("file", "is a file; give a corpus or a campaign's output"),
        ("none", "there is no such directory"),
        ("empty", "is empty; give a corpus"),
        ("photos", "holds no cases/, coverage/ or corpus/"),
        ("into", "cannot be merged into itself"),
    ):
        with pytest.raises(InputError, match=error):
            _run("merge", into, tmp_path / given)
        with pytest.raises(InputError, match=error if given != "into" else "."):
            _run("merge", into, into, tmp_path / given)
    assert names_in(into) == {name_of(case(1))}


def test_minimizing_removes_what_reaches_nothing_of_its_own_anywhere(tmp_path: Path) -> None:
    other = _made(tmp_path / "other", (1, [1, 2]), (2, [1, 3]))
    corpus = _made(tmp_path / "corpus", (1, [1, 2, 3]))
    _run("merge", corpus, other)  # where case 2 reaches nothing that case 1 does not
    _made(corpus, (3, [1]), kernel=OTHER)
    seed, _ = keep(corpus, case(4))
    opened = _open(corpus)
    opened.tried(name_of(case(3)))
    opened.flush()
    assert _run("minimize", corpus).output == f"{corpus}: 1 cases removed that reach nothing of their own, 3 left\n"
    assert names_in(corpus) == {*names(map(case, (1, 3))), seed}
    assert numbers(_open(corpus).blocks) == {1, 2, 3}
    assert name_of(case(2)) not in (corpus / "debian_5.10.223-1.tried").read_text()


def test_minimizing_stops_where_it_cannot_know(tmp_path: Path) -> None:
    corpus = _made(tmp_path / "corpus", (1, [1]))
    (corpus / "debian_6.1.tsv").write_text("half")
    with pytest.raises(InputError, match=r"debian_6\.1\.tsv:1: must be"):
        _run("minimize", corpus)
    assert names_in(corpus) == {name_of(case(1))}
    for wrong, error in ((tmp_path / "none", "there is no such directory"), (tmp_path, "is no corpus")):
        with pytest.raises(InputError, match=error):
            _run("minimize", wrong)


def test_a_corpus_is_shown_with_what_its_cases_reached(tmp_path: Path) -> None:
    corpus = _made(tmp_path / "corpus", (1, [1, 2, 3]), (2, [4]))
    _made(corpus, (1, [9]), kernel=OTHER)
    entry_path(corpus, "0" * 16).write_text("half")
    output = _run("show", corpus).output
    assert f"{corpus}: 2 cases, 6 bytes, run on 2 kernels" in output
    rows = [[cell.strip() for cell in line.split("│")] for line in output.splitlines() if "│" in line]
    kernels = {row[1]: row[2:-1] for row in rows[:2]}
    assert kernels == {KERNEL: ["4", "2", "2", "0", "0"], OTHER: ["1", "1", "1", "0", "1"]}
    first, second = rows[2:]
    assert first[1:6] == [name_of(case(1)), "case 1", "3", "3", "1"]
    assert second[1:6] == [name_of(case(2)), "case 2", "3", "1", "-"]
    assert first[6].startswith("module_1 3, module_0 1")
    assert "left out: " in output


def test_a_case_is_shown_with_its_devices(tmp_path: Path) -> None:
    corpus = _made(tmp_path / "corpus", (1, [1, 2, 3]), (2, [4]))
    output = _run("show", corpus, name_of(case(1))[:6]).output
    assert f"on        {KERNEL}: 3 blocks that no other reached before" in output
    assert "reached   module_1 2, module_0 1" in output
    assert "12 01 01" in output
    with pytest.raises(InputError, match="zz: is no case's name there"):
        _run("show", corpus, "zz")
    with pytest.raises(InputError, match="is the beginning of 2 names; give more digits"):
        _run("show", corpus, "")


def test_json_has_everything(tmp_path: Path) -> None:
    corpus = _made(tmp_path / "corpus", (1, [1, 2, 3]))
    document = json.loads(_run("show", corpus, "--json").output)
    assert document["kernels"][0]["blocks"] == 3
    assert document["cases"][0]["name"] == name_of(case(1))
    assert document["cases"][0]["modules"] == {"module_1": 2, "module_0": 1}


def test_what_a_stranger_calls_a_device_cannot_steer_the_terminal(tmp_path: Path) -> None:
    from attrs import evolve

    evil = evolve(case(1), title="\x1b[2J[red]x[/]\n\x07")
    _open(tmp_path / "corpus")
    name, _ = keep(tmp_path / "corpus", evil)
    for output in (_run("show", tmp_path / "corpus").output, _run("show", tmp_path / "corpus", name).output):
        assert "\x1b" not in output
        assert "\x07" not in output
        assert "[red]x[/]" in output


def test_what_is_no_corpus_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: is empty; make a corpus of it: usbfuzz corpus add"):
        _run("show", tmp_path / "empty")
    (tmp_path / "coverage" / "cases").mkdir(parents=True)
    (tmp_path / "coverage" / "blocks.tsv").touch()
    with pytest.raises(InputError, match="is the coverage of a campaign; make a corpus of it: usbfuzz corpus merge"):
        _run("show", tmp_path / "coverage")
