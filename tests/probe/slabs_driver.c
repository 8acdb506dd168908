// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands, a line each, for slabs.c in a guest whose memory is all zero but for what is written:
 *
 *	mem ADDRESS VALUE	eight bytes
 *	slot ADDRESS		"CACHE SIZE ROOM BEFORE" of an object, or "unknown"
 */
#include "probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WORDS 64

uint64_t direct_map = 0xffff888000000000ull, vmemmap = 0xffffea0000000000ull, ram_bytes = 512u << 20;
static struct header header = {
	.page_size = 64, .page_head = 8, .page_cache = 8, .cache_size = 24, .cache_object_size = 28,
	.cache_red_left = 80, .cache_flags = 32, .cache_ctor = 64, .rcu_flag = 512,
};
struct header *shared = &header;
static struct {
	uint64_t address, value;
} words[WORDS];

bool in_direct_map(uint64_t address, uint64_t length)
{
	return address >= direct_map && address + length <= direct_map + ram_bytes;
}

uint64_t guest_u64(uint64_t address)
{
	for (int i = 0; i < WORDS; i++)
		if (words[i].address == address)
			return words[i].value;
	return 0;
}

uint32_t guest_u32(uint64_t address)
{
	return guest_u64(address & ~7ull) >> (address & 4 ? 32 : 0);
}

int main(void)
{
	char line[100];
	int count = 0;
	uint64_t address, value;
	struct slot slot;

	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "mem %" SCNx64 " %" SCNx64, &address, &value) == 2 && count < WORDS) {
			words[count].address = address;
			words[count++].value = value;
		} else if (sscanf(line, "slot %" SCNx64, &address) == 1) {
			if (slab_slot(address, &slot))
				printf("%" PRIx64 " %u %u %u\n", slot.cache, slot.size, slot.room, slot.before);
			else
				puts("unknown");
		} else {
			return 1;
		}
	}
	return 0;
}
