// SPDX-License-Identifier: GPL-2.0-only
/*
 * exercise: use the nodes of new devices for a moment. Much of a driver runs only while
 * its node is open: usbhid polls, tty drivers start reading, network
 * drivers submit their receive URBs. Each node gets a thread of its own, all of
 * them in one child: a fork for each costs the guest more than most drivers do.
 */
#define _GNU_SOURCE
#include "agent.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <unistd.h>

#define NODES	 32		/* in one call */
#define STACK	 (64u << 10)
#define GRACE_MS 100		/* for closing, before the kill */
#define MAX_MS	 600000

/* The first match wins; a pattern that ends in * matches as a prefix, *text* anywhere, NULL matches anything. */
struct kind {
	const char *subsystem, *name;
	exercise_fn *run;	/* NULL: nothing to open, or not worth it */
};

#include "kinds.h"		/* the table `kinds`, written from usbfuzz/kinds when the agent is built */

struct task {
	const struct node *node;
	exercise_fn *run;
	int64_t deadline;
};

struct batch {
	unsigned int count;
	struct task tasks[NODES];
};

static bool matches(const char *pattern, const char *text)
{
	size_t len = pattern ? strlen(pattern) : 0;

	if (!pattern)
		return true;
	if (pattern[0] == '*')		/* *infix* */
		return memmem(text, strlen(text), pattern + 1, len - 2);
	if (pattern[len - 1] == '*')
		return !strncmp(text, pattern, len - 1);
	return !strcmp(text, pattern);
}

/* A node that matches no kind is only held open, if it has a file below /dev. */
static exercise_fn *kind_of(const struct node *node)
{
	exercise_fn *run = exercise_plain;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (matches(kinds[i].subsystem, node->subsystem) && matches(kinds[i].name, node->name)) {
			run = kinds[i].run;
			break;
		}
	return run == exercise_plain && !*node->dev ? NULL : run;
}

/* Has a table of descriptors of its own, so what it leaves open is closed when it ends, not when the last thread does. */
static void *task_thread(void *arg)
{
	const struct task *task = arg;

	if (!unshare(CLONE_FILES))
		task->run(task->node, task->deadline);
	return NULL;
}

static int batch_child(const void *arg)
{
	const struct batch *batch = arg;
	pthread_t threads[NODES];
	pthread_attr_t attr;
	unsigned int begun = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (unsigned int i = 0; i < batch->count; i++)
		if (!pthread_create(&threads[begun], &attr, task_thread, (void *)&batch->tasks[i]))
			begun++;
	for (unsigned int i = 0; i < begun; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

void exercise_run(struct job *job)
{
	struct node nodes[NODES];
	struct batch batch = { 0 };
	char *rest = job->args, *number = word(&rest), *end;
	long ms = strtol(number, &end, 10);
	uint64_t buses = buses_of(rest);
	int64_t deadline;
	size_t count;

	if (end == number || *end || ms < 0 || ms > MAX_MS) {
		reply(job->id, "error bad milliseconds");
		return;
	}
	uevent_drain(ALL_BUSES);
	count = heard_new_nodes(nodes, NODES, buses);
	deadline = now_ms() + ms;
	for (size_t i = 0; i < count; i++) {
		exercise_fn *run = kind_of(&nodes[i]);

		if (run)
			batch.tasks[batch.count++] = (struct task){ &nodes[i], run, deadline };
	}
	if (batch.count)
		child_run(batch_child, &batch, ms + GRACE_MS);
	reply(job->id, "ok %u", batch.count);
}
