"""Tests of coverage: blocks as data and in files, and what people see of them."""
