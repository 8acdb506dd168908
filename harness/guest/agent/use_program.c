// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program of user space as the host sends it (usbfuzz/uses/wire.py): steps of some threads, each an operation, a slot
 * for what it gives, and operands. All is checked here, so that what plays it need not.
 */
#define _GNU_SOURCE
#include "use.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define OWN	   4		/* of a patch only: the address of a place in its own buffer */
#define BUFFER_MAX (256u << 10)
#define PATCHES	   32
#define ROOM	   (32u << 10)	/* behind each buffer: more than an ioctl writes that was given too small a one */

struct reader {
	const unsigned char *at, *end;
	bool bad;
};

static uint64_t number(struct reader *r, size_t size)
{
	uint64_t value = 0;

	if ((size_t)(r->end - r->at) < size) {
		r->bad = true;
		return 0;
	}
	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)r->at[i] << 8 * i;
	r->at += size;
	return value;
}

static void read_operand(struct reader *r, struct operand *o);

static void read_patches(struct reader *r, struct operand *o, size_t count)
{
	o->patches = calloc(count, sizeof(*o->patches));
	if (!o->patches && count)
		r->bad = true;
	for (size_t i = 0; i < count && !r->bad; i++) {
		struct patch *p = &o->patches[i];

		p->offset = number(r, 4);
		p->size = number(r, 1);
		if (p->offset > o->len || p->size > o->len - p->offset || p->size > SLOT_BYTES)
			r->bad = true;
		else if (r->at < r->end && *r->at == OWN) {
			r->at++;
			p->value.kind = CONSTANT;
			p->value.number = number(r, 4);
			if (p->value.number > o->len || p->size != sizeof(o->buffer))
				r->bad = true;
			p->value.number += (uintptr_t)o->buffer;
		} else if (r->at < r->end && *r->at != BUFFER)
			read_operand(r, &p->value);
		else
			r->bad = true;
		o->patch_count = i + 1;
	}
}

static void read_buffer(struct reader *r, struct operand *o)
{
	size_t patches;

	o->len = number(r, 4);
	o->literal_len = number(r, 4);
	patches = number(r, 1);
	if (r->bad || o->len > BUFFER_MAX || o->literal_len > o->len || o->literal_len > (size_t)(r->end - r->at) ||
	    patches > PATCHES) {
		r->bad = true;
		return;
	}
	o->literal = r->at;
	r->at += o->literal_len;
	o->buffer = mmap(NULL, o->len + ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (o->buffer == MAP_FAILED) {
		o->buffer = NULL;
		r->bad = true;
	}
	read_patches(r, o, patches);
}

static void read_operand(struct reader *r, struct operand *o)
{
	o->kind = number(r, 1);
	switch (o->kind) {
	case CONSTANT:
		o->number = number(r, 8);
		break;
	case SLOT:
		o->slot = number(r, 1);
		break;
	case FIELD:
		o->slot = number(r, 1);
		o->offset = number(r, 2);
		o->size = number(r, 1);
		break;
	case BUFFER:
		read_buffer(r, o);
		break;
	default:
		r->bad = true;
	}
	if (o->slot >= SLOTS || o->size > SLOT_BYTES)
		r->bad = true;
}

static void read_step(struct reader *r, struct step *s, unsigned int threads)
{
	s->thread = number(r, 1);
	s->op = number(r, 1);
	s->result = number(r, 1);
	s->count = number(r, 1);
	if (s->thread > threads || s->op >= USE_OPS || s->count > OPERANDS || (s->result >= SLOTS && s->result != NO_SLOT)) {
		r->bad = true;
		s->count = 0;
	}
	for (unsigned int i = 0; i < s->count && !r->bad; i++)
		read_operand(r, &s->operands[i]);
}

void program_free(struct program *p)
{
	for (unsigned int i = 0; p && i < p->count; i++)
		for (unsigned int k = 0; k < OPERANDS; k++) {
			struct operand *o = &p->steps[i].operands[k];

			if (o->buffer)
				munmap(o->buffer, o->len + ROOM);
			free(o->patches);
		}
	free(p);
}

/* The program in LEN bytes at RAW, which it goes on to use; NULL when they are none. */
struct program *program_read(const unsigned char *raw, size_t len)
{
	struct reader r = { raw, raw + len, false };
	struct program *p = calloc(1, sizeof(*p));
	unsigned int last = 0;

	if (!p)
		return NULL;
	p->threads = number(&r, 1);
	p->count = number(&r, 2);
	if (p->threads > THREADS || p->count > STEPS)
		r.bad = true;
	for (unsigned int i = 0; i < p->count && !r.bad; i++) {
		read_step(&r, &p->steps[i], p->threads);
		if (p->steps[i].thread < last)
			r.bad = true;
		last = p->steps[i].thread;
	}
	if (r.bad || r.at != r.end) {
		p->count = p->count > STEPS ? STEPS : p->count;
		program_free(p);
		return NULL;
	}
	return p;
}
