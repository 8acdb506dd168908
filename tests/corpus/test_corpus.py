"""A corpus keeps what reached something new, for each kernel; writers in any order lose nothing."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from usbfuzz.case import load
from usbfuzz.case.model import Expectation, Provenance
from usbfuzz.corpus import Corpus, keep, name_of, names_in, read_case
from usbfuzz.coverage import read_blocks
from usbfuzz.errors import InputError, StorageError

from .made import KERNEL, RELEASE, blocks, case, names, numbers


def _open(directory: Path, said: list[str] | None = None, kernel: str = KERNEL, release: str = RELEASE) -> Corpus:
    return Corpus.open(directory, kernel, release, (said if said is not None else []).append)


def test_a_case_is_kept_if_it_reached_what_no_other_did(tmp_path: Path) -> None:
    corpus = _open(tmp_path / "corpus")
    name = corpus.add(case(1), blocks([1, 2, 3]))
    assert name == name_of(case(1))
    assert corpus.add(case(2), blocks([2, 3])) is None
    assert corpus.add(case(3), blocks([3, 4])) == name_of(case(3))
    assert corpus.names == names([case(1), case(3)])
    assert load(tmp_path / "corpus" / "cases" / f"{name}.toml") == case(1)
    corpus.flush()
    found = read_blocks(tmp_path / "corpus" / "debian_5.10.223-1.tsv")
    assert {block.offset // 16: block.case for block in found} == {
        **dict.fromkeys([1, 2, 3], name),
        4: name_of(case(3)),
    }
    assert found == corpus.blocks
    assert len(corpus) == 4


def test_blocks_of_another_size_are_others(tmp_path: Path) -> None:
    corpus = _open(tmp_path)
    first = blocks([1])
    rows = first.rows.copy()
    rows["size"] += 1
    assert corpus.add(case(1), first)
    assert corpus.add(case(2), evolve(first, rows=rows))


def test_the_directory_is_its_owners_alone(tmp_path: Path) -> None:
    _open(tmp_path / "far" / "corpus")
    for path in (tmp_path / "far" / "corpus", tmp_path / "far" / "corpus" / "cases"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_name_is_what_the_case_does_and_not_where_it_comes_from() -> None:
    told = evolve(
        case(1), title="a", expect=(Expectation("k", "t"),), provenance=Provenance("somewhere", notes="and more")
    )
    assert name_of(told) == name_of(case(1))
    assert name_of(case(2)) != name_of(case(1))
    assert name_of(case(1, ports=2)) != name_of(case(1))
    assert name_of(evolve(case(1), guest=evolve(case(1).guest, exercise=False))) != name_of(case(1))


def test_cases_that_were_not_run_on_a_kernel_are_told(tmp_path: Path) -> None:
    corpus = _open(tmp_path)
    seed, _ = keep(tmp_path, case(9))
    assert corpus.unrun == [seed]
    corpus.add(case(1), blocks([1]))
    corpus.tried(seed)
    assert corpus.unrun == []
    corpus.flush()
    assert (tmp_path / "debian_5.10.223-1.tried").read_text() == (
        f"# usbfuzz tried 1\n# kernel {KERNEL}\n# release {RELEASE}\n{seed}\n"
    )
    assert _open(tmp_path).unrun == []
    assert _open(tmp_path, kernel="debian:6.1").unrun == sorted({seed, name_of(case(1))})


def test_a_seed_that_reaches_something_is_not_told_as_tried(tmp_path: Path) -> None:
    corpus = _open(tmp_path)
    keep(tmp_path, case(9))
    corpus.tried(name_of(case(9)))
    corpus.flush()
    assert corpus.add(case(9), blocks([1])) == name_of(case(9))
    corpus.flush()
    assert (tmp_path / "debian_5.10.223-1.tried").read_text().splitlines()[3:] == []
    assert _open(tmp_path).unrun == []


def test_kernels_have_files_of_their_own(tmp_path: Path) -> None:
    for kernel in (KERNEL, "dir:/home/somebody/a kernel", "debian:6.12+kasan"):
        corpus = _open(tmp_path, kernel=kernel)
        assert corpus.add(case(1), blocks([1, 2], kernel)) == name_of(case(1))
        corpus.flush()
        assert _open(tmp_path, kernel=kernel).blocks.kernel == kernel
        assert len(_open(tmp_path, kernel=kernel)) == 2
    assert len(list(tmp_path.glob("*.tsv"))) == 3
    assert names_in(tmp_path) == {name_of(case(1))}


def test_two_campaigns_at_once_learn_from_each_other(tmp_path: Path) -> None:
    first, second = _open(tmp_path), _open(tmp_path)
    first.add(case(1), blocks([1, 2]))
    second.add(case(2), blocks([2, 3]))
    first.flush()
    second.flush()
    assert numbers(second.blocks) == {1, 2, 3}
    assert first.add(case(3), blocks([3])) is not None  # it cannot know yet
    first.flush()
    owner = {block.offset // 16: block.case for block in first.blocks}
    assert owner == {1: name_of(case(1)), 2: name_of(case(1)), 3: name_of(case(2))}
    second.flush()
    assert first.unrun == second.unrun == []


def test_writing_nothing_new_changes_no_file(tmp_path: Path) -> None:
    corpus = _open(tmp_path)
    corpus.add(case(1), blocks([1]))
    corpus.flush()
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    corpus.flush()
    _open(tmp_path).flush()
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_the_files_of_a_kernel_that_are_gone_are_written_again(tmp_path: Path) -> None:
    corpus = _open(tmp_path)
    corpus.add(case(1), blocks([1, 2]))
    corpus.flush()
    (tmp_path / "debian_5.10.223-1.tsv").unlink()
    corpus.flush()
    assert numbers(_open(tmp_path).blocks) == {1, 2}


def test_a_block_whose_case_is_gone_is_new_again(tmp_path: Path) -> None:
    corpus, said = _open(tmp_path), list[str]()
    corpus.add(case(1), blocks([1, 2]))
    corpus.add(case(2), blocks([3]))
    corpus.flush()
    (tmp_path / "cases" / f"{name_of(case(1))}.toml").unlink()
    again = _open(tmp_path, said)
    assert said == [f"{tmp_path}/debian_5.10.223-1.tsv: 2 blocks name cases that are not there, and count as new again"]
    assert again.add(case(4), blocks([1])) == name_of(case(4))
    again.flush()
    assert numbers(_open(tmp_path).blocks) == {1, 3}


class Writers(RuleBasedStateMachine):
    """Three campaigns on one corpus, in any order, one of them on another kernel."""

    _kernels = (KERNEL, KERNEL, "debian:6.1.1-1")

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(os.environ["USBFUZZ_TEST_CORPUS"]) / f"{id(self)}-{os.urandom(8).hex()}"
        self.writers = [_open(self.directory, kernel=kernel) for kernel in self._kernels]
        self.flushed: dict[str, set[int]] = {kernel: set() for kernel in self._kernels}
        self.pending: list[set[int]] = [set() for _ in self._kernels]
        self.reached: dict[tuple[str, str], set[int]] = {}
        self.kept: set[str] = set()
        self.ran: dict[str, set[str]] = {kernel: set() for kernel in self._kernels}
        self.ran_unwritten: list[set[str]] = [set() for _ in self._kernels]

    writer = st.integers(0, 2)
    number = st.integers(0, 11)

    @rule(writer=writer, number=number, reached=st.sets(number, max_size=4))
    def add(self, writer: int, number: int, reached: set[int]) -> None:
        kernel = self._kernels[writer]
        name = self.writers[writer].add(case(number), blocks(reached, kernel))
        if name is None:
            assert reached <= self.flushed[kernel] | self.pending[writer]
            return
        assert name == name_of(case(number))
        self.kept.add(name)
        self.reached.setdefault((kernel, name), set()).update(reached)
        self.pending[writer] |= reached
        self.ran_unwritten[writer].add(name)

    @rule(number=number)
    def seed(self, number: int) -> None:
        self.kept.add(keep(self.directory, case(number))[0])

    @rule(writer=writer)
    def try_seed(self, writer: int) -> None:
        for name in self.writers[writer].unrun[:1]:
            self.writers[writer].tried(name)
            self.ran_unwritten[writer].add(name)

    @rule(writer=writer, in_order=st.booleans())
    def flush(self, writer: int, *, in_order: bool) -> None:
        kernel = self._kernels[writer]
        self.writers[writer].flush(in_order=in_order)
        self.flushed[kernel] |= self.pending[writer]
        self.ran[kernel] |= self.ran_unwritten[writer]
        self.pending[writer], self.ran_unwritten[writer] = set(), set()

    @rule(writer=writer)
    def killed_and_started_again(self, writer: int) -> None:
        self.pending[writer], self.ran_unwritten[writer] = set(), set()
        self.writers[writer] = _open(self.directory, kernel=self._kernels[writer])

    @invariant()
    def nothing_is_lost(self) -> None:
        assert names_in(self.directory) == self.kept
        for kernel, flushed in self.flushed.items():
            now = _open(self.directory, kernel=kernel)
            assert numbers(now.blocks) == flushed
            assert all(block.offset // 16 in self.reached[kernel, block.case] for block in now.blocks)
            assert now.unrun == sorted(self.kept - self.ran[kernel])

    @invariant()
    def every_case_can_be_read(self) -> None:
        for name in self.kept:
            assert name_of(read_case(self.directory, name)) == name


@pytest.fixture(autouse=True)
def room(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USBFUZZ_TEST_CORPUS", str(tmp_path_factory.mktemp("corpora")))


Writers.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestWriters = Writers.TestCase


_WRITER = """
import sys
from pathlib import Path
from tests.corpus.made import KERNEL, RELEASE, blocks, case
from usbfuzz.corpus import Corpus

corpus = Corpus.open(Path(sys.argv[1]), KERNEL, RELEASE, print)
for number in range(int(sys.argv[2]), 60, 3):
    corpus.add(case(number), blocks([number, number + 1]))
    corpus.flush()
"""


def test_processes_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path / "corpus"), str(first)], stdout=subprocess.PIPE)
        for first in range(3)
    ]
    assert [process.communicate(timeout=120)[0] for process in running] == [b"", b"", b""]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert numbers(_open(tmp_path / "corpus").blocks) == set(range(61))
    assert [path.name for path in (tmp_path / "corpus").rglob(".*")] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_on_a_full_disk_nothing_is_lost_that_is_in_memory(tmp_path: Path) -> None:
    out = tmp_path / "corpus"
    out.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(out)], check=False).returncode:
        pytest.skip("this machine lets nobody mount a tmpfs")
    try:
        corpus = _open(out)
        corpus.add(case(1), blocks([1]))
        (out / "ballast").write_bytes(bytes(16384))
        with pytest.raises(StorageError, match=rf"^{out}/cases: cannot write \w+\.toml: No space left"):
            [corpus.add(case(number), blocks([number])) for number in range(2, 40)]
        with pytest.raises(StorageError, match=rf"^{out}/debian_5\.10\.223-1\.tsv: cannot be written: No space left"):
            corpus.flush()
        known = numbers(corpus.blocks)
        assert 1 in known
        assert corpus.add(case(99), blocks(known)) is None
        (out / "ballast").unlink()
        corpus.flush()
        assert numbers(_open(out).blocks) == known
        assert [path for path in out.rglob("*") if path.name.startswith(".")] == []
    finally:
        subprocess.run(["umount", str(out)], check=True)


def test_a_file_cannot_be_a_corpus(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file: is a file; a corpus is a directory$"):
        _open(tmp_path / "file")
