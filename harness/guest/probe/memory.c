// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's memory, read directly in QEMU's: one block of RAM, found once by the address that QEMU gives for the
 * bytes of an instruction of the kernel. Addresses are translated by the kernel's own page tables (init_top_pgt),
 * bounded by the size of the RAM; nothing of the guest's state is touched. Works with every plugin interface.
 */
#include "probe.h"

#include <string.h>

#define START_KERNEL_MAP 0xffffffff80000000ull	/* arch/x86/include/asm/page_64_types.h */
#define PRESENT		 1ull
#define LARGE		 0x80ull
#define FRAME		 0x000ffffffffff000ull
#define TRIES		 64

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

/* The address of those bytes in QEMU, and how many follow on the same page; NULL: not mapped, or no RAM. */
const uint8_t *guest_at(uint64_t address, size_t *there)
{
	uint64_t entry = tables, offset = address - direct_map;

	if (offset < ram_bytes) {
		*there = ram_bytes - offset;
		return ram + offset;
	}
	for (int shift = 39; shift >= 12; shift -= 9) {
		uint64_t mask = (1ull << shift) - 1;
		const uint8_t *at = physical((entry & FRAME) + 8 * (address >> shift & 511), 8);

		if (!at)
			return NULL;
		memcpy(&entry, at, 8);
		if (!(entry & PRESENT))
			return NULL;
		if (shift == 12 || (shift < 39 && entry & LARGE)) {
			*there = mask + 1 - (address & mask);
			return physical((entry & FRAME & ~mask) + (address & mask), *there);
		}
	}
	return NULL;
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

/*
 * Finds the RAM by an instruction of the kernel's text. The kernel's image is one piece, in physical memory as well
 * as in virtual; where it begins is in its variable phys_base. What is found must show the same instruction.
 */
bool memory_find(struct qemu_plugin_insn *insn)
{
	uint64_t address = qemu_plugin_insn_vaddr(insn), phys_base = 0;
	uint8_t *at = qemu_plugin_insn_haddr ? qemu_plugin_insn_haddr(insn) : NULL, copy[16], seen[16];
	size_t size = qemu_plugin_insn_size(insn);

	if (!at || !shared->page_tables_at || !shared->memory || size > sizeof(seen) || tries == TRIES)
		return false;
	if (shared->phys_base_at)
		memcpy(&phys_base, at + (shared->phys_base_at - address), sizeof(phys_base));
	ram_bytes = shared->memory;
	ram = at - (address - START_KERNEL_MAP + phys_base);
	tables = shared->page_tables_at - START_KERNEL_MAP + phys_base;
	if (phys_base < ram_bytes && guest_read(address, seen, size) && !memcmp(seen, insn_bytes(insn, copy), size)) {
		read_bases();
		return true;
	}
	ram = NULL;
	if (++tries == TRIES)
		complain("the guest's memory was not found in QEMU's; no heap checks");
	return false;
}
