"""What any device channel is: a way on which a simulated device reaches a host.

::

    the host ── messages ──> a channel's own session and exporter ──> Pipes ──> the Device's methods
                             (harness.usbredir, harness.usbip)       one queue for each endpoint

    listeners <── Said (a line of text, an Event on the bus) <── trace, when somebody listens

:mod:`.protocol` says what a channel offers to those who plug devices in, and in which state. The rest is what channels
are built of: :mod:`.exporter` asks a device's code, :mod:`.pipes` keeps answers in order, :mod:`.scheduler` waits in
guest time, :mod:`.latency` notices a busy event loop, :mod:`.statuses` and :mod:`.lines` have what they say in common.
:mod:`.said`, :mod:`.events` and :mod:`.conversation` are what was said, in terms of the bus and not of a protocol.

Nothing here depends on a particular channel.
"""
