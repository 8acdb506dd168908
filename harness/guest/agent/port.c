// SPDX-License-Identifier: GPL-2.0-only
/* The virtio port: lines in, replies out. The host may come and go at any time. */
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PORT_NAME     "usbfuzz.agent"
#define QUEUE_BYTES   (2 * (size_t)READ_BYTES)
#define WRITE_BYTES   (32u << 10)	/* virtio_console takes no more at once */
#define ABSENT_MS     20		/* how often an absent host is looked for */

struct chunk {
	struct chunk *next;
	size_t len, done;
	char data[];
};

static int port_fd = -1;
static int wake_fd = -1;
static bool exit_on_hangup;
static bool host_absent = true;
static char input[LINE_BYTES];
static size_t input_len;
static bool input_overflow;

static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;
static struct chunk *out_head, **out_tail = &out_head;
static size_t out_bytes;

static void out_drop(void)
{
	while (out_head) {
		struct chunk *next = out_head->next;

		free(out_head);
		out_head = next;
	}
	out_tail = &out_head;
	out_bytes = 0;
}

/* Writes what the port takes now: the number of bytes, or -1 when the host is gone. */
static ssize_t write_some(const char *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t want = len - done < WRITE_BYTES ? len - done : WRITE_BYTES;
		ssize_t n = write(port_fd, data + done, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return -1;
		if (n <= 0)
			break;
		done += n;
	}
	return done;
}

static void out_flush(void)
{
	while (out_head) {
		struct chunk *c = out_head;
		ssize_t n = write_some(c->data + c->done, c->len - c->done);

		if (n < 0) {
			out_drop();
			return;
		}
		c->done += n;
		out_bytes -= n;
		if (c->done < c->len)
			return;
		out_head = c->next;
		if (!out_head)
			out_tail = &out_head;
		free(c);
	}
}

static void out_append(const char *data, size_t len)
{
	struct chunk *c;

	/* A host that stops reading loses replies, never the agent. */
	if (out_bytes + len > QUEUE_BYTES)
		return;
	c = malloc(sizeof(*c) + len);
	if (!c)
		return;
	memcpy(c->data, data, len);
	c->next = NULL;
	c->len = len;
	c->done = 0;
	*out_tail = c;
	out_tail = &c->next;
	out_bytes += len;
}

void port_send(const char *data, size_t len)
{
	ssize_t n = 0;
	bool idle;

	pthread_mutex_lock(&out_lock);
	idle = !out_head;
	if (idle && port_fd >= 0)
		n = write_some(data, len);
	if (n >= 0 && (size_t)n < len && port_fd >= 0) {
		out_append(data + n, len - n);
		if (idle)
			eventfd_write(wake_fd, 1);	/* the loop must watch for POLLOUT */
	}
	pthread_mutex_unlock(&out_lock);
}

void reply(const char *id, const char *fmt, ...)
{
	char line[LINE_BYTES];
	va_list ap;
	int len, more;

	len = snprintf(line, sizeof(line), "%s ", id);
	va_start(ap, fmt);
	more = vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
	va_end(ap);
	if (more > (int)sizeof(line) - len - 2)
		more = sizeof(line) - len - 2;
	len += more;
	line[len++] = '\n';
	port_send(line, len);
}

void reply_data(const char *id, const char *data, size_t len)
{
	char head[64];
	size_t n = snprintf(head, sizeof(head), "%s data %zu\n", id, len);
	char *all = malloc(n + len + 1);

	if (!all) {
		reply(id, "error out of memory");
		return;
	}
	memcpy(all, head, n);
	memcpy(all + n, data, len);
	all[n + len] = '\n';
	port_send(all, n + len + 1);
	free(all);
}

static void send_ready(void)
{
	char release[128] = "unknown", line[192];
	size_t len;
	char *text = slurp("/proc/sys/kernel/osrelease", &len);

	if (text) {
		snprintf(release, sizeof(release), "%.*s", (int)strcspn(text, "\n"), text);
		free(text);
	}
	port_send(line, snprintf(line, sizeof(line), "* ready %d %s\n", PROTOCOL_VERSION, release));
}

static void host_gone(void)
{
	if (exit_on_hangup)
		exit(0);
	host_absent = true;
	input_len = 0;
	input_overflow = false;
	pthread_mutex_lock(&out_lock);
	out_drop();
	pthread_mutex_unlock(&out_lock);
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

		pthread_mutex_lock(&out_lock);
		if (out_head)
			p[0].events |= POLLOUT;
		pthread_mutex_unlock(&out_lock);
		if (host_absent && (timeout < 0 || timeout > ABSENT_MS))
			timeout = ABSENT_MS;
		poll(p, ARRAY_SIZE(p), timeout);
		if (p[1].revents)
			eventfd_read(wake_fd, &count);
		if (p[0].revents & POLLOUT) {
			pthread_mutex_lock(&out_lock);
			out_flush();
			pthread_mutex_unlock(&out_lock);
		}
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
	if (wake_fd < 0)
		wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0 || wake_fd < 0)
		die("no port: %m");
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	pthread_mutex_lock(&out_lock);
	if (port_fd >= 0)
		close(port_fd);
	port_fd = fd;
	pthread_mutex_unlock(&out_lock);
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
