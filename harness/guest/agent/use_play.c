// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plays a program, in a child process. Its threads share what they have opened, so that one may close what another
 * waits for. What was not opened is not used: such a step is passed over.
 */
#define _GNU_SOURCE
#include "use.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK	   (64u << 10)
#define LOOK_US	   10000	/* between looks whether the device is still there */
#define SEARCH_US  3000		/* between looks for a node */
#define LONGEST_S  600		/* a program whose end nobody asks for */
#define TOUCHED	   4096		/* pages of a mapping */
#define PAGE	   4096

static const long syscalls[] = { USE_SYSCALLS };
static const struct play *play;
static struct slot {
	atomic_bool valid;
	int64_t value;
	uint64_t length;		/* of a mapping */
	const unsigned char *buffer;
	size_t len;
} slots[SLOTS];
static ino_t seen[BUSES];		/* of the device of a bus, by its directory in sysfs */
static unsigned char names[STEPS][24];	/* what `node` says: name, ifindex, number */

struct run {
	unsigned int first, end, at;	/* steps of a thread */
	unsigned int turns;		/* of its `repeat` */
	bool parked;			/* it counts as busy no more */
};

static ino_t device_of(unsigned int bus)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/sys/bus/usb/devices/%u-1/", bus);
	return stat(path, &st) ? 0 : st.st_ino;
}

/* Whether all devices that were there have been let go by their drivers, or none has come in time. */
static bool unplugged(void)
{
	bool any = false;

	for (unsigned int bus = 1; bus < BUSES; bus++) {
		ino_t now = play->buses & BUS_BIT(bus) ? device_of(bus) : 0;

		if (!seen[bus])
			seen[bus] = now;
		if (seen[bus] && now == seen[bus])
			return false;
		any = any || seen[bus];
	}
	return any || now_ms() >= play->patient_until;
}

static void idle(void)
{
	if (atomic_fetch_sub(&play->progress->busy, 1) == 1 && write(play->told, "", 1) < 0)
		return;
}

static void park(struct run *run)
{
	if (!run->parked)
		idle();
	run->parked = true;
}

static bool copy_field(const struct operand *o, unsigned char *to, size_t size)
{
	const struct slot *slot = &slots[o->slot];

	if (o->kind == CONSTANT) {
		memcpy(to, &o->number, size < 8 ? size : 8);
		return true;
	}
	if (!atomic_load(&slot->valid))
		return false;
	if (o->kind == SLOT) {
		memcpy(to, &slot->value, size < 8 ? size : 8);
		return true;
	}
	if (!slot->buffer || o->offset + o->size > slot->len)
		return false;
	memcpy(to, slot->buffer + o->offset, o->size < size ? o->size : size);
	return true;
}

static bool resolve(const struct operand *o, uint64_t *value)
{
	*value = 0;
	if (o->kind != BUFFER)
		return copy_field(o, (unsigned char *)value, sizeof(*value));
	memset(o->buffer, 0, o->len);
	memcpy(o->buffer, o->literal, o->literal_len);
	for (unsigned int i = 0; i < o->patch_count; i++)
		if (!copy_field(&o->patches[i].value, o->buffer + o->patches[i].offset, o->patches[i].size))
			return false;
	*value = (uintptr_t)o->buffer;
	return true;
}

static bool find(const char *pattern, unsigned int nth, char *path, struct node *node)
{
	while (!live_find(pattern, nth, play->buses, path, LIVE_PATH_BYTES, node)) {
		atomic_store(&play->progress->searching, true);
		if (now_ms() >= play->patient_until)
			return false;
		usleep(SEARCH_US);
	}
	return true;
}

static int64_t result_of(int64_t rc)
{
	return rc < 0 ? -errno : rc;
}

static int64_t say_node(const struct node *node, unsigned char *to)
{
	const char *digits = node->name + strlen(node->name);
	uint32_t index = if_nametoindex(node->name), count;

	while (digits > node->name && digits[-1] >= '0' && digits[-1] <= '9')
		digits--;
	count = strtoul(digits, NULL, 10);
	snprintf((char *)to, 16, "%.15s", node->name);
	memcpy(to + 16, &index, sizeof(index));
	memcpy(to + 20, &count, sizeof(count));
	return 0;
}

/* Reads and writes a byte of each page by way of a pipe: a page that is not there is an error then, and no signal. */
static int64_t touch(uint64_t at, uint64_t length)
{
	int ends[2];
	int64_t rc = 0;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	for (uint64_t page = 0; page < TOUCHED && page * PAGE < length && rc >= 0; page++) {
		unsigned char *byte = (unsigned char *)(uintptr_t)(at + page * PAGE);
		char back;

		rc = result_of(write(ends[1], byte, 1));
		if (rc > 0 && read(ends[0], byte, 1) < 0 && read(ends[0], &back, 1) < 0)
			rc = -errno;	/* a mapping to be read only */
	}
	close(ends[0]);
	close(ends[1]);
	return rc < 0 ? rc : 0;
}

/* A step that is the agent's own; false when it had nothing to work on. */
static bool own(const struct step *s, const uint64_t *args, int64_t *rc)
{
	char path[LIVE_PATH_BYTES];
	struct node node;
	int fd;

	switch (s->op) {
	case USE_OPEN:
		if (!find((const char *)(uintptr_t)args[0], s->count > 2 ? args[2] : 0, path, &node))
			return false;
		fd = open(path, (int)args[1] | O_CLOEXEC | O_NOCTTY);
		*rc = result_of(fd);
		return true;
	case USE_NODE:
		if (!find((const char *)(uintptr_t)args[0], s->count > 1 ? args[1] : 0, path, &node))
			return false;
		*rc = say_node(&node, names[s - play->program->steps]);
		return true;
	case USE_SLEEP:
		*rc = usleep(args[0] * 1000);
		return true;
	case USE_TOUCH:
		*rc = touch(args[0], slots[s->operands[0].slot].length);
		return true;
	default:
		return false;
	}
}

static void keep(const struct step *s, const uint64_t *args, int64_t rc)
{
	struct slot *slot = &slots[s->result];

	if (s->result == NO_SLOT)
		return;
	atomic_store(&slot->valid, false);
	slot->value = rc;
	slot->length = s->op == USE_MMAP ? args[1] : 0;
	slot->buffer = NULL;
	if (s->op == USE_NODE) {
		slot->buffer = names[s - play->program->steps];
		slot->len = sizeof(names[0]);
	} else if (s->op == USE_IOCTL && s->count > 2 && s->operands[2].kind == BUFFER) {
		slot->buffer = s->operands[2].buffer;
		slot->len = s->operands[2].len;
	}
	atomic_store(&slot->valid, rc >= 0);
}

static int64_t call(const struct step *s, uint64_t *args)
{
	if (s->op == USE_MUNMAP) {	/* once only: what is there later may be ours */
		struct slot *slot = &slots[s->operands[0].slot];

		args[1] = slot->length;
		if (!args[1] || !atomic_exchange(&slot->valid, false))
			return -EINVAL;
	}
	return result_of(syscall(syscalls[s->op - USE_OWN_OPS], args[0], args[1], args[2], args[3], args[4], args[5]));
}

static void step(const struct step *s)
{
	unsigned int nth = s - play->program->steps;
	uint64_t args[OPERANDS] = { 0 };
	int64_t rc = 0;
	bool did = true;

	atomic_store(&play->progress->steps[nth].state, RUNNING);
	for (unsigned int i = 0; i < s->count && did; i++)
		did = resolve(&s->operands[i], &args[i]);
	if (did && s->op < USE_OWN_OPS)
		did = own(s, args, &rc);
	else if (did)
		rc = call(s, args);
	if (did)
		keep(s, args, rc);
	atomic_store(&play->progress->steps[nth].result, rc);
	atomic_fetch_add(&play->progress->steps[nth].runs, 1);
	atomic_store(&play->progress->steps[nth].state, did ? DONE : SKIPPED);
}

/* Where a thread goes on after a `repeat`: at its first step until it was repeated so often, or is unplugged. */
static unsigned int repeated(struct run *run, const struct step *s)
{
	bool again;

	if (s->count) {
		again = run->turns++ < s->operands[0].number;
	} else {
		park(run);
		again = !unplugged();
	}
	usleep(1000);		/* a loop around a call that fails at once would take all of the guest's time */
	return again ? run->first : run->at + 1;
}

static void *thread_main(void *arg)
{
	struct run *run = arg;

	while (run->at < run->end) {
		const struct step *s = &play->program->steps[run->at];
		unsigned int next = run->at + 1;

		if (s->op == USE_HOLD) {
			park(run);
			while (!unplugged())
				usleep(LOOK_US);
			atomic_store(&play->progress->steps[run->at].state, DONE);
		} else if (s->op == USE_REPEAT) {
			next = repeated(run, s);
			atomic_store(&play->progress->steps[run->at].state, DONE);
		} else {
			step(s);
		}
		run->at = next;
	}
	park(run);
	return NULL;
}

/* The steps of each thread: first those before any `thread`, then all others at a time. */
int program_play(const struct play *to_play)
{
	struct run runs[THREADS + 1] = { 0 };
	const struct program *p = to_play->program;
	pthread_t threads[THREADS];
	bool begun[THREADS] = { 0 };
	pthread_attr_t attr;

	play = to_play;
	signal(SIGPIPE, SIG_IGN);
	alarm(LONGEST_S);
	for (unsigned int i = 0, at = 0; i <= p->threads; i++) {
		runs[i].first = runs[i].at = at;
		while (at < p->count && p->steps[at].thread == i)
			at++;
		runs[i].end = at;
	}
	unplugged();			/* which device it is */
	atomic_store(&play->progress->busy, 1 + p->threads);
	thread_main(&runs[0]);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (unsigned int i = 0; i < p->threads; i++) {
		begun[i] = !pthread_create(&threads[i], &attr, thread_main, &runs[i + 1]);
		if (!begun[i])
			park(&runs[i + 1]);
	}
	for (unsigned int i = 0; i < p->threads; i++)
		if (begun[i])
			pthread_join(threads[i], NULL);
	return 0;
}
