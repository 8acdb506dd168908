"""Input devices: evdev, joysticks, hidraw, hiddev."""

from __future__ import annotations

from .table import Table

__all__ = ["TABLE"]

TABLE = Table.of(
    """
input_event 24 type@16:2 code@18:2 value@20:4
input_id 8
input_absinfo 24 value@0:4 minimum@4:4 maximum@8:4 fuzz@12:4 flat@16:4 resolution@20:4
ff_effect 48 type@0:2 id@2:2 direction@4:2 button@6:2 interval@8:2 length@10:2 delay@12:2 strong_magnitude@16:2
  weak_magnitude@18:2
input_keymap_entry 40 flags@0:1 len@1:1 index@2:2 keycode@4:4 scancode@8:1
hidraw_devinfo 8
hiddev_devinfo 28
hiddev_report_info 12 report_type@0:4 report_id@4:4 num_fields@8:4
hiddev_field_info 56 report_type@0:4 report_id@4:4 field_index@8:4
hiddev_usage_ref 24 report_type@0:4 report_id@4:4 field_index@8:4 usage_index@12:4 usage_code@16:4 value@20:4
hiddev_usage_ref_multi 4124 report_type@0:4 report_id@4:4 field_index@8:4 usage_index@12:4 usage_code@16:4
  num_values@24:4
hiddev_collection_info 16 index@0:4
hiddev_string_descriptor 260 index@0:4
input_rep 8 delay@0:4 period@4:4
input_keycode 8 code@0:4 keycode@4:4
hidraw_report_descriptor 4100 size@0:4
""",
    """
EVIOCGVERSION 0x80044501 value:4
EVIOCGID 0x80084502 input_id
EVIOCGREP 0x80084503 input_rep
EVIOCSREP 0x40084503 input_rep
EVIOCGKEYCODE 0x80084504 input_keycode
EVIOCSKEYCODE 0x40084504 input_keycode
EVIOCGKEYCODE_V2 0x80284504 input_keymap_entry
EVIOCSKEYCODE_V2 0x40284504 input_keymap_entry
EVIOCSFF 0x40304580 ff_effect
EVIOCRMFF 0x40044581 int
EVIOCGEFFECTS 0x80044584 value:4
EVIOCGRAB 0x40044590 int
EVIOCREVOKE 0x40044591 int
EVIOCSCLOCKID 0x400445a0 value:4
EVIOCGNAME 0x80004506 data
EVIOCGPHYS 0x80004507 data
EVIOCGUNIQ 0x80004508 data
EVIOCGPROP 0x80004509 data
EVIOCGMTSLOTS 0x8000450a data
EVIOCGKEY 0x80004518 data
EVIOCGLED 0x80004519 data
EVIOCGSND 0x8000451a data
EVIOCGSW 0x8000451b data
EVIOCGBIT 0x80004520 data
EVIOCGABS 0x80184540 input_absinfo
EVIOCSABS 0x401845c0 input_absinfo
HIDIOCGRDESCSIZE 0x80044801 value:4
HIDIOCGRDESC 0x90044802 hidraw_report_descriptor
HIDIOCGRAWINFO 0x80084803 hidraw_devinfo
HIDIOCGRAWNAME 0x80004804 data
HIDIOCGRAWPHYS 0x80004805 data
HIDIOCSFEATURE 0xc0004806 data
HIDIOCGFEATURE 0xc0004807 data
HIDIOCGRAWUNIQ 0x80004808 data
HIDIOCSINPUT 0xc0004809 data
HIDIOCGINPUT 0xc000480a data
HIDIOCSOUTPUT 0xc000480b data
HIDIOCGOUTPUT 0xc000480c data
HIDIOCGVERSION 0x80044801 value:4
HIDIOCAPPLICATION 0x00004802 int
HIDIOCGDEVINFO 0x801c4803 hiddev_devinfo
HIDIOCGSTRING 0x81044804 hiddev_string_descriptor
HIDIOCINITREPORT 0x00004805 -
HIDIOCGNAME 0x80004806 data
HIDIOCGREPORT 0x400c4807 hiddev_report_info
HIDIOCSREPORT 0x400c4808 hiddev_report_info
HIDIOCGREPORTINFO 0xc00c4809 hiddev_report_info
HIDIOCGFIELDINFO 0xc038480a hiddev_field_info
HIDIOCGUSAGE 0xc018480b hiddev_usage_ref
HIDIOCSUSAGE 0x4018480c hiddev_usage_ref
HIDIOCGUCODE 0xc018480d hiddev_usage_ref
HIDIOCGFLAG 0x8004480e value:4
HIDIOCSFLAG 0x4004480f value:4
HIDIOCGCOLLECTIONINDEX 0x40184810 hiddev_usage_ref
HIDIOCGCOLLECTIONINFO 0xc0104811 hiddev_collection_info
HIDIOCGPHYS 0x80004812 data
HIDIOCGUSAGES 0xd01c4813 hiddev_usage_ref_multi
HIDIOCSUSAGES 0x501c4814 hiddev_usage_ref_multi
JSIOCGVERSION 0x80046a01 value:4
JSIOCGAXES 0x80016a11 value:1
JSIOCGBUTTONS 0x80016a12 value:1
JSIOCGNAME 0x80006a13 data
""",
    """
EV_SYN=0 EV_KEY=1 EV_REL=2 EV_ABS=3 EV_MSC=4 EV_LED=17 EV_SND=18 EV_REP=20 EV_FF=21 LED_NUML=0 LED_CAPSL=1
FF_RUMBLE=80 FF_PERIODIC=81 FF_CONSTANT=82 FF_SPRING=83 FF_DAMPER=85 FF_GAIN=96 FF_AUTOCENTER=97 SND_BELL=1
SND_TONE=2 HID_REPORT_TYPE_INPUT=1 HID_REPORT_TYPE_OUTPUT=2 HID_REPORT_TYPE_FEATURE=3 HID_REPORT_ID_FIRST=256
HID_REPORT_ID_NEXT=512 HIDDEV_FLAG_UREF=1 HIDDEV_FLAG_REPORT=2
""",
)
