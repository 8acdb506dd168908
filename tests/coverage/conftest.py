"""The module that these tests look at."""

from __future__ import annotations

import pytest

from .built import Built, build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A compiled module; its files are not to be changed."""
    return build(tmp_path_factory.mktemp("kernel"))
