"""What a soak is asked to do, and the files that it keeps."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

__all__ = ["Wanted"]


@frozen
class Wanted:
    """A campaign that runs its time, and one that is killed."""

    kernel: str
    seconds: float  #: of the soak; 0: none
    kills: int
    lanes: int
    seed: int  #: of the campaigns, and of who is killed when
    out: Path
    arguments: tuple[str, ...] = ()  #: further ones of ``usbfuzz fuzz``

    @property
    def soaked(self) -> Path:
        """The directory of the campaign that runs its time."""
        return self.out / "soak"

    @property
    def killed(self) -> Path:
        """The directory of the campaign that is killed."""
        return self.out / "kills"

    @property
    def looks(self) -> Path:
        """The file of looks at the processes of the first."""
        return self.out / "looks.jsonl"

    @property
    def deaths(self) -> Path:
        """The file of kills of the second."""
        return self.out / "kills.jsonl"
