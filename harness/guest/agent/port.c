// SPDX-License-Identifier: GPL-2.0-only
/* The virtio port and the poll loop: lines in. The host may come and go at any time. */
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PORT_NAME "usbfuzz.agent"
#define ABSENT_MS 20		/* how often an absent host is looked for */

static int port_fd = -1;
static int wake_fd = -1;
static bool exit_on_hangup;
static bool host_absent = true;
static char input[LINE_BYTES];
static size_t input_len;
static bool input_overflow;

static void send_ready(void)
{
	char release[128] = "unknown", line[192];
	size_t len;
	char *text = slurp("/proc/sys/kernel/osrelease", &len);

	if (text) {
		snprintf(release, sizeof(release), "%.*s", (int)strcspn(text, "\n"), text);
		free(text);
	}
	reply_send(line, snprintf(line, sizeof(line), "* ready %d %s\n", PROTOCOL_VERSION, release));
}

static void host_gone(void)
{
	if (exit_on_hangup)
		exit(0);
	host_absent = true;
	input_len = 0;
	input_overflow = false;
	reply_drop();
}

static void take_lines(void)
{
	char *start = input, *end;

	while ((end = memchr(start, '\n', input_len - (start - input)))) {
		*end = '\0';
		if (input_overflow)
			reply("0", "error line is longer than %d bytes", LINE_BYTES);
		else
			verbs_dispatch(start);
		input_overflow = false;
		start = end + 1;
	}
	input_len -= start - input;
	memmove(input, start, input_len);
	if (input_len == sizeof(input)) {
		input_overflow = true;
		input_len = 0;
	}
}

static void port_read(void)
{
	ssize_t n = read(port_fd, input + input_len, sizeof(input) - input_len);

	if (n > 0) {
		input_len += n;
		take_lines();
	} else if (n == 0) {
		host_gone();
	} else if (errno != EAGAIN && errno != EINTR) {
		host_gone();
		port_find();		/* the port itself was removed */
	}
}

/* virtio_console says POLLHUP for as long as no host is connected. */
static void port_look(void)
{
	struct pollfd p = { .fd = port_fd, .events = POLLIN };

	if (poll(&p, 1, 0) >= 0 && !(p.revents & (POLLHUP | POLLERR | POLLNVAL))) {
		host_absent = false;
		send_ready();
	} else if (p.revents & POLLNVAL) {
		port_find();
	}
}

void port_loop(void)
{
	for (;;) {
		struct pollfd p[2] = {
			{ .fd = host_absent ? -1 : port_fd, .events = POLLIN },
			{ .fd = wake_fd, .events = POLLIN },
		};
		int timeout = verbs_timeout();
		eventfd_t count;

		if (reply_queued())
			p[0].events |= POLLOUT;
		if (host_absent && (timeout < 0 || timeout > ABSENT_MS))
			timeout = ABSENT_MS;
		poll(p, ARRAY_SIZE(p), timeout);
		if (p[1].revents)
			eventfd_read(wake_fd, &count);
		if (p[0].revents & POLLOUT)
			reply_flush();
		if (p[0].revents & POLLIN)
			port_read();
		else if (p[0].revents & (POLLHUP | POLLERR))
			host_gone();
		if (host_absent)
			port_look();
		verbs_expire();
	}
}

void port_attach(int fd, bool exits)
{
	if (fd < 0)
		die("no port: %m");
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	wake_fd = reply_open(fd);
	if (wake_fd < 0)
		die("no way to be woken: %m");
	port_fd = fd;
	exit_on_hangup = exits;
	host_absent = true;
}

static int port_open_named(const char *entry)
{
	char path[300];
	char *name;
	size_t len;
	bool ours;

	snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry);
	name = slurp(path, &len);
	ours = name && !strcmp(name, PORT_NAME "\n");
	free(name);
	if (!ours)
		return -1;
	snprintf(path, sizeof(path), "/dev/%s", entry);
	return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

void port_find(void)
{
	int fd = -1;

	for (unsigned int tries = 0; fd < 0; tries++) {
		DIR *dir = opendir("/sys/class/virtio-ports");
		struct dirent *e;

		while (dir && fd < 0 && (e = readdir(dir)))
			if (e->d_name[0] != '.')
				fd = port_open_named(e->d_name);
		if (dir)
			closedir(dir);
		if (fd < 0)
			usleep(10000);
		if (tries == 1000)
			dprintf(2, "usbfuzz-agent: no virtio port named " PORT_NAME "\n");
	}
	port_attach(fd, false);
}
