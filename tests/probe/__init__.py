"""The probe: its instruction decoder and what it keeps of comparisons, compiled and run on this machine."""
