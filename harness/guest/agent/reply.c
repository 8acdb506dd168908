// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replies: what any thread says to the host, in whole lines, through the port that port.c found.
 * What the port does not take at once is queued, and the poll loop is woken, which then calls reply_flush().
 */
#include "agent.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define QUEUE_BYTES (2 * (size_t)READ_BYTES)
#define WRITE_BYTES (32u << 10)	/* virtio_console takes no more at once */

struct chunk {
	struct chunk *next;
	size_t len, done;
	char data[];
};

static int host_fd = -1;
static int wake_fd = -1;

static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;
static struct chunk *out_head, **out_tail = &out_head;
static size_t out_bytes;

/* From now on the host is at FD; closes the descriptor before. Returns what to poll for wake-ups, or -1. */
int reply_open(int fd)
{
	if (wake_fd < 0)
		wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_lock(&out_lock);
	if (host_fd >= 0)
		close(host_fd);
	host_fd = fd;
	pthread_mutex_unlock(&out_lock);
	return wake_fd;
}

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
		ssize_t n = write(host_fd, data + done, want);

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

/* Sends DATA as it is, or queues what the port does not take now. Called by any thread. */
void reply_send(const char *data, size_t len)
{
	ssize_t n = 0;
	bool idle;

	pthread_mutex_lock(&out_lock);
	idle = !out_head;
	if (idle && host_fd >= 0)
		n = write_some(data, len);
	if (n >= 0 && (size_t)n < len && host_fd >= 0) {
		out_append(data + n, len - n);
		if (idle)
			eventfd_write(wake_fd, 1);	/* the loop must watch for POLLOUT */
	}
	pthread_mutex_unlock(&out_lock);
}

/* One line: ID, then FMT, cut when it is too long. */
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
	reply_send(line, len);
}

/* ID data LEN, then the bytes themselves and a newline. */
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
	reply_send(all, n + len + 1);
	free(all);
}

/* Whether anything is queued: the loop must watch for POLLOUT then. */
bool reply_queued(void)
{
	bool queued;

	pthread_mutex_lock(&out_lock);
	queued = out_head;
	pthread_mutex_unlock(&out_lock);
	return queued;
}

/* Sends what the port takes of the queue. */
void reply_flush(void)
{
	pthread_mutex_lock(&out_lock);
	out_flush();
	pthread_mutex_unlock(&out_lock);
}

/* Empties the queue: the host that it was for is gone. */
void reply_drop(void)
{
	pthread_mutex_lock(&out_lock);
	out_drop();
	pthread_mutex_unlock(&out_lock);
}
