"""Programs of user space: their text, the kernel's names in it, what the agent gets."""
