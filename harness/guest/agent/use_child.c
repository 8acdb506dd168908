// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program of user space in a child, and its end. The child may be stuck in the kernel: its SIGKILL stays pending
 * then, and nobody waits for it.
 */
#define _GNU_SOURCE
#include "use.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DRAIN_MS   5		/* between looks at uevents, while the child looks for a node */
#define DYING_MS   500		/* for a killed child to close what it had opened */

/* Forks the child that plays; true with P filled. */
bool player_start(struct player *p, struct play *play)
{
	int ends[2];
	pid_t pid;

	p->progress = mmap(NULL, sizeof(*p->progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->progress == MAP_FAILED)
		return false;
	atomic_store(&p->progress->busy, 1);
	if (pipe2(ends, O_CLOEXEC)) {
		munmap(p->progress, sizeof(*p->progress));
		return false;
	}
	play->progress = p->progress;
	play->told = ends[1];
	pid = fork();
	if (!pid)
		_exit(program_play(play));
	close(ends[1]);
	p->told = ends[0];
	p->steps = play->program->count;
	p->pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (pid > 0)
		return true;
	close(ends[0]);
	munmap(p->progress, sizeof(*p->progress));
	return false;
}

/* Whether it said something, or ended, until END; reads uevents meanwhile while it needs them. */
bool player_heard(const struct player *p, int64_t end)
{
	struct pollfd fd = { .fd = p->told, .events = POLLIN };
	int64_t left;

	while ((left = end - now_ms()) > 0) {
		bool searching = atomic_load(&p->progress->searching);

		if (poll(&fd, 1, searching && left > DRAIN_MS ? DRAIN_MS : left) > 0)
			return true;
		if (searching)
			uevent_drain(ALL_BUSES);
	}
	return false;
}

bool player_ended(const struct player *p, int64_t end)
{
	char byte;

	while (player_heard(p, end))
		if (read(p->told, &byte, 1) <= 0)
			return true;
	return false;
}

/* Kills what has not ended by END; in a word, how it ended. */
const char *player_end(const struct player *p, int64_t end)
{
	if (player_ended(p, end))
		return atomic_load(&p->progress->busy) ? "died" : "ended";
	syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
	return player_ended(p, now_ms() + DYING_MS) ? "killed" : "stuck";
}

void player_drop(const struct player *p)
{
	close(p->told);
	if (p->pidfd >= 0)
		close(p->pidfd);
	munmap(p->progress, sizeof(*p->progress));
}
