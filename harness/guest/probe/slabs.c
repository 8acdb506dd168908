// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's slab allocator says of an address: its page's struct page (struct slab since 5.17) leads to the
 * kmem_cache. Offsets come from the kernel's BTF. What is read is the guest's and may be anything: all is bounded.
 */
#include "probe.h"

#define BIGGEST 65536	/* bytes of an object or its room that are believed */

static uint64_t page_of(uint64_t address)
{
	uint64_t page = vmemmap + ((address - direct_map) >> 12) * shared->page_size;
	uint64_t head = shared->page_head == NOWHERE ? 0 : guest_u64(page + shared->page_head);

	if (!(head & 1))
		return page;
	/* compound_head(): its address; since 7.0 it may be the mask that leads there, which is above all addresses */
	return head - 1 <= page ? head - 1 : page & head;
}

/* Fills in what the cache of an object says; false when that is not known. */
bool slab_slot(uint64_t address, struct slot *slot)
{
	uint64_t cache;

	if (shared->page_cache == NOWHERE || shared->cache_size == NOWHERE || shared->cache_object_size == NOWHERE)
		return false;
	cache = guest_u64(page_of(address) + shared->page_cache);
	if (!in_direct_map(cache, 8))
		return false;
	*slot = (struct slot){
		.cache = cache,
		.size = guest_u32(cache + shared->cache_object_size),
		.room = guest_u32(cache + shared->cache_size),
		.before = shared->cache_red_left == NOWHERE ? 0 : guest_u32(cache + shared->cache_red_left),
		.reused = shared->cache_flags != NOWHERE && guest_u32(cache + shared->cache_flags) & shared->rcu_flag,
		.constructed = shared->cache_ctor == NOWHERE || guest_u64(cache + shared->cache_ctor),
	};
	if (!slot->size || slot->size > slot->room || slot->room > BIGGEST || slot->before >= slot->room)
		return false;
	slot->room -= slot->before;
	return slot->size <= slot->room;
}
