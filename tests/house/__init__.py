"""What holds the project together: the wheel, the pages, the lists that must agree."""
