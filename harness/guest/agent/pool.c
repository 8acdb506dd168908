// SPDX-License-Identifier: GPL-2.0-only
/* Worker threads, made when all others are busy and kept: one that hangs on a device only costs itself. */
#define _GNU_SOURCE
#include "agent.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define THREADS	    24
#define STACK_BYTES (256u << 10)
#define BACKLOG	    64

struct pool {
	int policy;
	unsigned int threads, idle, queued;
	struct job *head, **tail;
	pthread_mutex_t lock;
	pthread_cond_t wake;
};

#define POOL(p, scheduling) {						\
	.policy = (scheduling), .tail = &(p).head,			\
	.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, \
}

struct pool workers = POOL(workers, SCHED_OTHER);
struct pool barriers = POOL(barriers, SCHED_IDLE);

static void *worker(void *arg)
{
	struct pool *pool = arg;
	struct sched_param param = { 0 };

	if (pool->policy != SCHED_OTHER)
		sched_setscheduler(0, pool->policy, &param);
	pthread_mutex_lock(&pool->lock);
	for (;;) {
		struct job *job;

		pool->idle++;
		while (!pool->head)
			pthread_cond_wait(&pool->wake, &pool->lock);
		pool->idle--;
		job = pool->head;
		pool->head = job->next;
		if (!pool->head)
			pool->tail = &pool->head;
		pool->queued--;
		pthread_mutex_unlock(&pool->lock);
		job->run(job);
		free(job);
		pthread_mutex_lock(&pool->lock);
	}
	return NULL;
}

static void pool_grow(struct pool *pool)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (!pthread_create(&thread, &attr, worker, pool))
		pool->threads++;
	pthread_attr_destroy(&attr);
}

/* Takes the job over, or returns false when every thread hangs and the backlog is full. */
bool pool_submit(struct pool *pool, struct job *job)
{
	bool taken;

	pthread_mutex_lock(&pool->lock);
	if (pool->queued >= pool->idle && pool->threads < THREADS)
		pool_grow(pool);
	taken = pool->threads && pool->queued < BACKLOG;
	if (taken) {
		job->next = NULL;
		*pool->tail = job;
		pool->tail = &job->next;
		pool->queued++;
		pthread_cond_signal(&pool->wake);
	}
	pthread_mutex_unlock(&pool->lock);
	return taken;
}

struct job *job_new(const char *id, void (*run)(struct job *), const char *args)
{
	size_t len = strlen(args) + 1;
	struct job *job = malloc(sizeof(*job) + len);

	if (!job)
		return NULL;
	job->next = NULL;
	job->run = run;
	job->due = 0;
	strncpy(job->id, id, sizeof(job->id) - 1);
	job->id[sizeof(job->id) - 1] = '\0';
	memcpy(job->args, args, len);
	return job;
}
