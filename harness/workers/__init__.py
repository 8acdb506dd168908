"""Work in other processes: children that speak JSON lines, die with their parent and are started again."""
