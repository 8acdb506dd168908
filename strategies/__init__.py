"""Where the inputs of the fuzzer come from.

::

    kind + identity of a driver ──▶ builder on a board ──▶ DeviceSpec ──▶ malform ──▶ schedule ──▶ Case
    (palette)                       (hid, audio, …)        (devices)

:func:`generate` is the numbered supply of a campaign. The others are Hypothesis strategies, to be used with ``@given``;
each takes the :class:`Identities` of a kernel and falls back to the class drivers that every kernel has.
``devices_of("printer")`` makes devices of one kind (see :mod:`usbfuzz.kinds`), ``malformed(...)`` breaks those of
another strategy. :mod:`strategies.mutate` makes cases from other cases.
"""

from .cases import cases
from .devices import devices, devices_of, hid_devices, malformed
from .fields import sweep
from .generate import generate
from .identities import CLASS_DRIVERS, Identities, Identity

__all__ = [
    "CLASS_DRIVERS",
    "Identities",
    "Identity",
    "cases",
    "devices",
    "devices_of",
    "generate",
    "hid_devices",
    "malformed",
    "sweep",
]
