// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was allocated with a module in the call chain and is not given back, counted by who allocated it. The counts are
 * in the shared memory, where the host reads them when the guest is quiet; the objects themselves are in a table here,
 * exact as long as there is room: what none was left for is counted too.
 */
#include "probe.h"

#include <stdlib.h>

#define BITS	15
#define PLACES	(1u << (BITS + 3))	/* for objects; a guest with a hundred devices has some ten thousand of modules */
#define MOST	(PLACES / 4 * 3)
#define NEAR	32			/* sites behind the one that a stack hashes to */

struct alive {
	uint64_t start;		/* 0: nothing is here */
	uint32_t size;
	uint32_t site;
};

static struct alive *places;
static uint16_t *on_frame;	/* how many of them begin in each page frame */
static uint32_t used;
static struct site *sites;	/* NULL: they are not wanted */

bool alive_start(void)
{
	if (!shared->sites)
		return true;
	sites = shared_part(shared->sites_at, shared->sites, sizeof(*sites));
	places = calloc(PLACES, sizeof(*places));
	on_frame = calloc(shared->memory / PAGE + 1, sizeof(*on_frame));
	return sites && places && on_frame && !(shared->sites & (shared->sites - 1));
}

static uint32_t home_of(uint64_t start)
{
	return (start >> 3) * 0x9e3779b97f4a7c15ull >> (64 - BITS - 3);
}

static uint16_t *frame_count(uint64_t start)
{
	return &on_frame[(start - direct_map) / PAGE];
}

/* The place of an object, or the free one where it would go. */
static uint32_t place_of(uint64_t start)
{
	uint32_t at = home_of(start);

	while (places[at].start && places[at].start != start)
		at = (at + 1) % PLACES;
	return at;
}

/* The site of a chain, made when it is the first of it; NULL when there is no room, or the chain is lost. */
static struct site *site_of(uint32_t stack)
{
	uint64_t words[STACK_WORDS];

	for (uint32_t i = 0; i < NEAR; i++) {
		struct site *site = &sites[(stack + i) & (shared->sites - 1)];

		if (site->stack == stack)
			return site;
		if (site->stack)
			continue;
		stack_words(stack, words);
		if (!*words)
			return NULL;
		stack_frames(site->frames, words);
		site->stack = stack;
		return site;
	}
	return NULL;
}

void alive_begin(uint64_t start, uint64_t size, uint32_t stack)
{
	struct site *site;

	if (!sites)
		return;
	alive_end(start);	/* an inner function of the allocator has said so already, or its end was not seen */
	if (!stack)
		return;
	site = used < MOST ? site_of(stack) : NULL;
	if (!site) {
		shared->untold++;
		return;
	}
	places[place_of(start)] = (struct alive){ start, size, site - sites };
	used++;
	++*frame_count(start);
	site->objects++;
	site->bytes += size;
	site->size = size;
}

/* Closes the gap at a place: what comes behind it, up to the next free place, must still be found from its home on. */
static void close_gap(uint32_t gap)
{
	for (uint32_t at = (gap + 1) % PLACES; places[at].start; at = (at + 1) % PLACES) {
		uint32_t home = home_of(places[at].start);

		if ((at - home) % PLACES < (at - gap) % PLACES)
			continue;	/* it is at home behind the gap */
		places[gap] = places[at];
		gap = at;
	}
	places[gap].start = 0;
}

void alive_end(uint64_t start)
{
	struct site *site;
	uint32_t at;

	if (!sites || !*frame_count(start))
		return;
	at = place_of(start);
	if (!places[at].start)
		return;
	site = &sites[places[at].site];
	site->objects--;
	site->bytes -= places[at].size;
	used--;
	--*frame_count(start);
	close_gap(at);
}

/* Pages have a new owner, or none: whatever is in them has ended, however its end was missed. */
void alive_pages(uint64_t start, uint64_t length)
{
	if (!sites)
		return;
	for (uint64_t page = start; page < start + length; page += PAGE)
		for (uint64_t at = page; *frame_count(page) && at < page + PAGE; at += 8)
			alive_end(at);
}
