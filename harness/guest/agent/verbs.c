// SPDX-License-Identifier: GPL-2.0-only
/* The table of verbs, and the timers of those that wait first. */
#include "agent.h"

#include <stdlib.h>
#include <string.h>

#define TIMERS	 256
#define MAX_MS	 (24L * 3600 * 1000)

static void sleep_run(struct job *job)
{
	reply(job->id, *job->args ? "error bad milliseconds" : "ok");
}

static void ping_run(struct job *job)
{
	reply(job->id, *job->args ? "ok %s" : "ok", job->args);
}

static const struct verb {
	const char *name;
	void (*run)(struct job *job);
	struct pool *pool;	/* NULL: in the loop, because it cannot block */
	bool timed;		/* the first argument is how many guest ms to wait before */
} verbs[] = {
	{ "sleep",    sleep_run,    NULL,      true },
	{ "settle",   settle_run,   &barriers, true },
	{ "ping",     ping_run,     NULL,      false },
	{ "exercise", exercise_run, &workers,  false },
	{ "validate", validate_run, &workers,  false },
	{ "load",     load_run,     &workers,  false },
	{ "unload",   unload_run,   &workers,  false },
	{ "reset",    reset_run,    &workers,  false },
	{ "write",    write_run,    &workers,  false },
	{ "read",     read_run,     &workers,  false },
	{ "kmsg",     kmsg_run,     &workers,  false },
	{ "lsusb",    lsusb_run,    &workers,  false },
	{ "mark",     mark_run,     &workers,  false },
	{ "feed",     feed_run,     NULL,      false },
	{ "run",      run_run,      &workers,  false },
	{ "use",      use_run,      &workers,  false },
	{ "used",     used_run,     &workers,  false },
	{ "survey",   survey_run,   &workers,  false },
};

static struct {
	struct job *job;
	struct pool *pool;
} timers[TIMERS];
static unsigned int timer_count;

static void start(struct job *job, struct pool *pool)
{
	if (!pool) {
		job->run(job);
		free(job);
	} else if (!pool_submit(pool, job)) {
		reply(job->id, "error all workers hang");
		free(job);
	}
}

static void start_later(struct job *job, struct pool *pool)
{
	char *rest = job->args, *number = word(&rest), *end;
	long ms = strtol(number, &end, 10);

	if (end == number || *end || ms < 0 || ms > MAX_MS || timer_count == TIMERS) {
		reply(job->id, timer_count == TIMERS ? "error too many timers" : "error bad milliseconds");
		free(job);
		return;
	}
	job->due = now_ms() + ms;
	memmove(job->args, rest, strlen(rest) + 1);
	timers[timer_count].job = job;
	timers[timer_count++].pool = pool;
}

/* Milliseconds until the next timer, -1 without one. */
int verbs_timeout(void)
{
	int64_t first = INT64_MAX, now;

	if (!timer_count)
		return -1;
	for (unsigned int i = 0; i < timer_count; i++)
		if (timers[i].job->due < first)
			first = timers[i].job->due;
	now = now_ms();
	return first > now ? (int)(first - now) : 0;
}

void verbs_expire(void)
{
	int64_t now = timer_count ? now_ms() : 0;

	for (unsigned int i = 0; i < timer_count;) {
		struct job *job = timers[i].job;
		struct pool *pool = timers[i].pool;

		if (job->due > now) {
			i++;
			continue;
		}
		timers[i] = timers[--timer_count];
		start(job, pool);
	}
}

/* One line from the host: ID VERB [ARGS...]. A line without a decimal ID is ignored: no reply could be matched to it. */
void verbs_dispatch(char *line)
{
	char *id = word(&line), *name = word(&line);
	const struct verb *v = NULL;
	struct job *job;

	if (!*id || strspn(id, "0123456789") != strlen(id) || strlen(id) >= ID_BYTES)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(verbs) && !v; i++)
		if (!strcmp(name, verbs[i].name))
			v = &verbs[i];
	if (!v) {
		reply(id, "error unknown verb");
		return;
	}
	job = job_new(id, v->run, line);
	if (!job)
		reply(id, "error out of memory");
	else if (v->timed)
		start_later(job, v->pool);
	else
		start(job, v->pool);
}
