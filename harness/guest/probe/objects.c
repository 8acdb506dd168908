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
static uint32_t *owners;	/* for each page frame how often it changed its owner; an object of an earlier one is none */

bool objects_start(void)
{
	sets = calloc(SETS, sizeof(*sets));
	oldest = calloc(SETS, 1);
	owners = calloc(shared->memory / PAGE + 1, sizeof(*owners));
	return sets && oldest && owners;
}

static uint32_t owner_of(uint64_t start)
{
	return owners[(start - direct_map) / PAGE];
}

static uint32_t set_of(uint64_t start)
{
	return (start >> 3) * 0x9e3779b97f4a7c15ull >> 49;
}

static struct object *place_of(uint64_t start)
{
	struct object *set = sets[set_of(start)];

	for (int way = 0; way < WAYS; way++)
		if (set[way].start == start)
			return &set[way];
	return NULL;
}

struct object *object_at(uint64_t start)
{
	struct object *place = start ? place_of(start) : NULL;

	return place && place->owner == owner_of(start) ? place : NULL;
}

/* The entry of an object, which says nothing yet. */
struct object *object_new(uint64_t start)
{
	struct object *place = place_of(start);
	uint32_t set = set_of(start);

	for (int way = 0; way < WAYS && !place; way++)
		if (!sets[set][way].start)
			place = &sets[set][way];
	if (!place)
		place = &sets[set][oldest[set]++ % WAYS];
	*place = (struct object){ .start = start, .owner = owner_of(start) };
	return place;
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

/* A page has a new owner: what was allocated in it is history. */
void objects_forget(uint64_t page)
{
	owners[(page - direct_map) / PAGE]++;
}
