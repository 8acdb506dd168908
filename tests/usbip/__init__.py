"""USB/IP: codec, server, a real client."""
