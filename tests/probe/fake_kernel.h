/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory of a guest with a kernel that never runs: its page tables, and a file that tells the plugin of it. */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include "fake_qemu.h"

#define RAM	   (8ull << 20)
#define TABLES	   0x100000ull	/* physical addresses */
#define CACHES	   0x180000ull	/* struct kmem_cache, 256 bytes each */
#define TEXT	   0x200000ull	/* of the kernel, which is mapped as it lies */
#define PAGES	   0x400000ull	/* struct page of each frame, where vmemmap leads to */
#define TEXT_BYTES 0x80000ull
#define MODULES	   0xffffffffc0000000ull
#define FILE_BYTES (16u << 20)
#define SLOTS	   4096
#define COMPARES   1024
#define SITES	   8192

extern uint8_t *ram;
extern struct header *header;

/* Writes a number, little endian, at a physical address. */
void put(uint64_t physical, uint64_t value, size_t bytes);
/* Page tables as a kernel has them: its image and vmemmap in large pages. */
void make_tables(void);
/* 'cache' is that of a frame's slab, whose first frame is 'head'. */
void put_page(uint64_t frame, uint64_t head, uint64_t cache);
/* The header, with room for 'hooks' and 'callees'; the file. */
int make_shared(uint32_t hooks, uint32_t callees);
/* Bytes of the file. */
void *part(uint64_t offset);

#endif
