// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was allocated where: a cache of a fixed size. A start address has a set of four places; when all are taken by
 * others the oldest goes, so that a report may lack an object's history but never shows another's.
 */
#include "probe.h"

#include <stdlib.h>

#define SETS	  (1u << 15)
#define WAYS	  4
#define SLAB_OBJECT 8192	/* KMALLOC_MAX_CACHE_SIZE: larger ones begin on a page */
#define LARGEST	  (4u << 20)
#define BEFORE	  256		/* so far in front of an object an access still counts as one to it */

static struct object (*sets)[WAYS];
static uint8_t *oldest;

bool objects_start(void)
{
	sets = calloc(SETS, sizeof(*sets));
	oldest = calloc(SETS, 1);
	return sets && oldest;
}

static uint32_t set_of(uint64_t start)
{
	return (start >> 3) * 0x9e3779b97f4a7c15ull >> 49;
}

struct object *object_at(uint64_t start)
{
	struct object *set = sets[set_of(start)];

	for (int way = 0; way < WAYS; way++)
		if (set[way].start == start)
			return &set[way];
	return NULL;
}

/* The entry of an object, empty but for its start unless there was one before. */
struct object *object_new(uint64_t start)
{
	struct object *known = object_at(start);
	uint32_t set = set_of(start);

	if (known)
		return known;
	for (int way = 0; way < WAYS && !known; way++)
		if (!sets[set][way].start)
			known = &sets[set][way];
	if (!known)
		known = &sets[set][oldest[set]++ % WAYS];
	*known = (struct object){ .start = start };
	return known;
}

static bool reaches(const struct object *object, uint64_t address)
{
	return object && address - object->start < (object->room > object->size ? object->room : object->size);
}

/* The object that an address belongs to: the one it lies in or behind, else the one it lies just in front of. */
struct object *object_near(uint64_t address)
{
	uint64_t start = address & ~7ull, page = address & ~(PAGE - 1ull);
	struct object *found;

	for (uint64_t back = 0; back <= SLAB_OBJECT; back += 8)
		if ((found = object_at(start - back)))
			return reaches(found, address) ? found : NULL;
	for (uint64_t back = 0; back <= LARGEST; back += PAGE)
		if (reaches(found = object_at(page - back), address))
			return found;
	for (uint64_t on = 8; on <= BEFORE; on += 8)
		if ((found = object_at(start + on)))
			return found;
	return NULL;
}

void objects_forget(uint64_t start, uint64_t length)
{
	for (uint64_t at = start; at < start + length; at += 8) {
		struct object *object = object_at(at);

		if (object)
			object->start = 0;
	}
}
