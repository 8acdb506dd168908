// SPDX-License-Identifier: GPL-2.0-only
/* Operands of comparisons, and the table of distinct pairs: compare.h. The host is little endian, as the guest is. */
#include "compare.h"

#include <string.h>

#define PROBES 32		/* places that an instruction may have */
#define CALLED 64		/* bytes that are looked through for a difference */
#define IDLE   128		/* runs without a new pair, after which an instruction is let be */

static uint64_t cut(uint64_t value, unsigned int width)
{
	return width >= 8 ? value : value & ((1ull << (8 * width)) - 1);
}

/*
 * What a bit number in a register adds to the address of a bit string in memory: bt (SDM volume 2) reads the operand
 * that has the bit, before or behind the one that it names.
 */
static uint64_t bit_string_offset(const struct insn *insn, const struct compare_guest *guest)
{
	unsigned int bits = 8 * insn->width;
	int64_t number;

	if (insn->compare != COMPARE_BT || insn->right.kind != OPERAND_REGISTER)
		return 0;
	number = (int64_t)(guest->reg(guest->data, insn->right.reg) << (64 - bits)) >> (64 - bits);
	return (uint64_t)((number - (number & (bits - 1))) / 8);
}

static uint64_t address_of(const struct insn *insn, const struct compare_guest *guest)
{
	uint64_t address = (uint64_t)insn->displacement + bit_string_offset(insn, guest);

	if (insn->base != REG_NONE)
		address += guest->reg(guest->data, insn->base);
	if (insn->index != REG_NONE)
		address += guest->reg(guest->data, insn->index) * insn->scale;
	if (insn->address_size == 4)
		address = (uint32_t)address;
	if (insn->segment != REG_NONE)
		address += guest->reg(guest->data, insn->segment);
	return address;
}

static bool operand(const struct insn *insn, const struct insn_operand *from, const struct compare_guest *guest,
		    uint64_t *value)
{
	*value = 0;
	switch (from->kind) {
	case OPERAND_REGISTER:
		*value = cut(guest->reg(guest->data, from->reg), insn->width);
		return true;
	case OPERAND_HIGH_BYTE:
		*value = guest->reg(guest->data, from->reg) >> 8 & 0xff;
		return true;
	case OPERAND_MEMORY:
		return guest->mem(guest->data, address_of(insn, guest), value, insn->width);
	case OPERAND_POINTED:
		return guest->mem(guest->data, guest->reg(guest->data, from->reg), value, insn->width);
	case OPERAND_IMMEDIATE:
		*value = cut((uint64_t)from->value, insn->width);
		return true;
	default:
		return false;
	}
}

/*
 * What a function that is called will compare: the first bytes that differ, or the last of all. So a driver that looks
 * for a text shows it byte by byte, as one does that has `repe cmpsb`.
 */
static bool called_operands(const struct insn *insn, const struct compare_guest *guest, struct pair *pair)
{
	uint64_t left = guest->reg(guest->data, REG_RDI), right = guest->reg(guest->data, REG_RSI);
	uint64_t limit = insn->limited ? guest->reg(guest->data, REG_RDX) : CALLED;

	*pair = (struct pair){ 0 };
	if (!limit)
		return false;
	for (uint64_t at = 0; at < limit && at < CALLED; at++) {
		if (!guest->mem(guest->data, left + at, &pair->left, 1) ||
		    !guest->mem(guest->data, right + at, &pair->right, 1))
			return false;
		if (pair->left != pair->right || (insn->called == CALLEE_COMPARES_TEXT && !pair->left))
			break;
	}
	return true;
}

bool compare_operands(const struct insn *insn, const struct compare_guest *guest, struct pair *pair)
{
	if (insn->called)
		return called_operands(insn, guest, pair);
	if (insn->repeated && !guest->reg(guest->data, REG_RCX))
		return false;
	return operand(insn, &insn->left, guest, &pair->left) && operand(insn, &insn->right, guest, &pair->right);
}

static bool is_of(const struct compared *place, const struct compare_site *site)
{
	return place->pc == site->pc && place->kind == site->insn.compare && place->width == site->insn.width;
}

static void occupy(struct compared *place, const struct compare_site *site)
{
	__atomic_store_n(&place->count, 0, __ATOMIC_RELEASE);
	place->pc = site->pc;
	place->kind = site->insn.compare;
	place->width = site->insn.width;
	place->constant = site->insn.right.kind == OPERAND_IMMEDIATE;
	__atomic_store_n(&place->generation, site->generation, __ATOMIC_RELEASE);
}

/* Its place in the table, a new one if need be; NULL when there is no room. Nothing is ever taken out. */
static struct compared *find(const struct compare_table *table, const struct compare_site *site)
{
	uint32_t at = (uint32_t)(site->pc * 0x9e3779b97f4a7c15ull >> 32);

	for (uint32_t i = 0; i < PROBES && i < table->size; i++) {
		struct compared *place = &table->places[(at + i) & (table->size - 1)];

		if (place->generation != site->generation || !place->count) {
			occupy(place, site);
			return place;
		}
		if (is_of(place, site))
			return place;
	}
	return NULL;
}

static void add(struct compare_site *site, const struct pair *pair)
{
	struct compared *place = site->place;
	unsigned int count = place->count;

	site->done = count >= PAIRS;
	for (unsigned int i = 0; i < count && i < PAIRS; i++)
		if (!memcmp(&place->pairs[i], pair, sizeof(*pair)))
			return;
	if (site->done)
		return;
	place->pairs[count++] = *pair;
	site->idle = 0;
	__atomic_store_n(&place->count, count, __ATOMIC_RELEASE);
	site->done = count == PAIRS;
}

void compare_keep(const struct compare_table *table, struct compare_site *site, const struct compare_guest *guest)
{
	uint32_t generation = __atomic_load_n(table->generation, __ATOMIC_ACQUIRE);
	struct pair pair;

	if (!site->started || site->generation != generation) {
		site->generation = generation;
		site->started = true;
		site->done = site->insn.compare == COMPARE_NONE;
		site->place = NULL;
		site->idle = 0;
	}
	if (!site->done && site->idle++ == IDLE)
		site->done = true;
	if (site->done || !compare_operands(&site->insn, guest, &pair))
		return;
	if (site->place && !memcmp(&pair, &site->last, sizeof(pair)))
		return;
	site->last = pair;
	if (!site->place)
		site->place = find(table, site);
	if (site->place) {
		add(site, &pair);
	} else {
		site->done = true;
		++*table->dropped;
	}
}
