"""How long a worker is waited for, and how many may fail."""

from __future__ import annotations

from attrs import frozen

from usbfuzz.errors import BootError, InputError, UsbfuzzError

__all__ = ["Policy"]


@frozen
class Policy:
    """How long a worker is waited for, and how many may fail before a job, or everything, is given up."""

    silence: float = 600.0  #: seconds without a message from a worker at its job: longer than any run in a guest takes
    boot_silence: float = 900.0  #: seconds without a message from one that may boot a guest first
    end: float = 12.0  #: seconds it has to exit once its input is closed, with a guest to close
    deaths: int = 2  #: workers that may fail at the same job
    silent_again: bool = True  #: a job whose worker fell silent is tried once more, as one whose worker died
    fruitless: int | None = 4  #: workers in a row that may fail, whatever they do; None: any number
    fruitless_boots: int = 1  #: the same for guests that do not boot

    def hopeless(self, failure: UsbfuzzError, fruitless: int) -> bool:
        """Whether no other worker shall be started after ``fruitless`` failures in a row, the last being ``failure``.

        What the user gave does not become better by trying again.
        """
        if self.fruitless is None:
            return False
        if isinstance(failure, InputError):
            return True
        return fruitless >= (self.fruitless_boots if isinstance(failure, BootError) else self.fruitless)
