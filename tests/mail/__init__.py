"""What goes into the mail about a crash: the guilty files, the tree with MAINTAINERS, all that cannot be had."""
