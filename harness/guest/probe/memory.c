// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's memory, read directly in QEMU's: one block of RAM, found once by the address that QEMU gives for the
 * bytes of an instruction of the kernel. Addresses are translated by the kernel's own page tables (init_top_pgt),
 * bounded by the size of the RAM; nothing of the guest's state is touched. Works with every plugin interface.
 */
#include "probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define START_KERNEL_MAP 0xffffffff80000000ull	/* arch/x86/include/asm/page_64_types.h */
#define PRESENT		 1ull
#define LARGE		 0x80ull
#define FRAME		 0x000ffffffffff000ull
#define TRIES		 64
#define REGION_SHIFT	 21
#define REGION		 (1ull << REGION_SHIFT)
#define REGIONS		 64	/* whose tables are remembered */

uint64_t direct_map = 0xffff888000000000ull, vmemmap = 0xffffea0000000000ull, ram_bytes;
static const uint8_t *ram;
static uint64_t tables;	/* physical address */
static int tries;

bool memory_known(void)
{
	return ram;
}

static const uint8_t *physical(uint64_t address, size_t length)
{
	return address < ram_bytes && length <= ram_bytes - address ? ram + address : NULL;
}

static bool load(uint64_t address, uint64_t *value)
{
	const uint8_t *at = physical(address, sizeof(*value));

	if (at)
		memcpy(value, at, sizeof(*value));
	return at;
}

/* Where the page table entry of a 2 MiB region is, 0: nowhere. Tables above it are not given back by the kernel. */
static uint64_t region_entry(uint64_t address)
{
	static struct {
		uint64_t region, entry;
	} known[REGIONS], *place;
	uint64_t entry = tables;

	place = &known[(address >> REGION_SHIFT) % REGIONS];
	if (place->entry && place->region == address >> REGION_SHIFT)
		return place->entry;
	for (int shift = 39; shift > REGION_SHIFT; shift -= 9)
		if (!load((entry & FRAME) + 8 * (address >> shift & 511), &entry) || !(entry & PRESENT) || entry & LARGE)
			return 0;
	place->region = address >> REGION_SHIFT;
	place->entry = (entry & FRAME) + 8 * (place->region & 511);
	return place->entry;
}

/* The address of those bytes in QEMU, and how many follow on the same page; NULL: not mapped, or no RAM. */
const uint8_t *guest_at(uint64_t address, size_t *there)
{
	uint64_t offset = address - direct_map, at, entry, mask = REGION - 1;

	if (offset < ram_bytes) {
		*there = ram_bytes - offset;
		return ram + offset;
	}
	at = region_entry(address);
	if (!at || !load(at, &entry) || !(entry & PRESENT))
		return NULL;
	if (!(entry & LARGE)) {
		mask = PAGE - 1;
		if (!load((entry & FRAME) + 8 * (address >> 12 & 511), &entry) || !(entry & PRESENT))
			return NULL;
	}
	*there = mask + 1 - (address & mask);
	return physical((entry & FRAME & ~mask) + (address & mask), *there);
}

bool guest_read(uint64_t address, void *to, size_t length)
{
	while (length) {
		size_t there;
		const uint8_t *at = guest_at(address, &there);

		if (!at)
			return false;
		there = there < length ? there : length;
		memcpy(to, at, there);
		to = (uint8_t *)to + there;
		address += there;
		length -= there;
	}
	return true;
}

/* 0 when it cannot be read. */
uint64_t guest_u64(uint64_t address)
{
	uint64_t value = 0;

	return guest_read(address, &value, sizeof(value)) ? value : 0;
}

uint32_t guest_u32(uint64_t address)
{
	uint32_t value = 0;

	return guest_read(address, &value, sizeof(value)) ? value : 0;
}

static void read_bases(void)
{
	uint64_t base;

	if (shared->page_offset_base_at && (base = guest_u64(shared->page_offset_base_at)))
		direct_map = base;
	if (shared->vmemmap_base_at && (base = guest_u64(shared->vmemmap_base_at)))
		vmemmap = base;
}

/* The memory of this process around an address that may be read and written: mappings without a gap between them. */
static bool mapped_around(uintptr_t at, uintptr_t *start, uintptr_t *end)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	uintptr_t low, high;
	char line[512], may[5];

	*start = *end = 0;
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &low, &high, may) != 3 || may[0] != 'r' || may[1] != 'w')
			continue;
		if (low != *end && *end > at)
			break;
		*start = low == *end ? *start : low;
		*end = high;
	}
	if (maps)
		fclose(maps);
	return *start <= at && at < *end;
}

/* Whether so many bytes at an address lie in the range. */
static bool lies_in(uintptr_t start, uintptr_t end, uintptr_t at, uint64_t bytes)
{
	return at >= start && at < end && bytes <= end - at;
}

/*
 * Finds the RAM by an instruction of the kernel's text. The kernel's image is one piece, in physical memory as well
 * as in virtual; where it begins is in its variable phys_base. What is found must show the same instruction.
 */
bool memory_find(struct qemu_plugin_insn *insn)
{
	uint64_t address = qemu_plugin_insn_vaddr(insn), phys_base = 0;
	uintptr_t at = qemu_plugin_insn_haddr ? (uintptr_t)qemu_plugin_insn_haddr(insn) : 0, start, end, variable, first;
	uint8_t copy[16], seen[16];
	size_t size = qemu_plugin_insn_size(insn);

	if (!at || !shared->page_tables_at || !shared->memory || size > sizeof(seen) || tries == TRIES)
		return false;
	variable = at + (shared->phys_base_at - address);
	if (mapped_around(at, &start, &end) && shared->phys_base_at && lies_in(start, end, variable, sizeof(phys_base)))
		memcpy(&phys_base, (const void *)variable, sizeof(phys_base));
	first = at - (address - START_KERNEL_MAP + phys_base);
	if (lies_in(start, end, first, shared->memory)) {
		ram_bytes = shared->memory;
		ram = (const uint8_t *)first;
		tables = shared->page_tables_at - START_KERNEL_MAP + phys_base;
		if (guest_read(address, seen, size) && !memcmp(seen, insn_bytes(insn, copy), size)) {
			read_bases();
			shared->phys_base = phys_base;
			shared->direct_map = direct_map;
			shared->ram_at = first;
			return true;
		}
	}
	ram = NULL;
	ram_bytes = 0;
	if (++tries == TRIES)
		complain("the guest's memory was not found in QEMU's; no heap checks");
	return false;
}

/* A part of the guest's RAM by its place in there; NULL: there is none such. */
const uint8_t *ram_part(uint64_t offset, uint64_t length)
{
	return ram ? physical(offset, length) : NULL;
}
