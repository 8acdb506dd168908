// SPDX-License-Identifier: GPL-2.0-only
/* What every other file may need: the ways to end the guest. */
#include "agent.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>

void power_off(void)
{
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	_exit(1);
}

/* The line on the console tells the host that it was the agent, not the kernel, that failed. */
void die(const char *fmt, ...)
{
	va_list ap;

	dprintf(2, "usbfuzz-agent: fatal: ");
	va_start(ap, fmt);
	vdprintf(2, fmt, ap);
	va_end(ap);
	dprintf(2, "\n");
	power_off();
}
