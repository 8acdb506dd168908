// SPDX-License-Identifier: GPL-2.0-only
/*
 * Comparisons of the code that is armed. Each comparing instruction of a module, and each call of strcmp(), memcmp() and
 * the like, is translated with a test of one word, that of its page of code, and a call if the word is not 0. The words
 * are in the shared memory, so that the host arms and disarms code without a word to QEMU, and code that is not armed
 * pays for the test alone.
 *
 * QEMU tests only words of a scoreboard, an array on its heap with an element for each virtual CPU. Pages of each
 * element are replaced by those of the shared file.
 */
#define _GNU_SOURCE
#include "compare.h"
#include "probe.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SITES	   (1u << 17)	/* instructions that are translated at a time */
#define NEAR	   64		/* places that one may have */
#define ARMED_SIZE (8ull * ARMED_PAGES)

static struct compare_table table;
/* One translated instruction; another instruction may come to lie at the same address. */
static struct translated {
	struct compare_site site;
	uint8_t bytes[INSN_BYTES + 1];
} *sites;
static uint32_t used_sites;
static struct qemu_plugin_scoreboard *score;
static uint64_t words_at;	/* in an element of the scoreboard */

static uint64_t read_register(void *data, int number)
{
	(void)data;
	return reg(number);
}

static bool read_memory(void *data, uint64_t address, void *to, size_t bytes)
{
	(void)data;
	return guest_read(address, to, bytes);
}

static void compared(unsigned int vcpu, void *data)
{
	static const struct compare_guest guest = { .reg = read_register, .mem = read_memory };
	struct compare_site *site = data;

	(void)vcpu;
	if (!compare_due(&table, site))
		return;
	probe_lock();
	registers_changed();
	compare_keep(&table, site, &guest);
	probe_unlock();
}

/*
 * Has the words of a virtual CPU that starts be those in the shared memory: QEMU knows its element from then on. Elements
 * are whole pages long, so that the words are at the same place in each. False when that cannot be.
 */
bool compares_vcpu(unsigned int vcpu)
{
	uint8_t *element = qemu_plugin_scoreboard_find(score, vcpu);

	words_at = -(uintptr_t)element % PAGE;
	return mmap(element + words_at, ARMED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, shared_file(),
		    shared->armed_at) != MAP_FAILED;
}

/* False when this QEMU cannot, or there is no table. */
bool compares_start(void)
{
	table = (struct compare_table){
		.places = shared_part(shared->compares_at, shared->compares, sizeof(*table.places)),
		.size = shared->compares,
		.generation = &shared->generation,
		.dropped = &shared->dropped_compares,
	};
	if (!table.places || table.size & (table.size - 1) || !qemu_plugin_register_vcpu_insn_exec_cond_cb ||
	    !shared_part(shared->armed_at, ARMED_PAGES, 8) || shared->armed_at % PAGE)
		return false;
	sites = calloc(SITES, sizeof(*sites));
	score = qemu_plugin_scoreboard_new(ARMED_SIZE + PAGE);
	return sites && compares_vcpu(0);
}

/* QEMU has thrown all translations away: nobody knows the sites any more. */
void compares_flush(void)
{
	if (sites && used_sites > SITES / 4) {
		memset(sites, 0, SITES * sizeof(*sites));
		used_sites = 0;
	}
}

/* The site of an instruction: an earlier translation's, or a new one; NULL when there is no room. */
static struct compare_site *site_of(uint64_t pc, const struct insn *insn, const uint8_t bytes[INSN_BYTES + 1])
{
	uint32_t at = (uint32_t)(pc * 0x9e3779b97f4a7c15ull >> 32);

	for (uint32_t i = 0; i < NEAR; i++) {
		struct translated *each = &sites[(at + i) & (SITES - 1)];

		if (each->site.pc == pc && !memcmp(each->bytes, bytes, sizeof(each->bytes)))
			return &each->site;
		if (each->site.pc)
			continue;
		used_sites++;
		each->site = (struct compare_site){ .pc = pc, .insn = *insn };
		memcpy(each->bytes, bytes, sizeof(each->bytes));
		return &each->site;
	}
	shared->dropped_compares++;
	return NULL;
}

/* An instruction of a module is translated: has it looked at while its code is armed, if it compares. */
void compares_insn(struct qemu_plugin_insn *each, const struct insn *insn, const struct callee *callee, uint64_t at,
		   const uint8_t *code, size_t size)
{
	uint64_t word = at / PAGE % ARMED_PAGES;
	uint8_t bytes[INSN_BYTES + 1] = { 0 };
	struct insn called;
	struct compare_site *site;

	if (callee && callee->compares) {
		called = *insn;
		called.compare = COMPARE_CMP;
		called.width = 1;
		called.called = callee->compares;
		called.limited = callee->limited;
		insn = &called;
	}
	if (insn->compare == COMPARE_NONE)
		return;
	memcpy(bytes, code, size < INSN_BYTES ? size : INSN_BYTES);
	site = site_of(at, insn, bytes);
	if (site)
		qemu_plugin_register_vcpu_insn_exec_cond_cb(each, compared, QEMU_PLUGIN_CB_R_REGS, QEMU_PLUGIN_COND_NE,
							     (qemu_plugin_u64){ score, words_at + 8 * word }, 0, site);
}
