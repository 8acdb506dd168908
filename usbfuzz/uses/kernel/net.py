"""Network and CAN interfaces, and Bluetooth's, of which no header of the kernel's user space speaks."""

from __future__ import annotations

from .table import Table

__all__ = ["TABLE"]

TABLE = Table.of(
    """
ifreq 40 name@0:16 flags@16:2 mtu@16:4 hwaddr@18:14 family@16:2 qlen@16:4 data*@16:8
sockaddr_ll 20 family@0:2 protocol@2:2 ifindex@4:4 hatype@8:2
sockaddr_can 24 family@0:2 ifindex@4:4
sockaddr_hci 6 family@0:2 dev@2:2 channel@4:2
can_frame 16 can_id@0:4 len@4:1 data@8:8
can_newlink 84 ifindex@20:4 bitrate@52:4 =0:5400000010000100 =32:34001200 =36:0700010063616e00 =44:28000200
  =48:24000100
""",
    """
SIOCGIFFLAGS 0x00008913 ifreq
SIOCSIFFLAGS 0x00008914 ifreq
SIOCSIFMTU 0x00008922 ifreq
SIOCSIFHWADDR 0x00008924 ifreq
SIOCSIFTXQLEN 0x00008943 ifreq
SIOCETHTOOL 0x00008946 ifreq
SIOCGMIIPHY 0x00008947 ifreq
SIOCGMIIREG 0x00008948 ifreq
SIOCSMIIREG 0x00008949 ifreq
SIOCADDMULTI 0x00008931 ifreq
SIOCDELMULTI 0x00008932 ifreq
HCIDEVUP 0x400448c9 int
HCIDEVDOWN 0x400448ca int
HCIDEVRESET 0x400448cb int
""",
    """
AF_PACKET=17 AF_INET=2 AF_CAN=29 AF_NETLINK=16 SOCK_RAW=3 SOCK_DGRAM=2 SOCK_NONBLOCK=0x800 CAN_RAW=1
NETLINK_ROUTE=0 IFF_UP=1 IFF_PROMISC=256 IFF_ALLMULTI=512 SOL_SOCKET=1 SO_BINDTODEVICE=25 SOL_PACKET=263
AF_BLUETOOTH=31 BTPROTO_HCI=1 SOL_CAN_RAW=101 CAN_RAW_FILTER=1 CAN_RAW_FD_FRAMES=5 MSG_DONTWAIT=64
""",
)
