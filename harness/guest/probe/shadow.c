// SPDX-License-Identifier: GPL-2.0-only
/* The shadow: a byte for each 8 bytes of the guest's RAM, addressed as the kernel's direct map has it. */
#include "probe.h"

#include <string.h>
#include <sys/mman.h>

uint8_t *shadow;

bool shadow_start(void)
{
	/* One more page of it, so that a look at the granule behind the last needs no check. */
	shadow = mmap(NULL, (shared->memory >> 3) + PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return shadow != MAP_FAILED;
}

bool in_direct_map(uint64_t address, uint64_t length)
{
	uint64_t offset = address - direct_map;

	return offset < ram_bytes && length <= ram_bytes - offset;
}

uint8_t shadow_of(uint64_t address)
{
	return in_direct_map(address, 1) ? shadow[(address - direct_map) >> 3] : VALID;
}

/* From the next multiple of 8 on: bytes before it share a granule with valid ones. */
void shadow_poison(uint64_t address, uint64_t length, uint8_t why)
{
	uint64_t first = (address - direct_map + 7) >> 3, behind = (address - direct_map + length) >> 3;

	if (in_direct_map(address, length) && behind > first)
		memset(shadow + first, why, behind - first);
}

/* 'address' is a multiple of 8; of a last granule that is not whole only the first bytes are valid. */
void shadow_allow(uint64_t address, uint64_t length)
{
	uint64_t first = (address - direct_map) >> 3;

	if (!in_direct_map(address, length))
		return;
	memset(shadow + first, VALID, length >> 3);
	if (length & 7)
		shadow[first + (length >> 3)] = length & 7;
}

/* The first byte in the range that may not be accessed; 0: there is none. */
uint64_t shadow_bad(uint64_t address, uint64_t length)
{
	uint64_t end = address + length;

	if (!in_direct_map(address, length))
		return 0;
	while (address < end) {
		uint8_t state = shadow[(address - direct_map) >> 3];
		uint64_t next = (address | 7) + 1;

		if (state > 7)
			return address;
		if (state && (next < end ? next : end) - (address & ~7ull) > state)
			return (address & 7) >= state ? address : (address & ~7ull) + state;
		address = next;
	}
	return 0;
}
