"""The devices that are exported in tests: the corpus, the models, and what a campaign would plug in."""

from __future__ import annotations

from hypothesis.strategies import SearchStrategy

from strategies import cases
from tests import CASE_FILES
from tests.strategies.aliases import IDENTITIES
from usbfuzz.case import DeviceSpec, load, spec_of
from usbfuzz.models import MODELS, find_model

__all__ = ["KEPT", "ODD"]


def _kept() -> dict[str, DeviceSpec]:
    """Every device of the corpus by its file and number, and the data sheet of every model by its name."""
    found = {name: spec_of(find_model(name)(), name) for name in MODELS}
    for path in CASE_FILES:
        found |= {
            f"{path.stem}[{number}]": device for number, device in enumerate(load(path).devices) if not device.model
        }
    return found


KEPT = _kept()

#: What a campaign plugs in: plausible and malformed, with scripts of all kinds.
ODD: SearchStrategy[DeviceSpec] = cases(IDENTITIES).map(lambda case: case.devices[0])
