// SPDX-License-Identifier: GPL-2.0-only
/* See hostile_guest.h. */
#include "hostile_guest.h"

#include <stdlib.h>
#include <string.h>

static uint64_t state;

uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

uint64_t below(uint64_t limit)
{
	return (any() >> 11) % limit;
}

bool one_in(uint64_t count)
{
	return !below(count);
}

uint64_t hostile(void)
{
	switch (below(14)) {
	case 0:
		return below(32);
	case 1:
		return below(9000);
	case 2:
		return direct_map + below(RAM + 128) - 64;
	case 3: case 4:
		return direct_map + (below(RAM / 8) << 3);
	case 5:
		return direct_map + (below(64) << 8);
	case 6:
		return vmemmap + 64 * below(RAM / PAGE + 4);
	case 7:
		return vmemmap + any() % (1ull << 40);
	case 8:
		return START_KERNEL_MAP + TEXT + below(TEXT_BYTES);
	case 9:
		return MODULES + below(1 << 20);
	case 10:
		return (below(2 * RAM) & ~(PAGE - 1ull)) | 0x63 | (below(2) << 7);
	case 11:
		return ~below(64);
	case 12:
		return direct_map + CACHES + 256 * below(16);
	default:
		return any();
	}
}

static void make_caches(void)
{
	for (uint64_t i = 0; i < 16; i++) {
		uint64_t at = CACHES + 256 * i, size = 8 << below(11);

		put(at, size + 8 * below(8), 4);
		put(at + 4, size - below(8), 4);
		put(at + 8, one_in(3) ? 16 : 0, 4);
		put(at + 16, one_in(8) ? 0x80000 : 0, 8);
		put(at + 24, direct_map + below(RAM), 8);
		put(at + 32, one_in(4) ? hostile() : 0, 8);
	}
	for (uint64_t i = 0; i < RAM / PAGE; i++)
		put_page(i, one_in(4) ? i & ~3ull : i, one_in(8) ? hostile() : direct_map + CACHES + 256 * below(16));
}

void make_ram(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15ull | 1;
	ram = fake_memory(RAM);
	for (uint64_t at = 0; at < RAM; at += 8) {
		uint64_t word = hostile();

		memcpy(ram + at, &word, 8);
	}
	if (one_in(8))
		return;
	make_tables();
	make_caches();
}

static void absurd(void)
{
	uint32_t *const words[] = {
		&header->slots, &header->vcpus, &header->hooks, &header->callees, &header->reports, &header->compares,
		&header->heap_mode, &header->page_size, &header->page_head, &header->page_cache, &header->cache_size,
		&header->cache_object_size, &header->cache_red_left, &header->cache_flags, &header->cache_name,
		&header->cache_ctor, &header->urb_buffer, &header->urb_length, &header->urb_sgs, &header->used_blocks,
	};
	uint64_t *const places[] = {
		&header->blocks_at, &header->counts_at, &header->hooks_at, &header->callees_at, &header->reports_at,
		&header->compares_at, &header->armed_at, &header->phys_base_at, &header->page_offset_base_at,
		&header->vmemmap_base_at, &header->page_tables_at, &header->text_start, &header->text_end,
		&header->check_start, &header->check_end, &header->log_at, &header->log_room, &header->log_from[1],
		&header->log_length[1],
	};
	static const uint32_t NUMBERS[] = { 0, 1, 2, 3, 7, 511, 512, 1 << 16, 1u << 31, ~0u, ~0u - 7, NOWHERE };

	if (one_in(2))
		*words[below(ARRAY_SIZE(words))] = one_in(3) ? any() : NUMBERS[below(ARRAY_SIZE(NUMBERS))];
	if (one_in(2))
		*places[below(ARRAY_SIZE(places))] = one_in(2) ? FILE_BYTES - below(4 * PAGE) : hostile();
}

static void make_lists(struct hook *hooks, struct callee *callees)
{
	bool wild = one_in(8);

	for (int i = 0; i < HOOKS; i++) {
		uint64_t start = START_KERNEL_MAP + TEXT + 256 * i;

		hooks[i] = (struct hook){ .start = start, .end = start + 256, .a = below(7), .b = below(7) };
		hooks[i].kind = one_in(6) ? any() : 1 + below(HOOK_URB);
		if (one_in(6))
			hooks[i].b = NO_ARGUMENT;
		if (wild && one_in(2))
			hooks[i].end = hostile();
	}
	for (int i = 0; i < CALLEES; i++) {
		callees[i].address = START_KERNEL_MAP + TEXT + 0x10000 + 64 * i;
		for (int n = 0; n < CHECKS; n++)
			callees[i].checks[n] = (struct check){ below(5), below(7), one_in(3) ? NO_ARGUMENT : below(8), 0 };
	}
}

int make_header(void)
{
	int fd = make_shared(HOOKS, CALLEES);

	header->heap_mode = HEAP_WARN + below(2);
	if (one_in(2))
		header->cache_red_left = NOWHERE;
	if (one_in(2))
		header->urb_sgs = NOWHERE;
	make_lists(part(header->hooks_at), part(header->callees_at));
	header->log_at = header->sites_at;	/* which is not read any more when the log is kept */
	header->log_room = PAGE;
	for (int i = 0; i < LOG_PARTS; i++) {
		header->log_from[i] = below(RAM);
		header->log_length[i] = below(PAGE / LOG_PARTS);
	}
	if (one_in(2))
		absurd();
	return fd;
}
