"""One headless browser for all tests that look at a page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .browser import CHROMIUM, Browser


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, which `scripts/bootstrap tests` installs on Debian."""
    if CHROMIUM is None:
        pytest.skip("no chromium is installed: apt-get install chromium")
    with Browser.run(tmp_path_factory.mktemp("profile")) as found:
        yield found
