"""Pages as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from usbfuzz.case.files import write_file
from usbfuzz.errors import InputError

from .compare import Comparison, compare
from .data import Account
from .export import to_json
from .page import Place, render_page, render_set
from .read import Whole, campaigns_in, read_account

__all__ = ["Report", "write_page"]


def write_page(out: Path, file: Path, *, refresh: int = 0, functions: bool = True) -> None:
    """Write the page of the campaign in ``out``; raises InputError, StorageError."""
    write_file(file, render_page(read_account(out, functions=functions), Place(file.resolve(), out.resolve(), refresh)))


@frozen
class Report:
    """What a user asked for: the campaign in a directory, or those right below it, against others or not."""

    out: Path
    wholes: tuple[Whole, ...]
    comparison: Comparison | None

    @classmethod
    def read(cls, out: Path, against: Path | None) -> Report:
        """Read all campaigns; raises InputError."""
        wholes = tuple(read_account(path) for path in campaigns_in(out))
        if against is None:
            return cls(out, wholes, None)
        others = [read_account(path, functions=False).account for path in campaigns_in(against)]
        mine = [whole.account for whole in wholes]
        if not any(account.courses or account.bugs for account in others):
            raise InputError(f"{against}: nothing is known of that campaign; give another --against")
        return cls(out, wholes, compare(mine, others, str(against)))

    @property
    def accounts(self) -> Sequence[Account]:
        """The campaigns' accounts."""
        return [whole.account for whole in self.wholes]

    def html(self, file: Path) -> bytes:
        """The page that will be ``file``."""
        if len(self.wholes) > 1:
            return render_set(self.accounts, self.out, self.comparison)
        return render_page(
            self.wholes[0], Place(file.resolve(), Path(self.accounts[0].directory).resolve()), self.comparison
        )

    def json(self) -> str:
        """The numbers: an object for a campaign, one a line where there are several."""
        if len(self.wholes) == 1:
            return to_json(self.accounts[0], self.comparison)
        return "".join(to_json(account, self.comparison, indent=None) for account in self.accounts)
