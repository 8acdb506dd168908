// SPDX-License-Identifier: GPL-2.0-only
/* use, used: programs of user space that the host asks for, and what became of them. */
#define _GNU_SOURCE
#include "agent.h"
#include "use.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USES	   64
#define MAX_MS	   600000
#define PROGRAM_MAX (256u << 10)

#define TAKEN	   "-"		/* instead of a key: its end has been asked for */

static struct use {
	char key[ID_BYTES];		/* empty: free */
	unsigned int users;		/* verbs that look at it, and one until its end was asked for */
	struct player player;
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
		player_drop(&use->player);
		*use->key = '\0';
	}
	pthread_mutex_unlock(&lock);
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
		if (use && player_start(&use->player, &play)) {
			strcpy(use->key, key);
			use->users = 2;
		} else {
			use = NULL;
		}
		pthread_mutex_unlock(&lock);
	}
	program_free(program);
	free(raw);
	if (!use) {
		reply(job->id, "error use: not a program, or no room for one more");
		return;
	}
	player_heard(&use->player, now_ms() + ms);
	use_drop(use);
	reply(job->id, "ok");
}

/* A line for how it ended, then one for each step: state, result, how often it ran. */
static void report(const char *id, const struct player *player, const char *how)
{
	static const char states[] = "-rds";
	size_t size = 64 + player->steps * 64u, len;
	char *text = malloc(size);

	if (!text) {
		reply(id, "error out of memory");
		return;
	}
	len = snprintf(text, size, "%s\n", how);
	for (unsigned int i = 0; i < player->steps; i++) {
		struct reached *at = &player->progress->steps[i];

		len += snprintf(text + len, size - len, "%c %lld %u\n", states[atomic_load(&at->state) & 3],
				(long long)atomic_load(&at->result), atomic_load(&at->runs));
	}
	reply_data(id, text, len);
	free(text);
}

/* used KEY MS: waits so long for the end of a program, then kills it; says how each of its steps ended. */
void used_run(struct job *job)
{
	char *rest = job->args, *key = word(&rest);
	long ms = strtol(word(&rest), NULL, 10);
	const char *how;
	struct use *use;

	pthread_mutex_lock(&lock);
	use = isdigit((unsigned char)*key) ? use_find(key) : NULL;
	if (use)
		strcpy(use->key, TAKEN);
	pthread_mutex_unlock(&lock);
	if (!use) {
		reply(job->id, "error used: no such program");
		return;
	}
	how = player_end(&use->player, now_ms() + (ms < 0 || ms > MAX_MS ? 0 : ms));
	report(job->id, &use->player, how);
	use_drop(use);
}
