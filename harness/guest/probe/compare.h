/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What compared instructions compared: distinct pairs of operands, kept for each instruction in a table that the host
 * reads. The table is emptied by a new generation, which costs nothing however large it is.
 */
#ifndef USBFUZZ_PROBE_COMPARE_H
#define USBFUZZ_PROBE_COMPARE_H

#include "insn.h"
#include "layout.h"

/* Where the parts of the table are. */
struct compare_table {
	struct compared *places;
	uint32_t size;			/* of places, a power of two */
	const uint32_t *generation;	/* the present one; the host changes it */
	uint32_t *dropped;		/* instructions that found no place, each once in a generation; never set back */
};

/* How the guest is read while the instruction is about to run. */
struct compare_guest {
	uint64_t (*reg)(void *data, int number);	/* rax to r15, REG_FS_BASE, REG_GS_BASE */
	bool (*mem)(void *data, uint64_t address, void *to, size_t bytes);	/* false: cannot be read */
	void *data;
};

/* One translated instruction; the plugin keeps it as long as the translation. */
struct compare_site {
	struct insn insn;
	uint64_t pc;
	struct compared *place;		/* NULL: not looked for yet in this generation */
	struct pair last;
	uint32_t generation;
	uint32_t idle;			/* runs in a row that added no pair */
	bool started;			/* the fields above and below are of that generation */
	bool done;			/* nothing more can be kept in it */
};

/* Whether a run of the instruction may add a pair: the cheap question before all others. */
static inline bool compare_due(const struct compare_table *table, const struct compare_site *site)
{
	return !site->done || site->generation != *(const volatile uint32_t *)table->generation;
}

/* Both operands of a comparison. False when there is none, or memory cannot be read. */
bool compare_operands(const struct insn *insn, const struct compare_guest *guest, struct pair *pair);

/* Keeps what the instruction is about to compare. */
void compare_keep(const struct compare_table *table, struct compare_site *site, const struct compare_guest *guest);

#endif
