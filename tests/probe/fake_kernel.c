// SPDX-License-Identifier: GPL-2.0-only
/* See fake_kernel.h. */
#include "fake_kernel.h"

#include <string.h>

/* Of the structures below. */
enum { PAGE_BYTES = 64, PAGE_HEAD = 8, PAGE_CACHE = 24 };

uint8_t *ram;
struct header *header;

void put(uint64_t physical, uint64_t value, size_t bytes)
{
	memcpy(ram + physical % (RAM - 8), &value, bytes);
}

void make_tables(void)
{
	uint64_t top = TABLES, next = TABLES + PAGE;

	memset(ram + TABLES, 0, 8 * PAGE);
	for (int i = 0; i < 2; i++) {
		uint64_t start = i ? vmemmap : START_KERNEL_MAP;

		put(top + 8 * (start >> 39 & 511), next | 0x63, 8);
		put(next + 8 * (start >> 30 & 511), (next + PAGE) | 0x63, 8);
		for (uint64_t large = 0; large < 4; large++)
			put(next + PAGE + 8 * ((start >> 21 & 511) + large), (i ? PAGES : large << 21) | 0xe3, 8);
		next += 2 * PAGE;
	}
}

void put_page(uint64_t frame, uint64_t head, uint64_t cache)
{
	uint64_t at = PAGES + PAGE_BYTES * frame;

	put(at + PAGE_HEAD, frame == head ? 0 : vmemmap + PAGE_BYTES * head + 1, 8);
	put(at + PAGE_CACHE, cache, 8);
}

void *part(uint64_t offset)
{
	return (uint8_t *)header + offset;
}

int make_shared(uint32_t hooks, uint32_t callees)
{
	uint64_t at = 2 * PAGE;
	int fd;

	header = fake_shared(FILE_BYTES, &fd);
	header->memory = RAM;
	header->slots = SLOTS;
	header->vcpus = 1;
	header->hooks = hooks;
	header->callees = callees;
	header->reports = 16;
	header->compares = COMPARES;
	header->heap_mode = HEAP_WARN;
	header->blocks_at = at;
	header->counts_at = at += SLOTS * sizeof(struct block);
	header->armed_at = at += 8 * SLOTS;
	header->hooks_at = at += 8 * ARMED_PAGES;
	header->callees_at = at += PAGE;
	header->reports_at = at += PAGE;
	header->compares_at = at += 16 * PAGE;
	header->sites = SITES;
	header->sites_at = at + COMPARES * sizeof(struct compared);
	header->cover_start[0] = header->check_start = MODULES;
	header->cover_end[0] = header->check_end = MODULES + (1 << 20);
	header->cover_start[1] = header->text_start = START_KERNEL_MAP + TEXT;
	header->cover_end[1] = header->text_end = START_KERNEL_MAP + TEXT + TEXT_BYTES;
	header->page_tables_at = START_KERNEL_MAP + TABLES;
	header->page_size = PAGE_BYTES;
	header->page_head = PAGE_HEAD;
	header->page_cache = PAGE_CACHE;
	header->cache_object_size = 4;
	header->cache_red_left = 8;
	header->cache_flags = 16;
	header->rcu_flag = 0x80000;
	header->cache_name = 24;
	header->cache_ctor = 32;
	header->urb_length = 8;
	header->urb_sgs = 12;
	memset(part(header->armed_at), 1, 8 * ARMED_PAGES);
	return fd;
}
