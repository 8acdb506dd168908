"""What holds the project together: the rules of its source, the wheel, the pages, the lists that must agree."""
