"""What the kernel's headers say of its calls: structures, ioctl requests, constants, a module for each kind of node."""
