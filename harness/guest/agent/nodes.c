// SPDX-License-Identifier: GPL-2.0-only
/* What every kind of node needs: to be opened, and to be held open. */
#include "agent.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

/* A descriptor for reading and writing as FLAGS say, or for reading alone when that is all there is; -1 with errno. */
int node_open(const struct node *node, int flags)
{
	char path[NODE_BYTES + 8];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", node->dev);
	fd = open(path, flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 && (flags & O_ACCMODE) == O_RDWR)
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	return fd;
}

/* Keeps FD open until the deadline and reads what comes, with a pause so that a flood costs little. */
void node_hold(int fd, int64_t deadline)
{
	char buffer[4096];
	int64_t left;

	while ((left = deadline - now_ms()) > 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, left) > 0 && (!(p.revents & POLLIN) || read(fd, buffer, sizeof(buffer)) <= 0))
			p.fd = -1;
		if (p.fd < 0)		/* readable, but nothing to read: only wait */
			poll(NULL, 0, deadline - now_ms() > 0 ? deadline - now_ms() : 0);
	}
}

void exercise_plain(const struct node *node, int64_t deadline)
{
	int fd = node_open(node, O_RDWR);

	if (fd >= 0)
		node_hold(fd, deadline);
}
