// SPDX-License-Identifier: GPL-2.0-only
/* Entry: PID 1, the kernel's modprobe helper, or (tests) a plain process on an inherited descriptor. */
#include "agent.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');

	if (!strcmp(name ? name + 1 : argv[0], "modprobe"))
		return modprobe_main(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);	/* children are reaped by the kernel, without waking us */
	if (argc == 3 && !strcmp(argv[1], "--fd")) {
		port_attach(atoi(argv[2]), true);
	} else if (getpid() == 1) {
		boot();
		heard_open();
		port_find();
	} else {
		fprintf(stderr, "usage: %s --fd N   (or as PID 1 of a usbfuzz guest)\n", argv[0]);
		return 2;
	}
	port_loop();
}
