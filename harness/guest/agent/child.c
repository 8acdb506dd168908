// SPDX-License-Identifier: GPL-2.0-only
/*
 * A child with a deadline. SIGCHLD is ignored, so the kernel reaps it; its end is
 * seen as end-of-file on a pipe. A child stuck in the kernel keeps its SIGKILL
 * pending and nobody waits for it.
 */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the child wrote to FD before it ended, CHILD_TIMEOUT when it did not in TIMEOUT_MS. */
static int outcome(int fd, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms, left;
	int rc = CHILD_TIMEOUT;

	while ((left = end - now_ms()) > 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int value;

		if (poll(&p, 1, left) <= 0)
			continue;
		if (read(fd, &value, sizeof(value)) != sizeof(value))
			break;
		rc = value;
	}
	return rc;
}

/* Runs FN in a child, which inherits nothing that says anything to the host, and kills it after TIMEOUT_MS. */
int child_run(child_fn *fn, const void *arg, int timeout_ms)
{
	int ends[2], pidfd, rc = CHILD_TIMEOUT;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return CHILD_TIMEOUT;
	pid = fork();
	if (!pid) {
		rc = fn(arg);
		if (write(ends[1], &rc, sizeof(rc)) < 0)
			_exit(1);
		_exit(0);
	}
	close(ends[1]);
	if (pid > 0) {
		pidfd = syscall(SYS_pidfd_open, pid, 0);
		rc = outcome(ends[0], timeout_ms);
		if (pidfd >= 0) {
			syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
			close(pidfd);
		}
	}
	close(ends[0]);
	return rc;
}
