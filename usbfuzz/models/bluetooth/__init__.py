"""A Bluetooth adapter: its USB side, and the controller that answers HCI commands."""
