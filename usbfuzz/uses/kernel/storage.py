"""Disks, drives and SCSI generic nodes."""

from __future__ import annotations

from .table import Table

__all__ = ["TABLE"]

TABLE = Table.of(
    """
sg_io_hdr 88 interface_id@0:4 dxfer_direction@4:4 cmd_len@8:1 mx_sb_len@9:1 dxfer_len@12:4 dxferp*@16:8 cmdp*@24:8
  sbp*@32:8 timeout@40:4 flags@44:4
hd_geometry 16
cdrom_generic_command 64 buflen@24:4 timeout@48:4
""",
    """
BLKROGET 0x0000125e value:4
BLKROSET 0x0000125d value:4
BLKRRPART 0x0000125f -
BLKGETSIZE64 0x80081272 value:8
BLKFLSBUF 0x00001261 -
BLKSSZGET 0x00001268 value:4
HDIO_GETGEO 0x00000301 hd_geometry
SG_IO 0x00002285 sg_io_hdr
SG_GET_VERSION_NUM 0x00002282 value:4
SG_SET_TIMEOUT 0x00002201 value:4
SG_SET_RESERVED_SIZE 0x00002275 value:4
SG_SCSI_RESET 0x00002284 value:4
SG_GET_SCSI_ID 0x00002276 data[32]
SCSI_IOCTL_TEST_UNIT_READY 0x00000002 -
SCSI_IOCTL_START_UNIT 0x00000005 -
SCSI_IOCTL_STOP_UNIT 0x00000006 -
CDROMEJECT 0x00005309 -
CDROMCLOSETRAY 0x00005319 -
CDROM_DRIVE_STATUS 0x00005326 int
CDROM_MEDIA_CHANGED 0x00005325 int
CDROMRESET 0x00005312 -
CDROM_LOCKDOOR 0x00005329 int
""",
    """
SG_DXFER_FROM_DEV=-3 SG_DXFER_TO_DEV=-2 SG_DXFER_NONE=-1
""",
)
