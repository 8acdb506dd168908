// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the allocators' functions do to the shadow, a command a line; numbers are hexadecimal, addresses count from the
 * start of the direct map:
 *
 *	cache NUMBER SIZE OBJECT LEFT FLAGS CTOR	a struct kmem_cache
 *	slab FRAME ORDER NUMBER		the pages are a slab of that cache; number ff: of none
 *	pages FRAME ORDER		they were allocated
 *	put FRAME ORDER			they are freed
 *	alloc ADDRESS SIZE		kmalloc() returned it
 *	take ADDRESS			kmem_cache_alloc() did
 *	bulk COUNT ADDRESS STRIDE	kmem_cache_alloc_bulk() returned them
 *	free ADDRESS			kfree()
 *	free-on ADDRESS VCPU DEPTH	kfree(), or what it calls, of one of several virtual CPUs
 *	drop COUNT ADDRESS STRIDE	kmem_cache_free_bulk()
 *	grow ADDRESS SIZE		krealloc() returned the same object
 *	whole ADDRESS SIZE		ksize() said so
 *	alive				prints how many objects are alive, their bytes, and what no site was left for
 *	look ADDRESS LENGTH		prints the first byte that may not be accessed, and why, or "-"
 *
 * A free that is reported is printed too.
 */
#include "fake_kernel.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY 0x90000ull	/* of a bulk call, physical */
#define STACK 0xa0000ull	/* the call chain of each command a bit higher, and back to its start */
#define TASKS 0xe0000ull	/* where the stack of what virtual CPU 0 runs begins; the next one's is below */
#define TASK 0x4000ull
#define NO_CACHE 0xff

static uint64_t frees;

static void start(void)
{
	struct qemu_plugin_tb tb = { .count = 1 };
	int fd;

	ram = fake_memory(RAM);
	make_tables();
	fd = make_shared(0, 0);
	if (!fake_start(fd, -1, -1))
		abort();
	tb.insns[0] = (struct qemu_plugin_insn){ .vaddr = START_KERNEL_MAP + TEXT, .haddr = ram + TEXT, .size = 1 };
	fake_translate(&tb);
	if (!memory_known())
		abort();
	fake_registers_readable = true;
}

/* Each call has a return address of its own, so that each bad free is new, and is no part of the call before. */
static void call(void)
{
	registers_changed();
	fake_registers[RSP] = direct_map + STACK + 8 * ++frees;
	put(STACK + 8 * frees, START_KERNEL_MAP + TEXT + frees, 8);
	put(STACK + 8 * frees + 8, MODULES, 8);
}

static void count_alive(void)
{
	const struct site *sites = part(header->sites_at);
	uint64_t objects = 0, bytes = 0;

	for (uint32_t i = 0; i < header->sites; i++) {
		objects += sites[i].objects;
		bytes += sites[i].bytes;
	}
	printf("%" PRIx64 " %" PRIx64 " %x\n", objects, bytes, header->untold);
}

static void entered_on(unsigned int vcpu, uint32_t kind, uint64_t a, uint64_t b)
{
	struct hook hook = { .kind = kind };
	uint32_t before = header->reported;
	const struct report *reports = part(header->reports_at);

	heap_entered(vcpu, &hook, a, b);
	while (before < header->reported)
		printf("%s\n", reports[before++ % header->reports].kind == REPORT_DOUBLE_FREE ? "double" : "invalid");
}

static void entered(uint32_t kind, uint64_t a, uint64_t b)
{
	call();
	entered_on(0, kind, a, b);
}

/* kfree() is entered so many bytes deep in the stack of the task that a virtual CPU runs. */
static void freed_on(unsigned int vcpu, uint64_t depth, uint64_t address)
{
	uint64_t rsp = TASKS - TASK * vcpu - depth;

	registers_changed();
	fake_registers[RSP] = direct_map + rsp;
	put(rsp, START_KERNEL_MAP + TEXT + ++frees, 8);
	entered_on(vcpu, HOOK_FREE, address, 0);
}

static void returned(uint32_t kind, uint64_t a, uint64_t b, uint64_t result)
{
	struct hook hook = { .kind = kind };

	call();
	heap_result(&hook, a, b, stack_here(), result);
}

static void look(uint64_t address, uint64_t length)
{
	uint64_t bad = shadow_bad(address, length);
	uint8_t why = shadow_of(bad);

	if (!bad)
		puts("-");
	else
		printf("%" PRIx64 " %s\n", bad - direct_map,
		       why == FREED ? "freed" : why == FREED_PAGE ? "page" : "outside");
}

static uint64_t cache_at(uint64_t number)
{
	return number == NO_CACHE ? 0 : direct_map + CACHES + 256 * number;
}

static void make_cache(const uint64_t n[6])
{
	uint64_t at = CACHES + 256 * n[0];

	put(at, n[1], 4);
	put(at + header->cache_object_size, n[2], 4);
	put(at + header->cache_red_left, n[3], 4);
	put(at + header->cache_flags, n[4], 4);
	put(at + header->cache_ctor, n[5], 8);
}

static uint64_t list(const uint64_t n[6])
{
	for (uint64_t i = 0; i < n[0]; i++)
		put(ARRAY + 8 * i, direct_map + n[1] + i * n[2], 8);
	return direct_map + ARRAY;
}

static void obey(const char *word, const uint64_t n[6])
{
	uint64_t address = direct_map + n[0];

	if (!strcmp(word, "cache"))
		make_cache(n);
	else if (!strcmp(word, "alive"))
		count_alive();
	else if (!strcmp(word, "slab"))
		for (uint64_t i = 0; i < 1u << n[1]; i++)
			put_page(n[0] + i, n[0], cache_at(n[2]));
	else if (!strcmp(word, "pages"))
		returned(HOOK_PAGES, n[1], 0, vmemmap + header->page_size * n[0]);
	else if (!strcmp(word, "put"))
		entered(HOOK_FREE_PAGES, vmemmap + header->page_size * n[0], n[1]);
	else if (!strcmp(word, "alloc"))
		returned(HOOK_ALLOC, n[1], 0, address);
	else if (!strcmp(word, "take"))
		returned(HOOK_CACHE, 0, 0, address);
	else if (!strcmp(word, "bulk"))
		returned(HOOK_BULK, n[0], list(n), n[0]);
	else if (!strcmp(word, "free"))
		entered(HOOK_FREE, address, 0);
	else if (!strcmp(word, "free-on"))
		freed_on(n[1], n[2], address);
	else if (!strcmp(word, "drop"))
		entered(HOOK_FREE_BULK, n[0], list(n));
	else if (!strcmp(word, "grow"))
		returned(HOOK_REALLOC, address, n[1], address);
	else if (!strcmp(word, "whole"))
		returned(HOOK_KSIZE, address, 0, n[1]);
	else if (!strcmp(word, "look"))
		look(address, n[1]);
	else
		abort();
}

int main(void)
{
	char line[128], word[16];

	start();
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t n[6] = { 0 };

		if (sscanf(line, "%15s %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, word, &n[0],
			   &n[1], &n[2], &n[3], &n[4], &n[5]) > 0)
			obey(word, n);
	}
	return 0;
}
