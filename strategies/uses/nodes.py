"""What programs do with each kind of node: how it is opened, how its work is begun, what is done again and again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

__all__ = ["NODES", "NodeKind", "nodes_of"]

Lines = tuple[str, ...]


@frozen
class NodeKind:
    """One kind of node; what is opened is called ``fd``."""

    table: str  #: of usbfuzz.uses.kernel.calls, whose requests it takes
    prefixes: tuple[str, ...]  #: of these requests
    opens: tuple[Lines, ...]
    begins: tuple[Lines, ...]  #: starts a stream, or whatever has the driver send URBs
    loops: tuple[Lines, ...]  #: what a reader or writer does


#: What readers and writers of most nodes do, by the word that stands for it below.
_COMMON: Mapping[str, tuple[str, ...]] = {
    "READS": ("read(fd, 64)", "poll(fd, POLLIN, 50); read(fd, 4096)", "read(fd, 1)"),
    "WRITES": ('write(fd, "41 54 0d")', 'write(fd, "00" * 64)', 'write(fd, "ff" * 4096)'),
}

#: A kind's name, its table and the prefixes of its requests; then what it does, calls separated by ``; ``.
_TEXT = r"""
hidraw input HIDIOCGR HIDIOCSF HIDIOCGF HIDIOCGI HIDIOCSO
open  fd = open("/dev/hidraw*", O_RDWR)
open  fd = open("/dev/hidraw*", O_RDWR|O_NONBLOCK)
begin write(fd, "00" * 9)
begin ioctl(fd, HIDIOCGFEATURE, "00" * 64)
begin ioctl(fd, HIDIOCSFEATURE, "00 01" * 8)
loop  READS
loop  write(fd, "00 ff" * 4)
loop  write(fd, "01" * 65)
evdev input EVIOC
open  fd = open("/dev/input/event*", O_RDWR)
open  fd = open("/dev/input/event*", O_RDWR|O_NONBLOCK)
begin write(fd, input_event, type=EV_LED, code=LED_CAPSL, value=1)
begin e = ioctl(fd, EVIOCSFF, type=FF_RUMBLE, id=0xffff, length=100, strong_magnitude=0x8000);
      write(fd, input_event, type=EV_FF, code=e.id, value=1)
begin write(fd, input_event, type=EV_FF, code=FF_GAIN, value=0x8000)
begin ioctl(fd, EVIOCGRAB, 1)
loop  READS
loop  write(fd, input_event, type=EV_SND, code=SND_TONE, value=440)
loop  ioctl(fd, EVIOCRMFF, 0)
joystick input JSIOC
open  fd = open("/dev/input/js*", O_RDONLY)
loop  READS
hiddev input HIDIOC
open  fd = open("/dev/usb/hiddev*", O_RDWR)
begin ioctl(fd, HIDIOCINITREPORT)
begin ioctl(fd, HIDIOCSFLAG, value=3)
loop  READS
loop  ioctl(fd, HIDIOCGREPORTINFO, report_type=HID_REPORT_TYPE_INPUT, report_id=HID_REPORT_ID_FIRST)
video video VIDIOC UVCIOC
open  fd = open("/dev/video*", O_RDWR)
open  fd = open("/dev/video*", O_RDWR|O_NONBLOCK)
open  fd = open("/dev/video*", O_RDWR, 1)
open  fd = open("/dev/vbi*", O_RDWR)
open  fd = open("/dev/swradio*", O_RDWR)
begin ioctl(fd, VIDIOC_REQBUFS, count=2, type=1, memory=1); b = ioctl(fd, VIDIOC_QUERYBUF, index=0, type=1);
      m = mmap(fd, b.length, PROT_READ|PROT_WRITE, MAP_SHARED, b.offset);
      ioctl(fd, VIDIOC_QBUF, index=0, type=1, memory=1); ioctl(fd, VIDIOC_QBUF, index=1, type=1, memory=1);
      ioctl(fd, VIDIOC_STREAMON, type=1)
begin ioctl(fd, VIDIOC_S_FMT, type=1, width=640, height=480, pixelformat=V4L2_PIX_FMT_YUYV);
      ioctl(fd, VIDIOC_REQBUFS, count=2, type=1, memory=1); b = ioctl(fd, VIDIOC_QUERYBUF, index=0, type=1);
      m = mmap(fd, b.length, PROT_READ|PROT_WRITE, MAP_SHARED, b.offset);
      ioctl(fd, VIDIOC_QBUF, index=0, type=1, memory=1); ioctl(fd, VIDIOC_QBUF, index=1, type=1, memory=1);
      ioctl(fd, VIDIOC_STREAMON, type=1)
begin read(fd, 4096)
begin ioctl(fd, VIDIOC_REQBUFS, count=4, type=V4L2_BUF_TYPE_META_CAPTURE, memory=1);
      ioctl(fd, VIDIOC_STREAMON, type=V4L2_BUF_TYPE_META_CAPTURE)
loop  ioctl(fd, VIDIOC_DQBUF, type=1, memory=1); ioctl(fd, VIDIOC_QBUF, index=0, type=1, memory=1)
loop  ioctl(fd, VIDIOC_STREAMOFF, type=1); ioctl(fd, VIDIOC_STREAMON, type=1)
loop  ioctl(fd, VIDIOC_S_CTRL, id=V4L2_CID_BRIGHTNESS, value=1)
loop  c = ioctl(fd, VIDIOC_QUERYCTRL, id=V4L2_CTRL_FLAG_NEXT_CTRL); ioctl(fd, VIDIOC_G_CTRL, id=c.id)
loop  ioctl(fd, VIDIOC_S_FREQUENCY, type=V4L2_TUNER_ANALOG_TV, frequency=0x1f40)
loop  READS
radio video VIDIOC
open  fd = open("/dev/radio*", O_RDWR)
begin ioctl(fd, VIDIOC_S_FREQUENCY, type=V4L2_TUNER_RADIO, frequency=0x1400)
loop  ioctl(fd, VIDIOC_S_HW_FREQ_SEEK, type=V4L2_TUNER_RADIO, wrap_around=1)
loop  READS
media video MEDIA_ VIDIOC_
open  fd = open("/dev/media*", O_RDWR)
open  fd = open("/dev/v4l-subdev*", O_RDWR)
capture sound SNDRV_PCM_
open  fd = open("/dev/snd/pcmC*c", O_RDWR)
open  fd = open("/dev/snd/pcmC*c", O_RDWR|O_NONBLOCK)
begin ioctl(fd, SNDRV_PCM_IOCTL_HW_PARAMS, access=SNDRV_PCM_ACCESS_MMAP_INTERLEAVED);
      m = mmap(fd, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, SNDRV_PCM_MMAP_OFFSET_DATA);
      ioctl(fd, SNDRV_PCM_IOCTL_PREPARE); ioctl(fd, SNDRV_PCM_IOCTL_START)
begin ioctl(fd, SNDRV_PCM_IOCTL_HW_PARAMS); ioctl(fd, SNDRV_PCM_IOCTL_PREPARE); ioctl(fd, SNDRV_PCM_IOCTL_START)
loop  read(fd, 4096)
loop  poll(fd, POLLIN, 50)
loop  ioctl(fd, SNDRV_PCM_IOCTL_HWSYNC); touch(m)
playback sound SNDRV_PCM_
open  fd = open("/dev/snd/pcmC*p", O_RDWR)
open  fd = open("/dev/snd/pcmC*p", O_RDWR|O_NONBLOCK)
begin ioctl(fd, SNDRV_PCM_IOCTL_HW_PARAMS, access=SNDRV_PCM_ACCESS_MMAP_INTERLEAVED);
      m = mmap(fd, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, SNDRV_PCM_MMAP_OFFSET_DATA);
      ioctl(fd, SNDRV_PCM_IOCTL_PREPARE); write(fd, "00" * 1024); ioctl(fd, SNDRV_PCM_IOCTL_START)
begin ioctl(fd, SNDRV_PCM_IOCTL_HW_PARAMS, rate=48000, format=SNDRV_PCM_FORMAT_S16_LE);
      ioctl(fd, SNDRV_PCM_IOCTL_PREPARE); write(fd, "00" * 4096); ioctl(fd, SNDRV_PCM_IOCTL_START)
loop  write(fd, "10 20" * 1024)
loop  ioctl(fd, SNDRV_PCM_IOCTL_DRAIN); ioctl(fd, SNDRV_PCM_IOCTL_PREPARE)
mixer sound SNDRV_CTL_
open  fd = open("/dev/snd/controlC*", O_RDWR)
begin ioctl(fd, SNDRV_CTL_IOCTL_SUBSCRIBE_EVENTS, value=1)
begin ioctl(fd, SNDRV_CTL_IOCTL_ELEM_LIST, pids="00" * 4096)
loop  ioctl(fd, SNDRV_CTL_IOCTL_ELEM_READ, numid=1)
loop  ioctl(fd, SNDRV_CTL_IOCTL_ELEM_WRITE, numid=2, value=1)
loop  ioctl(fd, SNDRV_CTL_IOCTL_ELEM_INFO, numid=3)
loop  read(fd, 72)
midi sound SNDRV_RAWMIDI_
open  fd = open("/dev/snd/midiC*", O_RDWR)
open  fd = open("/dev/snd/midiC*", O_RDWR|O_NONBLOCK)
begin write(fd, "90 3c 40")
begin write(fd, "f0" * 64)
loop  READS
loop  write(fd, "90 3c 40" * 100)
loop  ioctl(fd, SNDRV_RAWMIDI_IOCTL_DRAIN, value=0)
hwdep sound SNDRV_HWDEP_
open  fd = open("/dev/snd/hwC*", O_RDWR)
loop  READS
tty serial TC TIO FION
open  fd = open("/dev/tty*", O_RDWR|O_NONBLOCK)
open  fd = open("/dev/tty*", O_RDWR)
begin ioctl(fd, TCSETS, c_cflag=B115200|CS8|CREAD|CLOCAL|CRTSCTS); ioctl(fd, TIOCMBIS, value=TIOCM_DTR|TIOCM_RTS)
begin ioctl(fd, TCSETS, c_cflag=B9600|CS8|CREAD|HUPCL)
begin write(fd, "41 54 0d")
loop  READS
loop  WRITES
loop  ioctl(fd, TIOCMGET)
loop  ioctl(fd, TCSBRK, 1)
loop  ioctl(fd, TCFLSH, 2)
loop  ioctl(fd, TIOCMIWAIT, 0x1c0)
printer serial LP
open  fd = open("/dev/usb/lp*", O_RDWR)
begin ioctl(fd, LPGETSTATUS)
loop  READS
loop  WRITES
wdm serial IOCTL_WDM
open  fd = open("/dev/cdc-wdm*", O_RDWR)
loop  READS
loop  WRITES
usbtmc serial USBTMC
open  fd = open("/dev/usbtmc*", O_RDWR)
begin write(fd, "2a 49 44 4e 3f 0a")
loop  READS
loop  WRITES
watchdog serial WDIOC
open  fd = open("/dev/watchdog*", O_RDWR)
loop  READS
loop  WRITES
usbmisc serial
open  fd = open("/dev/usb/*", O_RDWR)
open  fd = open("/dev/*", O_RDWR)
loop  READS
loop  WRITES
frontend dvb FE_
open  fd = open("/dev/dvb/*/frontend*", O_RDWR)
begin ioctl(fd, FE_SET_FRONTEND, frequency=474000000)
begin ioctl(fd, FE_SET_VOLTAGE, SEC_VOLTAGE_18)
loop  ioctl(fd, FE_READ_STATUS)
loop  ioctl(fd, FE_DISEQC_SEND_MASTER_CMD, msg_len=3)
loop  ioctl(fd, FE_GET_EVENT)
demux dvb DMX_
open  fd = open("/dev/dvb/*/demux*", O_RDWR)
open  fd = open("/dev/dvb/*/dvr*", O_RDONLY)
begin
      ioctl(fd, DMX_SET_PES_FILTER, pid=0x2000, output=DMX_OUT_TS_TAP, pes_type=DMX_PES_OTHER,
      flags=DMX_IMMEDIATE_START)
loop  READS
ca dvb CA_
open  fd = open("/dev/dvb/*/ca*", O_RDWR)
begin ioctl(fd, CA_RESET)
loop  READS
loop  WRITES
dvbnet dvb NET_
open  fd = open("/dev/dvb/*/net*", O_RDWR)
begin ioctl(fd, NET_ADD_IF, pid=1)
disk storage BLK HDIO CDROM SG_IO
open  fd = open("/dev/sd*", O_RDWR)
open  fd = open("/dev/sr*", O_RDONLY|O_NONBLOCK)
open  fd = open("/dev/mmcblk*", O_RDWR)
begin pread64(fd, 4096, 0)
loop  pread64(fd, 65536, 4096)
loop  pwrite64(fd, "5a" * 4096, 8192); fsync(fd)
loop  ioctl(fd, BLKFLSBUF)
sg storage SG_ SCSI_
open  fd = open("/dev/sg*", O_RDWR)
open  fd = open("/dev/bsg/*", O_RDWR)
begin
      ioctl(fd, SG_IO, interface_id=0x53, dxfer_direction=SG_DXFER_FROM_DEV, cmd_len=6,
      dxfer_len=96, dxferp="00" * 96, cmdp="12 00 00 00 60 00", timeout=1000)
loop  READS
net net SIOC
open  n = node("/sys/class/net/*"); fd = socket(AF_PACKET, SOCK_RAW, 768)
begin ioctl(fd, SIOCSIFFLAGS, name=n.name, flags=IFF_UP);
      bind(fd, sockaddr_ll, family=AF_PACKET, protocol=768, ifindex=n.ifindex)
loop  sendto(fd, "ff" * 60)
loop  sendto(fd, "00 01" * 700)
loop  recvfrom(fd, 2048, MSG_DONTWAIT)
loop  ioctl(fd, SIOCSIFFLAGS, name=n.name, flags=IFF_UP|IFF_PROMISC)
loop  ioctl(fd, SIOCSIFFLAGS, name=n.name); ioctl(fd, SIOCSIFFLAGS, name=n.name, flags=IFF_UP)
loop  ioctl(fd, SIOCSIFMTU, name=n.name, mtu=9000)
can net SIOC
open  n = node("/sys/class/net/can*"); r = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
      sendto(r, can_newlink, ifindex=n.ifindex, bitrate=500000); fd = socket(AF_CAN, SOCK_RAW, CAN_RAW)
begin ioctl(fd, SIOCSIFFLAGS, name=n.name, flags=IFF_UP); bind(fd, sockaddr_can, family=AF_CAN, ifindex=n.ifindex)
loop  write(fd, can_frame, can_id=0x123, len=8)
loop  read(fd, 16)
loop  ioctl(fd, SIOCSIFFLAGS, name=n.name)
hci net HCI
open  n = node("/sys/class/bluetooth/hci*"); fd = socket(AF_BLUETOOTH, SOCK_RAW, BTPROTO_HCI)
begin ioctl(fd, HCIDEVUP, n.number)
begin bind(fd, sockaddr_hci, family=AF_BLUETOOTH, dev=n.number)
loop  write(fd, "01 03 0c 00")
loop  read(fd, 260)
loop  ioctl(fd, HCIDEVDOWN, n.number); ioctl(fd, HCIDEVUP, n.number)
attribute common
open  fd = open("/sys/class/leds/*/brightness", O_RDWR)
open  fd = open("/sys/class/hwmon/*/*_input", O_RDONLY)
open  fd = open("/sys/class/power_supply/*/*", O_RDONLY, 3)
open  fd = open("/sys/bus/iio/devices/*/*_raw", O_RDWR)
open  fd = open("/sys/bus/usb/devices/*/*", O_RDWR, 5)
open  fd = open("/sys/bus/hid/devices/*/*", O_RDWR, 1)
loop  pread64(fd, 4096, 0)
loop  pwrite64(fd, "31 0a", 0)
loop  pwrite64(fd, "2d 31 0a", 0)
loop  write(fd, "61" * 300)
usbfs usbfs USBDEVFS_
open  fd = open("/dev/bus/usb/*/*", O_RDWR)
begin ioctl(fd, USBDEVFS_DISCONNECT_CLAIM, interface=0);
      ioctl(fd, USBDEVFS_SUBMITURB, type=USBDEVFS_URB_TYPE_BULK, endpoint=0x81, buffer="00" * 64, buffer_length=64)
begin ioctl(fd, USBDEVFS_DISCONNECT_CLAIM, interface=0); ioctl(fd, USBDEVFS_SETINTERFACE, interface=0, altsetting=1)
loop
      ioctl(fd, USBDEVFS_CONTROL, bRequestType=0x80, bRequest=6, wValue=0x100, wLength=18,
      timeout=500, data="00" * 18)
loop  ioctl(fd, USBDEVFS_RESET)
loop  ioctl(fd, USBDEVFS_IOCTL, ifno=0, ioctl_code=0x5516); ioctl(fd, USBDEVFS_IOCTL, ifno=0, ioctl_code=0x5517)
loop  read(fd, 4096)
"""

#: The nodes that drivers make for a kind of device, the commonest twice; ``usbfs`` and attributes are every device's.
_OF_KIND: Mapping[str, str] = {
    "hid": "hidraw evdev hidraw evdev hiddev joystick",
    "audio": "capture playback mixer",
    "midi": "midi",
    "video": "video video video media evdev",
    "cdc": "tty net wdm",
    "storage": "disk sg",
    "printer": "printer",
    "bluetooth": "hci",
}
_OF_VENDOR = """
tty tty net net video video frontend demux usbmisc can evdev radio capture playback mixer midi hwdep usbtmc wdm ca
dvbnet watchdog media hci disk
"""
_OF_EVERY = ("usbfs", "attribute")


def _kinds(text: str) -> Iterator[tuple[str, NodeKind]]:
    done: dict[str, list[Lines]] = {}
    for line in reversed(text.replace("\n      ", " ").strip().split("\n")):
        word, _, rest = line.partition(" ")
        if word in ("open", "begin", "loop"):
            calls = rest.strip()
            done.setdefault(word, [])[:0] = [tuple(each.split("; ")) for each in _COMMON.get(calls, (calls,))]
        else:
            table, *prefixes = rest.split()
            what = (tuple(done.get(word, ())) for word in ("open", "begin", "loop"))
            yield word, NodeKind(table, tuple(prefixes), *what)
            done = {}


NODES: Mapping[str, NodeKind] = dict(reversed(tuple(_kinds(_TEXT))))


def nodes_of(kind: str) -> tuple[str, ...]:
    """Names in :data:`NODES` for a kind of device; a kind without nodes of its own has those of all drivers."""
    return (*_OF_KIND.get(kind, _OF_VENDOR).split(), *_OF_EVERY)
