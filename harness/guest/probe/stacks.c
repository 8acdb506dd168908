// SPDX-License-Identifier: GPL-2.0-only
/*
 * Call chains of allocations and frees: the words on the stack that may be return addresses. Which of them really are
 * is decided by the host, for the few that are shown. All of kernel and modules lies in the last 2 GiB of the address
 * space, so that half a word is enough. A cache like that of objects.c: an id names place and hash.
 */
#include "insn.h"
#include "probe.h"

#include <stdlib.h>
#include <string.h>

#define BITS   14
#define STACKS (1u << BITS)
#define DEEP   80		/* words of the stack that are looked at */
#define CODE   0x1ffffffffull	/* the upper bits of all addresses of code */

struct chain {
	uint32_t words[STACK_WORDS];
	uint32_t hash;
};

static struct chain *chains;

bool stacks_start(void)
{
	chains = calloc(STACKS, sizeof(*chains));
	return chains;
}

static bool is_code(uint64_t word)
{
	return word >> 31 == CODE && (in_module(word) || in_kernel_text(word));
}

/* What may be return addresses, from the one on top (in a function that was just entered: its own) downwards. */
void stack_scan(uint64_t words[STACK_WORDS])
{
	uint64_t at = reg(RSP), found = 0, there = 0;
	const uint8_t *bytes = NULL;

	memset(words, 0, STACK_WORDS * sizeof(*words));
	for (int i = 0; i < DEEP && found < STACK_WORDS; i++, at += 8, bytes += 8, there -= 8) {
		uint64_t word;

		if (there < 8 && (!(bytes = guest_at(at, &there)) || there < 8))
			return;
		memcpy(&word, bytes, 8);
		if (is_code(word))
			words[found++] = word;
	}
}

/* Keeps the chain that leads here; its id. 0: no module is in it, and nobody will ask. */
uint32_t stack_here(void)
{
	uint64_t words[STACK_WORDS];
	struct chain chain = { 0 }, *place;
	uint32_t hash = 2166136261u;
	bool of_module = false;

	stack_scan(words);
	for (int i = 0; i < STACK_WORDS && words[i] && !of_module; i++)
		of_module = in_module(words[i]);
	if (!of_module)
		return 0;
	for (int i = 0; i < STACK_WORDS && words[i]; i++) {
		chain.words[i] = words[i];
		hash = (hash ^ chain.words[i]) * 16777619u;
	}
	chain.hash = hash | 1;
	place = &chains[chain.hash >> (32 - BITS)];
	if (place->hash != chain.hash)
		*place = chain;
	return chain.hash;
}

/* The words of a chain; none when another took its place. */
void stack_words(uint32_t stack, uint64_t words[STACK_WORDS])
{
	const struct chain *chain = &chains[stack >> (32 - BITS)];

	memset(words, 0, STACK_WORDS * sizeof(*words));
	if (!stack || chain->hash != stack)
		return;
	for (int i = 0; i < STACK_WORDS && chain->words[i]; i++)
		words[i] = (int64_t)(int32_t)chain->words[i];
}

/* Whether the instruction in front of a return address is a call, and where to. */
static bool called(uint64_t back, uint64_t *target)
{
	uint8_t bytes[8];
	struct insn insn;

	if (!guest_read(back - sizeof(bytes), bytes, sizeof(bytes)))
		return false;
	for (unsigned int length = 2; length <= 7; length++) {
		const uint8_t *at = bytes + sizeof(bytes) - length;

		if (insn_decode(&insn, at, length, back - length) != (int)length)
			continue;
		if (insn.flow == FLOW_CALL || insn.flow == FLOW_INDIRECT_CALL) {
			*target = insn.flow == FLOW_CALL ? insn.target : 0;
			return true;
		}
	}
	return false;
}

/* What of the words has a call in front of the place that it points to; 'to' is empty. */
void stack_frames(struct frame to[STACK_WORDS], const uint64_t words[STACK_WORDS])
{
	uint64_t target;

	for (int i = 0; i < STACK_WORDS && words[i]; i++)
		if (called(words[i], &target))
			*to++ = (struct frame){ words[i], target };
}
