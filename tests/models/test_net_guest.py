"""Simulated network adapters on a real kernel: an address by DHCP, answers to ping, a cable that is pulled."""

from __future__ import annotations

import pytest

from harness.workbench import Workbench
from usbfuzz.models.net.cdc import EcmAdapter, EthernetAdapter, NcmAdapter
from usbfuzz.models.net.eem import EemAdapter

pytestmark = [pytest.mark.guest, pytest.mark.usefixtures("nothing_goes_wrong")]

ADAPTERS = pytest.mark.parametrize(
    ("model", "driver"), [(EcmAdapter, "cdc_ether"), (NcmAdapter, "cdc_ncm"), (EemAdapter, "cdc_eem")]
)

#: What udhcpc runs for each of its events.
CONFIGURE = b"""#!/bin/sh
[ "$1" = bound ] && ifconfig $interface $ip netmask $subnet && route add default gw $router
exit 0
"""


@pytest.fixture
def adapter(workbench: Workbench, model: type[EthernetAdapter], driver: str) -> EthernetAdapter:
    """Plugged in, up, and configured by DHCP."""
    adapter = model()
    workbench.plug(0, adapter)
    assert set(workbench.drivers().values()) == {driver}
    assert workbench.run(("sh", "-c", "cat > /tmp/configure; chmod +x /tmp/configure"), stdin=CONFIGURE).status == 0
    name = _interface(workbench)
    workbench.sh(f"ifconfig {name} up; udhcpc -i {name} -n -q -f -s /tmp/configure")
    return adapter


def _interface(workbench: Workbench) -> str:
    """usb0, or eth0 when the address is not a locally administered one of the driver's own making."""
    return workbench.sh("ls /sys/class/net | grep -E '^(usb|eth)'").strip()


@ADAPTERS
def test_an_adapter_gets_an_address_by_dhcp(workbench: Workbench, adapter: EthernetAdapter) -> None:
    assert "inet addr:10.62.7.2  Bcast:10.62.7.255  Mask:255.255.255.0" in workbench.sh(
        f"ifconfig {_interface(workbench)}"
    )
    assert adapter.host.leases == 1


@ADAPTERS
@pytest.mark.parametrize("size", [0, 56, 470, 1472])
def test_the_host_behind_an_adapter_answers_every_ping(
    workbench: Workbench, adapter: EthernetAdapter, size: int
) -> None:
    answered = workbench.sh(f"ping -c 4 -i 0.1 -W 60 -s {size} 10.62.7.1")
    assert "4 packets transmitted, 4 packets received" in answered
    assert adapter.host.pings == 4


CARRIERS = pytest.mark.parametrize(("model", "driver"), [(EcmAdapter, "cdc_ether"), (NcmAdapter, "cdc_ncm")])


@CARRIERS
def test_an_adapter_with_an_address_in_its_strings_has_that_one(workbench: Workbench, adapter: EthernetAdapter) -> None:
    address = workbench.sh(f"cat /sys/class/net/{_interface(workbench)}/address").strip()
    assert address.replace(":", "") == dict(adapter.strings)[3]


@CARRIERS
def test_a_pulled_cable_takes_the_carrier_away(workbench: Workbench, adapter: EthernetAdapter) -> None:
    carrier = f"until [ $(cat /sys/class/net/{_interface(workbench)}/carrier) = %d ]; do sleep 0.05; done"
    workbench.call(adapter.set_link, False)
    workbench.sh(carrier % 0)
    workbench.call(adapter.set_link, True)
    workbench.sh(carrier % 1)
