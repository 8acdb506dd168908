"""How a transfer ends, in the words of Linux drivers."""

from __future__ import annotations

import errno

from usbfuzz.wire import Status

__all__ = ["ERRNO"]

#: What a driver finds in ``urb->status`` (Documentation/driver-api/usb/error-codes.rst). Every status but NAK and
#: NEVER, after which a transfer has not ended.
ERRNO: dict[Status, int] = {
    Status.OK: 0,
    Status.CANCELLED: -errno.ECONNRESET,
    Status.INVAL: -errno.EINVAL,
    Status.IO_ERROR: -errno.EPROTO,
    Status.STALL: -errno.EPIPE,
    Status.TIMEOUT: -errno.ETIMEDOUT,
    Status.BABBLE: -errno.EOVERFLOW,
}
