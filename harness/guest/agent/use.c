// SPDX-License-Identifier: GPL-2.0-only
/*
 * use, used: a program of user space in a child, and what became of it. The child may be stuck in the kernel: its
 * SIGKILL stays pending then, and nobody waits for it.
 */
#define _GNU_SOURCE
#include "agent.h"
#include "use.h"

#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define USES	   64
#define MAX_MS	   600000
#define PROGRAM_MAX (256u << 10)
#define DRAIN_MS   5		/* between looks at uevents, while the child looks for a node */
#define DYING_MS   500		/* for a killed child to close what it had opened */

#define TAKEN	   "-"		/* instead of a key: its end has been asked for */

static struct use {
	char key[ID_BYTES];		/* empty: free */
	unsigned int users;		/* verbs that look at it, and one until its end was asked for */
	struct progress *progress;
	unsigned int steps;
	int pidfd, told;
} uses[USES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct use *use_find(const char *key)
{
	for (size_t i = 0; i < USES; i++)
		if (!strcmp(uses[i].key, key))
			return &uses[i];
	return NULL;
}

/* What was fed under KEY, malloc'ed; NULL when nothing was, or too much. */
static unsigned char *fed(const char *key, size_t *len)
{
	int fd = input_take(key);
	struct stat st;
	unsigned char *raw = NULL;

	if (fd >= 0 && !fstat(fd, &st) && st.st_size <= PROGRAM_MAX && (raw = malloc(st.st_size + 1))) {
		ssize_t n = pread(fd, raw, st.st_size, 0);

		*len = n < 0 ? 0 : n;
	}
	if (fd >= 0)
		close(fd);
	return raw;
}

static void use_drop(struct use *use)
{
	pthread_mutex_lock(&lock);
	if (!--use->users) {
		close(use->told);
		if (use->pidfd >= 0)
			close(use->pidfd);
		munmap(use->progress, sizeof(*use->progress));
		*use->key = '\0';
	}
	pthread_mutex_unlock(&lock);
}

/* Forks the child that plays; true with USE filled, whose key is the caller's to set. */
static bool start(struct use *use, struct play *play)
{
	int ends[2];
	pid_t pid;

	use->progress = mmap(NULL, sizeof(*use->progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (use->progress == MAP_FAILED)
		return false;
	atomic_store(&use->progress->busy, 1);
	if (pipe2(ends, O_CLOEXEC)) {
		munmap(use->progress, sizeof(*use->progress));
		return false;
	}
	play->progress = use->progress;
	play->told = ends[1];
	pid = fork();
	if (!pid)
		_exit(program_play(play));
	close(ends[1]);
	use->told = ends[0];
	use->steps = play->program->count;
	use->users = 2;
	use->pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (pid > 0)
		return true;
	close(ends[0]);
	munmap(use->progress, sizeof(*use->progress));
	return false;
}

/* Whether a byte or the end came on FD until END; reads uevents meanwhile while the child needs them. */
static bool heard(int fd, const struct progress *progress, int64_t end)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t left;

	while ((left = end - now_ms()) > 0) {
		bool searching = atomic_load(&progress->searching);

		if (poll(&p, 1, searching && left > DRAIN_MS ? DRAIN_MS : left) > 0)
			return true;
		if (searching)
			uevent_drain(ALL_BUSES);
	}
	return false;
}

/* use KEY MS PATIENCE BUS...: plays what was fed under KEY; answers when no thread is busy any more, or after MS. */
void use_run(struct job *job)
{
	char *rest = job->args, *key = word(&rest);
	long ms = strtol(word(&rest), NULL, 10), patience = strtol(word(&rest), NULL, 10);
	struct play play = { .buses = buses_of(rest) };
	size_t len = 0;
	unsigned char *raw = isdigit((unsigned char)*key) && strlen(key) < ID_BYTES ? fed(key, &len) : NULL;
	struct program *program = raw ? program_read(raw, len) : NULL;
	struct use *use = NULL;

	if (program && ms >= 0 && ms <= MAX_MS && patience >= 0 && patience <= MAX_MS) {
		uevent_drain(ALL_BUSES);
		play.program = program;
		play.patient_until = now_ms() + patience;
		pthread_mutex_lock(&lock);
		use = use_find("");
		if (use && start(use, &play))
			strcpy(use->key, key);
		else
			use = NULL;
		pthread_mutex_unlock(&lock);
	}
	program_free(program);
	free(raw);
	if (!use) {
		reply(job->id, "error use: not a program, or no room for one more");
		return;
	}
	heard(use->told, use->progress, now_ms() + ms);
	use_drop(use);
	reply(job->id, "ok");
}

static bool ended(const struct use *use, int64_t end)
{
	char byte;

	while (heard(use->told, use->progress, end))
		if (read(use->told, &byte, 1) <= 0)
			return true;
	return false;
}

/* A line for how it ended, then one for each step: state, result, how often it ran. */
static void report(const char *id, const struct use *use, const char *how)
{
	static const char states[] = "-rds";
	size_t size = 64 + use->steps * 64u, len;
	char *text = malloc(size);

	if (!text) {
		reply(id, "error out of memory");
		return;
	}
	len = snprintf(text, size, "%s\n", how);
	for (unsigned int i = 0; i < use->steps; i++)
		len += snprintf(text + len, size - len, "%c %lld %u\n", states[atomic_load(&use->progress->steps[i].state) & 3],
				(long long)atomic_load(&use->progress->steps[i].result),
				atomic_load(&use->progress->steps[i].runs));
	reply_data(id, text, len);
	free(text);
}

/* used KEY MS: waits so long for the end of a program, then kills it; says how each of its steps ended. */
void used_run(struct job *job)
{
	char *rest = job->args, *key = word(&rest);
	long ms = strtol(word(&rest), NULL, 10);
	struct use *use;
	const char *how = "ended";

	pthread_mutex_lock(&lock);
	use = isdigit((unsigned char)*key) ? use_find(key) : NULL;
	if (use)
		strcpy(use->key, TAKEN);
	pthread_mutex_unlock(&lock);
	if (!use) {
		reply(job->id, "error used: no such program");
		return;
	}
	if (!ended(use, now_ms() + (ms < 0 || ms > MAX_MS ? 0 : ms))) {
		how = "killed";
		syscall(SYS_pidfd_send_signal, use->pidfd, SIGKILL, NULL, 0);
		if (!ended(use, now_ms() + DYING_MS))
			how = "stuck";
	} else if (atomic_load(&use->progress->busy)) {
		how = "died";
	}
	report(job->id, use, how);
	use_drop(use);
}
