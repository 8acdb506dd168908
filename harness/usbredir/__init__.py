"""The usbredir channel: how a simulated device reaches a guest.

From the bottom up: ``constants``, ``message``, ``messages`` and ``packets`` name what the protocol has; ``codec`` turns
it into bytes and back; ``session`` knows what may be said when; ``announce``, ``transfers``, ``pipes``, ``streams`` and
``exporter`` play a :class:`usbfuzz.device.Device`; ``server`` is the socket. Only ``server``, ``scheduler`` and
``latency`` know asyncio.
"""
