// SPDX-License-Identifier: GPL-2.0-only
/* What every other file may need: the clock, and the ways to end the guest. */
#include "agent.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

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
