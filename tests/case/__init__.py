"""Cases: their text form, its errors, and the device that plays one."""
