"""UVC cameras: descriptors, stream negotiation, and the test picture they send."""
