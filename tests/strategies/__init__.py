"""What is generated: determinism, validity, reach, rate."""
