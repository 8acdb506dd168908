"""A few lines of a real modules.alias (Linux 6.1), one or more of each form."""

from __future__ import annotations

from strategies import Identities

ALIASES = """\
# Aliases extracted from modules themselves.
alias pci:v00008086d00001533sv*sd*bc*sc*i* igb
alias usb:v061DpC120d*dc*dsc*dp*ic*isc*ip*in* quatech2
alias usb:v061DpC140d*dc*dsc*dp*ic*isc*ip*in* quatech2
alias usb:v0403p6001d*dc*dsc*dp*ic*isc*ip*in* ftdi_sio
alias usb:v0403p6010d*dc*dsc*dp*ic*isc*ip*in* ftdi_sio
alias usb:v0403p6011d*dc*dsc*dp*ic*isc*ip*in* ftdi_sio
alias usb:v0572pCAFEd*dc*dsc*dp*ic*isc*ip*in* cxacru
alias usb:v*p*d*dc*dsc*dp*icE0isc01ip01in* btusb
alias usb:v2020p2060d*dc*dsc*dp*ic*isc*ip*in04* qmi_wwan
alias usb:v13FDp3940d0[0-2]*dc*dsc*dp*ic*isc*ip*in* uas
alias usb:v125FpA94Ad0160dc*dsc*dp*ic*isc*ip*in* uas
alias usb:v*p*d*dc*dsc*dp*ic08isc06ip62in* uas
alias usb:v*p*d*dc*dsc*dp*ic08isc06ip50in* usb_storage
alias usb:v041Ep3000d*dc*dsc*dp*ic*isc*ip*in* snd_usb_audio
alias usb:v*p*d*dc*dsc*dp*ic01isc01ip*in* snd_usb_audio
alias usb:v*p*d*dc*dsc*dp*ic0Eisc01ip00in* uvcvideo
alias usb:v*p*d*dc09dsc*dp*ic*isc*ip*in* usbcore
alias usb:v*p*d*dc*dsc*dp*ic02isc02ip01in* cdc_acm
alias usb:v*p*d*dc*dsc*dp*ic02isc0Dip00in* cdc_ncm
alias usb:v*p*d*dc*dsc*dp*ic07isc01ip02in* usblp
alias usb:v*p*d*dc*dsc*dp*ic03isc*ip*in* usbhid
alias hid:b0018g0101v0000056Ap* wacom
alias hid:b0003g0101v0000056Ap* wacom
alias hid:b0003g*v0000046Dp0000C29B hid_logitech
alias hid:b*g0004v*p* hid_multitouch
alias hid:b*g0003v*p* hid_sensor_hub
alias hid:b0005g*v0000054Cp00000CE6 hid_playstation
alias hid:b*g*v*p* hid_generic
"""

IDENTITIES = Identities.parse(ALIASES)
