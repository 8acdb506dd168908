"""The nodes of the USB devices themselves."""

from __future__ import annotations

from .table import Table

__all__ = ["TABLE"]

TABLE = Table.of(
    """
usbdevfs_ctrltransfer 24 bRequestType@0:1 bRequest@1:1 wValue@2:2 wIndex@4:2 wLength@6:2 timeout@8:4 data*@16:8
usbdevfs_bulktransfer 24 ep@0:4 len@4:4 timeout@8:4 data*@16:8
usbdevfs_setinterface 8 interface@0:4 altsetting@4:4
usbdevfs_getdriver 260 interface@0:4
usbdevfs_connectinfo 8
usbdevfs_urb 56 type@0:1 endpoint@1:1 status@4:4 flags@8:4 buffer*@16:8 buffer_length@24:4 actual_length@28:4
  start_frame@32:4 number_of_packets@36:4 error_count@40:4 signr@44:4
usbdevfs_ioctl 16 ifno@0:4 ioctl_code@4:4 data*@8:8
usbdevfs_disconnect_claim 264 interface@0:4 flags@4:4
usbdevfs_streams 8 num_streams@0:4 num_eps@4:4
""",
    """
USBDEVFS_CONTROL 0xc0185500 usbdevfs_ctrltransfer
USBDEVFS_BULK 0xc0185502 usbdevfs_bulktransfer
USBDEVFS_RESETEP 0x80045503 value:4
USBDEVFS_SETINTERFACE 0x80085504 usbdevfs_setinterface
USBDEVFS_SETCONFIGURATION 0x80045505 value:4
USBDEVFS_GETDRIVER 0x41045508 usbdevfs_getdriver
USBDEVFS_SUBMITURB 0x8038550a usbdevfs_urb
USBDEVFS_DISCARDURB 0x0000550b int
USBDEVFS_REAPURB 0x4008550c value:8
USBDEVFS_REAPURBNDELAY 0x4008550d value:8
USBDEVFS_CLAIMINTERFACE 0x8004550f value:4
USBDEVFS_RELEASEINTERFACE 0x80045510 value:4
USBDEVFS_CONNECTINFO 0x40085511 usbdevfs_connectinfo
USBDEVFS_IOCTL 0xc0105512 usbdevfs_ioctl
USBDEVFS_RESET 0x00005514 -
USBDEVFS_CLEAR_HALT 0x80045515 value:4
USBDEVFS_DISCONNECT 0x00005516 int
USBDEVFS_CONNECT 0x00005517 int
USBDEVFS_GET_CAPABILITIES 0x8004551a value:4
USBDEVFS_DISCONNECT_CLAIM 0x8108551b usbdevfs_disconnect_claim
USBDEVFS_ALLOC_STREAMS 0x8008551c usbdevfs_streams
USBDEVFS_FREE_STREAMS 0x8008551d usbdevfs_streams
USBDEVFS_DROP_PRIVILEGES 0x4004551e value:4
USBDEVFS_GET_SPEED 0x0000551f -
""",
    """
USBDEVFS_URB_TYPE_ISO=0 USBDEVFS_URB_TYPE_INTERRUPT=1 USBDEVFS_URB_TYPE_CONTROL=2 USBDEVFS_URB_TYPE_BULK=3
USBDEVFS_DISCONNECT_CLAIM_EXCEPT_DRIVER=2
""",
)
