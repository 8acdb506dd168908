// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is found is written into the ring of the shared memory, and the host is told by an eventfd. In HEAP_REPORT the
 * virtual CPU then waits in here until the host lets it go on by another one: meanwhile the host has an NMI injected,
 * which the CPU takes at the end of the block that it executes, so that the kernel prints the stack of this very access.
 */
#include "probe.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 5000	/* for a host that does not answer */
#define SEEN	1024	/* places of code that were reported; each is reported once */

static int report_fd, resume_fd;
static uint64_t seen[SEEN];
static unsigned int seen_count;

void report_start(int tell, int answer)
{
	report_fd = tell;
	resume_fd = answer;
}

static bool is_new(const struct found *found)
{
	uint64_t place = found->pc ^ (uint64_t)found->kind << 60 ^ (uint64_t)found->write << 59;

	for (unsigned int i = 0; i < seen_count; i++)
		if (seen[i] == place)
			return false;
	if (seen_count == SEEN)
		return false;
	seen[seen_count++] = place;
	return true;
}

static void wait_for_host(void)
{
	struct pollfd fd = { .fd = resume_fd, .events = POLLIN };
	uint64_t count;

	if (resume_fd < 0)
		return;
	while (poll(&fd, 1, WAIT_MS) < 0 && errno == EINTR)
		;
	if (fd.revents & POLLIN && read(resume_fd, &count, sizeof(count)) < 0)
		complain("the host's answer to a report cannot be read: %s", strerror(errno));
}

static void describe(struct report *to, const struct found *found)
{
	const struct object *object = object_near(found->bad);
	uint64_t name, words[STACK_WORDS];

	*to = (struct report){
		.kind = found->kind, .write = found->write, .pc = found->pc, .callee = found->callee,
		.address = found->address, .size = found->size, .bad = found->bad,
	};
	if (found->registers) {
		stack_scan(words);
		stack_frames(to->stack, words);
	}
	if (!object)
		return;
	to->object = object->start;
	to->object_size = object->size;
	stack_words(object->allocated, words);
	stack_frames(to->allocated, words);
	stack_words(object->freed, words);
	stack_frames(to->freed, words);
	name = object->cache && shared->cache_name != NOWHERE ? guest_u64(object->cache + shared->cache_name) : 0;
	if (name && !guest_read(name, to->cache, NAME_BYTES - 1))
		*to->cache = 0;
}

void report(const struct found *found)
{
	struct report *ring = shared_part(shared->reports_at, shared->reports, sizeof(*ring));
	uint64_t one = 1;

	if (!ring || shared->frozen || !is_new(found))
		return;
	describe(&ring[shared->reported % shared->reports], found);
	__atomic_store_n(&shared->reported, shared->reported + 1, __ATOMIC_RELEASE);
	if (shared->heap_mode == HEAP_REPORT)
		shared->stopped = 1;
	if (report_fd >= 0 && write(report_fd, &one, sizeof(one)) < 0)
		complain("the host cannot be told of a report: %s", strerror(errno));
	if (shared->heap_mode == HEAP_REPORT)
		wait_for_host();
}

/* A load or store of bytes that may not be accessed: what the shadow says of the first tells what it is. */
void report_access(struct found *found)
{
	uint8_t state = shadow_of(found->bad);

	found->kind = state == FREED ? REPORT_USE_AFTER_FREE :
		      state == FREED_PAGE ? REPORT_PAGE_AFTER_FREE : REPORT_OUT_OF_BOUNDS;
	report(found);
}
