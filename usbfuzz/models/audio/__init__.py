"""Sound devices: headsets of Audio Class 1 and 2, a MIDI interface."""
