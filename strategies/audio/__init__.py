"""Sound cards and MIDI: unit graphs and streams of USB Audio 1.0, 2.0 and 3.0."""
