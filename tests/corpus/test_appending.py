"""New blocks are put behind those of a corpus' file, by writers that may be killed while they do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from usbfuzz.corpus import Corpus, name_of
from usbfuzz.corpus.kernel_files import kernels_in
from usbfuzz.coverage import read_blocks, text_of

from .made import KERNEL, RELEASE, blocks, case, numbers


def _open(directory: Path, said: list[str] | None = None) -> Corpus:
    return Corpus.open(directory, KERNEL, RELEASE, (said if said is not None else []).append)


def test_new_blocks_are_put_behind_those_of_the_file_until_they_are_put_in_order(tmp_path: Path) -> None:
    corpus, file = _open(tmp_path), tmp_path / "debian_5.10.223-1.tsv"
    corpus.add(case(9), blocks([8, 9]))
    corpus.flush()
    for number in (3, 6, 1):
        before = file.read_bytes(), file.stat().st_ino
        corpus.add(case(number), blocks([number, 9]))
        corpus.flush()
        text = file.read_bytes()
        assert file.stat().st_ino == before[1]
        assert text.startswith(before[0])
        assert text.count(b"\n", len(before[0])) == 1
        assert _open(tmp_path).blocks == read_blocks(file) == corpus.blocks
    corpus.flush(in_order=True)
    assert file.read_text() == text_of(corpus.blocks)
    before = file.read_bytes(), file.stat().st_ino
    corpus.flush(in_order=True)
    assert (file.read_bytes(), file.stat().st_ino) == before


def test_of_a_line_that_a_killed_writer_has_begun_nothing_is_left(tmp_path: Path) -> None:
    corpus, file = _open(tmp_path), tmp_path / "debian_5.10.223-1.tsv"
    corpus.add(case(1), blocks([1]))
    corpus.flush()
    corpus.add(case(2), blocks([2]))
    corpus.flush()
    whole = file.read_bytes()
    for cut in (1, 5, len(whole.splitlines()[-1])):
        file.write_bytes(whole[:-cut])
        said = list[str]()
        again = _open(tmp_path, said)
        assert numbers(again.blocks) == {1}
        assert said == []
        assert [blocks.cases for _, blocks in kernels_in(tmp_path)] == [(name_of(case(1)),)]
        again.add(case(3), blocks([2, 3]))
        again.flush()
        assert numbers(read_blocks(file)) == {1, 2, 3}
        (tmp_path / "cases" / f"{name_of(case(3))}.toml").unlink()


_ENDLESS = """
import itertools, sys
from pathlib import Path
from tests.corpus.made import KERNEL, RELEASE, blocks, case
from usbfuzz.corpus import Corpus

corpus = Corpus.open(Path(sys.argv[1]), KERNEL, RELEASE, print)
known = len(corpus)
for number in itertools.count(known):
    corpus.add(case(number % 50), blocks([number]))
    corpus.flush()
    print(number, flush=True)
"""


def test_a_writer_that_is_killed_at_any_moment_loses_nothing_that_it_had_written(tmp_path: Path) -> None:
    written = -1
    for life in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", _ENDLESS, str(tmp_path / "corpus")], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(3 + 5 * life):
                written = int(process.stdout.readline())
            process.kill()
            written = max(written, *map(int, process.stdout.read().split()), written)
        said = list[str]()
        found = numbers(_open(tmp_path / "corpus", said).blocks)
        assert found - {written + 1} == set(range(written + 1))
        assert said == []
