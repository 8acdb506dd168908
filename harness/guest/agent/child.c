// SPDX-License-Identifier: GPL-2.0-only
/*
 * Children with a deadline. SIGCHLD is ignored, so the kernel reaps them; their
 * end is seen as end-of-file on a pipe, which costs one wake-up for a whole brood.
 * A child stuck in the kernel keeps its SIGKILL pending and nobody waits for it.
 */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BROOD 64

struct brood {
	int pipe[2];
	unsigned int count;
	int pidfds[BROOD];
};

struct brood *brood_new(void)
{
	struct brood *b = malloc(sizeof(*b));

	if (b && pipe2(b->pipe, O_CLOEXEC)) {
		free(b);
		return NULL;
	}
	if (b)
		b->count = 0;
	return b;
}

/* Runs FN in a child, which inherits nothing that says anything to the host. */
bool brood_add(struct brood *b, child_fn *fn, const void *arg)
{
	pid_t pid;

	if (b->count == BROOD)
		return false;
	pid = fork();
	if (pid < 0)
		return false;
	if (!pid) {
		int rc = fn(arg);

		if (write(b->pipe[1], &rc, sizeof(rc)) < 0)
			_exit(1);
		_exit(0);
	}
	b->pidfds[b->count] = syscall(SYS_pidfd_open, pid, 0);
	if (b->pidfds[b->count] >= 0)
		b->count++;
	return true;
}

/* Waits until all have ended or for TIMEOUT_MS, kills the rest; the last exit value, or CHILD_TIMEOUT. */
static int brood_wait(struct brood *b, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms, left;
	int rc = CHILD_TIMEOUT;

	close(b->pipe[1]);
	while ((left = end - now_ms()) > 0) {
		struct pollfd p = { .fd = b->pipe[0], .events = POLLIN };
		int value;

		if (poll(&p, 1, left) <= 0)
			continue;
		if (read(b->pipe[0], &value, sizeof(value)) != sizeof(value))
			break;
		rc = value;
	}
	for (unsigned int i = 0; i < b->count; i++) {
		syscall(SYS_pidfd_send_signal, b->pidfds[i], SIGKILL, NULL, 0);
		close(b->pidfds[i]);
	}
	close(b->pipe[0]);
	free(b);
	return rc;
}

void brood_finish(struct brood *b, int timeout_ms)
{
	brood_wait(b, timeout_ms);
}

int child_run(child_fn *fn, const void *arg, int timeout_ms)
{
	struct brood *b = brood_new();

	if (!b)
		return CHILD_TIMEOUT;
	brood_add(b, fn, arg);
	return brood_wait(b, timeout_ms);
}
