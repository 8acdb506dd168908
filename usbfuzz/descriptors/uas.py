"""USB Attached SCSI: the descriptor behind each endpoint. UAS §5.2.3.5."""

from __future__ import annotations

from .base import Descriptor, Families
from .constants import ClassCode, DescriptorType
from .fields import u8

__all__ = ["FAMILIES", "UAS", "PipeUsageDescriptor"]


class PipeUsageDescriptor(Descriptor, bDescriptorType=DescriptorType.CS_INTERFACE, label="pipe usage"):
    """Pipe usage descriptor, 4 bytes, after each endpoint of a UAS interface. UAS §5.2.3.5."""

    bPipeID: u8  #: 1 command, 2 status, 3 data-in, 4 data-out
    bReserved: u8 = 0


UAS: tuple[type[Descriptor], ...] = (PipeUsageDescriptor,)

FAMILIES: Families = {(ClassCode.MASS_STORAGE, None, None): UAS}
