/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest whose memory is random, half of it such that it nearly makes sense, and a header that may be absurd. */
#ifndef HOSTILE_GUEST_H
#define HOSTILE_GUEST_H

#include "fake_kernel.h"

#define HOOKS	24
#define CALLEES 12

uint64_t any(void);
uint64_t below(uint64_t limit);
bool one_in(uint64_t count);
/* A word such as the kernel has in such places, or any. */
uint64_t hostile(void);
void make_ram(uint64_t seed);
/* Makes the header; the file. */
int make_header(void);

#endif
