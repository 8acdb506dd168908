"""The coverage of a campaign: what earlier runs reached, and what its lanes have written so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from usbfuzz.coverage import BLOCKS_FILE, COVERAGE, Blocks, distinct_in, merge, read_blocks, write_blocks
from usbfuzz.errors import InputError, StorageError
from usbfuzz.reading import Stamp, stamp_of

from .progress import Extent
from .reach import LANE_FILES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.lane.config import LaneConfig

__all__ = ["Gathered"]


@define
class Gathered:
    """The directory ``OUT/coverage``."""

    directory: Path
    _earlier: Blocks | None
    _distinct: set[str] = field(factory=set, init=False)  #: blocks that were counted
    _modules: set[str] = field(factory=set, init=False)  #: theirs
    _counted: dict[Path, Stamp] = field(factory=dict, init=False)  #: files, as they were then

    @classmethod
    def open(cls, out: Path, config: LaneConfig, say: Callable[[str], None]) -> Gathered | None:
        """The coverage of campaigns in ``out``; None, and a line that says why, when this one's cannot be kept there.

        Raises StorageError.
        """
        gathered = cls(out / COVERAGE, earlier=None)
        try:
            gathered.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            gathered.finish()  # of a run that was killed
        except OSError as error:
            raise StorageError(f"{gathered.directory}: cannot be made: {error.strerror}; give another --out") from error
        except InputError as error:
            say(f"coverage is not kept: {error}; give another --out, or remove that file")
            return None
        if gathered._earlier is not None and gathered._earlier.kernel != config.kernel.name:
            say(
                f"coverage is not kept: {gathered.directory} has that of {gathered._earlier.kernel}; give another --out"
            )
            return None
        return gathered

    def extent(self) -> Extent | None:
        """How much is known now, for which files are read that have changed since the last call.

        None when that is nothing. Raises InputError.
        """
        for path in (self.directory / BLOCKS_FILE, *sorted(self.directory.glob(LANE_FILES))):
            stamp = stamp_of(path)
            if stamp is not None and stamp != self._counted.get(path):
                new = distinct_in(path) - self._distinct
                self._distinct |= new
                self._modules.update(name.partition("\t")[0] for name in new)
                self._counted[path] = stamp
        return Extent(len(self._distinct), len(self._modules)) if self._distinct else None

    def everything(self) -> Blocks | None:
        """What is known now; None when that is nothing. Raises InputError for a file that is damaged."""
        known = [] if self._earlier is None else [self._earlier]
        known += [read_blocks(path) for path in sorted(self.directory.glob(LANE_FILES))]
        return merge(known) if known else None

    def finish(self) -> None:
        """Add up what the lanes have written; raises InputError, StorageError."""
        file = self.directory / BLOCKS_FILE
        if self._earlier is None and file.exists():
            self._earlier = read_blocks(file)
        lanes = sorted(self.directory.glob(LANE_FILES))
        if lanes and (found := self.everything()) is not None:
            write_blocks(file, found)
            self._earlier = found
            for path in lanes:
                path.unlink(missing_ok=True)
