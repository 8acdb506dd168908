"""The usbredir channel: how a simulated device reaches a guest.

From the bottom up: ``constants``, ``message``, ``messages`` and ``packets`` name what the protocol has; ``codec`` turns
it into bytes and back; ``state`` is the state machine, ``session`` walks it, ``fast`` are its shortcuts; ``said`` shows
a message; ``announce``, ``transfers``, ``streams`` and ``exporter`` play a :class:`usbfuzz.device.Device`; ``server``
is the :class:`harness.channel.protocol.Channel`, and the only module here that uses asyncio.
"""
