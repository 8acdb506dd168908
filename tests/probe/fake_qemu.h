/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A QEMU without a CPU, to run the plugin in a program of the tests: translation and execution are what the program
 * says. Memory that the plugin asks for lies between pages that cannot be accessed, or is the sanitizer's.
 */
#ifndef FAKE_QEMU_H
#define FAKE_QEMU_H

#include "insn.h"
#include "probe.h"

#define START_KERNEL_MAP 0xffffffff80000000ull
#define ALL_REGISTERS	 18	/* with the bases of fs and gs */
#define TB_INSNS	 24
#define CALLBACKS	 8

struct qemu_plugin_insn {
	uint64_t vaddr;
	uint8_t *haddr;		/* in the fake RAM, or NULL */
	uint8_t bytes[INSN_BYTES + 1];
	size_t size;
	struct {
		exec_cb exec;
		mem_cb mem;
		void *data;
		qemu_plugin_u64 word;	/* exec only if it is not 0; no score: always */
	} callbacks[CALLBACKS];
	unsigned int count;
};

struct qemu_plugin_tb {
	size_t count;
	struct qemu_plugin_insn insns[TB_INSNS];
};

extern uint64_t fake_registers[ALL_REGISTERS];
extern bool fake_registers_readable;	/* in a callback that said so */

/* A file that the plugin maps, with a header that says its magic and layout; its bytes in this program. */
struct header *fake_shared(uint64_t bytes, int *fd);
/* Bytes between pages that cannot be accessed; a multiple of a page. */
uint8_t *fake_memory(uint64_t bytes);
/* Loads the plugin and starts a virtual CPU; false: it refused. */
bool fake_start(int shm, int report, int resume);
void fake_translate(struct qemu_plugin_tb *tb);
/* Runs the callbacks of an instruction; loads and stores are at 'address'. */
void fake_execute(struct qemu_plugin_insn *insn, qemu_plugin_meminfo_t info, uint64_t address);
void fake_flush(void);

#endif
