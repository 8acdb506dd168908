/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs of user space: what the files use*.c have in common. */
#ifndef USBFUZZ_USE_H
#define USBFUZZ_USE_H

#include "live.h"

#include <stdatomic.h>

#define STEPS	   128		/* MOST_STEPS in usbfuzz/uses/wire.py */
#define THREADS	   8		/* MOST_THREADS, besides the first steps */
#define SLOTS	   64		/* names of a program */
#define SLOT_BYTES 64		/* of a field that is copied */
#define OPERANDS   6
#define NO_SLOT	   255

#include "calls.h"		/* enum use_op and USE_SYSCALLS, written when the agent is built */

enum { CONSTANT, SLOT, FIELD, BUFFER };

struct operand {
	uint8_t kind, slot, size;
	uint32_t offset;		/* FIELD: in what the slot's step wrote */
	uint64_t number;		/* CONSTANT */
	unsigned char *buffer;		/* BUFFER: len bytes, filled from the literal, zeros and patches before each use */
	const unsigned char *literal;
	size_t len, literal_len;
	struct patch *patches;
	unsigned int patch_count;
};

struct patch {
	uint32_t offset;
	uint8_t size;
	struct operand value;
};

struct step {
	uint8_t thread, op, result, count;
	struct operand operands[OPERANDS];
};

struct program {
	unsigned int threads, count;	/* threads besides the first */
	struct step steps[STEPS];	/* in the order of their threads */
};

struct program *program_read(const unsigned char *raw, size_t len);
void program_free(struct program *p);

enum { UNREACHED, RUNNING, DONE, SKIPPED };

/* What the child tells its parent, in memory that both see. */
struct progress {
	atomic_uint busy;		/* threads that have not ended, and do not only hold */
	atomic_bool searching;		/* one looks for a node that is not there yet */
	struct reached {
		atomic_uint state, runs;
		atomic_llong result;	/* or a negative errno */
	} steps[STEPS];
};

struct play {
	const struct program *program;
	struct progress *progress;
	uint64_t buses;			/* whose nodes it may open */
	int64_t patient_until;		/* guest ms: a node may still appear */
	int told;			/* a byte goes here when no thread is busy any more */
};

int program_play(const struct play *play);

struct player {				/* a child that plays */
	struct progress *progress;
	unsigned int steps;
	int pidfd, told;
};

bool player_start(struct player *p, struct play *play);
bool player_heard(const struct player *p, int64_t end);
bool player_ended(const struct player *p, int64_t end);
const char *player_end(const struct player *p, int64_t end);
void player_drop(const struct player *p);

#endif
