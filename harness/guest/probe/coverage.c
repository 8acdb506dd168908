// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which blocks of code run, and how often. A translated block of the ranges of interest gets a slot; an addition that
 * QEMU compiles into the block counts it there, in memory that the host reads. There is no call per block.
 *
 * Interface 1 adds at any address. Later ones add only in a "scoreboard", an array on QEMU's heap; its pages are
 * replaced by pages of the shared file.
 */
#define _GNU_SOURCE
#include "insn.h"
#include "probe.h"

#include <stdlib.h>
#include <sys/mman.h>

#define FIRST (PAGE / 8)	/* slots before it may lie on the page that a scoreboard shares with other data */

static struct block *blocks;
static uint32_t *index_of;	/* hash table: slot of a block's start, 0: empty */
static uint32_t index_mask;
static uint8_t *counts;
static struct qemu_plugin_scoreboard *score;

static uint32_t *index_entry(uint64_t start)
{
	uint32_t at = (start * 0x9e3779b97f4a7c15ull) >> 32;

	for (;; at++) {
		uint32_t *entry = &index_of[at & index_mask];

		if (!*entry || blocks[*entry].start == start)
			return entry;
	}
}

/* Has the scoreboard's memory, that of all virtual CPUs, be the shared file's. */
static bool share_scoreboard(void)
{
	uint64_t bytes = 8ull * shared->slots * shared->vcpus, skew;
	uint8_t *data;

	score = qemu_plugin_scoreboard_new(8ull * shared->slots);
	data = qemu_plugin_scoreboard_find(score, 0);
	skew = -(uintptr_t)data % PAGE;
	/* The heap's pages are whole from data + skew on; what lies behind the array's last page is the heap's again. */
	if (mmap(data + skew, (bytes - skew) & -(uint64_t)PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 shared_file(), shared->counts_at) == MAP_FAILED)
		return false;
	shared->skew = skew;
	return true;
}

bool coverage_start(void)
{
	blocks = shared_part(shared->blocks_at, shared->slots, sizeof(*blocks));
	counts = shared_part(shared->counts_at, (uint64_t)shared->slots * shared->vcpus, 8);
	if (!blocks || !counts || shared->slots < FIRST || shared->slots & (shared->slots - 1))
		return false;
	index_mask = 2 * shared->slots - 1;
	index_of = calloc(2ull * shared->slots, sizeof(*index_of));
	if (!index_of)
		return false;
	if (!qemu_plugin_register_vcpu_tb_exec_inline && !share_scoreboard()) {
		complain("QEMU's counters cannot be shared; no coverage");
		return false;
	}
	if (shared->used_blocks < FIRST || shared->used_blocks > shared->slots)
		shared->used_blocks = FIRST;
	for (uint32_t slot = FIRST; slot < shared->used_blocks; slot++) /* of an earlier QEMU with the same snapshot */
		*index_entry(blocks[slot].start) = slot;
	return true;
}

static bool wanted(uint64_t start)
{
	for (int i = 0; i < RANGES; i++)
		if (start >= shared->cover_start[i] && start < shared->cover_end[i])
			return true;
	return false;
}

/*
 * Addresses at which a block was cut: by the end of a page, by an access to a device, by the clock of counted
 * instructions. Code is translated when it runs first, so that a block that begins there, and was not known, goes on
 * with another one. A place that is taken over by another address makes one block more seem to begin.
 */
static uint64_t cuts[1 << 15];

static uint64_t *cut_at(uint64_t address)
{
	return &cuts[address * 0x9e3779b97f4a7c15ull >> 49];
}

/* The slot of the block that starts there, 0 when all are taken. */
static uint32_t slot_of(uint64_t start)
{
	uint32_t *entry = index_entry(start);

	if (!*entry) {
		if (shared->used_blocks >= shared->slots) {
			shared->dropped_blocks++;
			return 0;
		}
		blocks[shared->used_blocks] = (struct block){ .start = start, .continues = *cut_at(start) == start };
		*entry = shared->used_blocks++;
	}
	return *entry;
}

/* Where the block ends: the host tells from it which blocks are only the rest of one that was cut short. */
static void describe(struct block *block, struct qemu_plugin_tb *tb)
{
	struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, qemu_plugin_tb_n_insns(tb) - 1);
	uint64_t at = qemu_plugin_insn_vaddr(last), end = at + qemu_plugin_insn_size(last);
	struct insn insn;
	uint8_t copy[16];

	insn_decode(&insn, insn_bytes(last, copy), qemu_plugin_insn_size(last), at);
	if (insn.flow == FLOW_NONE)
		*cut_at(end) = end;
	if (end - block->start <= block->size)
		return;
	block->size = end - block->start;
	block->target = 0;
	block->ending = ENDS_CUT;
	if (insn.flow == FLOW_NONE)
		return;
	block->ending = insn.flow == FLOW_JCC ? ENDS_BRANCH :
			insn.flow == FLOW_JMP || insn.flow == FLOW_CALL ? ENDS_DIRECT : ENDS_OTHER;
	if (block->ending != ENDS_OTHER)
		block->target = insn.target;
}

void coverage_block(struct qemu_plugin_tb *tb)
{
	uint64_t start = qemu_plugin_tb_vaddr(tb);
	uint32_t slot = wanted(start) ? slot_of(start) : 0;

	if (!slot)
		return;
	describe(&blocks[slot], tb);
	if (score)
		qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64,
								   (qemu_plugin_u64){ score, 8ull * slot }, 1);
	else
		qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, counts + 8ull * slot, 1);
}
