/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the probe share inside QEMU. Whoever is called by QEMU takes the lock: virtual CPUs may have threads. */
#ifndef PROBE_H
#define PROBE_H

#include "layout.h"
#include "qemu.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

/* x86's numbers of the registers, as instructions encode them. */
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, FS_BASE = 16, GS_BASE, REGISTERS };

struct insn;
extern struct header *shared;

static inline bool in_kernel_text(uint64_t address)
{
	return address >= shared->text_start && address < shared->text_end;
}

static inline bool in_module(uint64_t address)
{
	return address >= shared->check_start && address < shared->check_end;
}

/* probe.c */
void probe_lock(void);		/* may be taken again by the thread that has it */
void probe_unlock(void);
void *shared_part(uint64_t offset, uint64_t count, uint64_t size);
int shared_file(void);
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
const uint8_t *insn_bytes(const struct qemu_plugin_insn *insn, uint8_t copy[16]);

/* coverage.c */
bool coverage_start(void);
void coverage_block(struct qemu_plugin_tb *tb);

/* compares.c */
bool compares_start(void);
bool compares_vcpu(unsigned int vcpu);
void compares_insn(struct qemu_plugin_insn *each, const struct insn *insn, const struct callee *callee, uint64_t at,
		   const uint8_t *code, size_t size);
void compares_flush(void);

/* registers.c: only in callbacks that were registered with QEMU_PLUGIN_CB_R_REGS */
bool registers_start(void);
void registers_changed(void);	/* first thing in each such callback */
uint64_t reg(unsigned int number);
uint64_t argument(unsigned int number);

/* memory.c: the guest's memory, read without its noticing */
bool memory_find(struct qemu_plugin_insn *insn);
bool memory_known(void);
const uint8_t *guest_at(uint64_t address, size_t *there);
bool guest_read(uint64_t address, void *to, size_t length);
uint64_t guest_u64(uint64_t address);
uint32_t guest_u32(uint64_t address);
const uint8_t *ram_part(uint64_t offset, uint64_t length);
extern uint64_t direct_map, vmemmap, ram_bytes;

/* log.c */
void log_keep(qemu_plugin_id_t id, void *data);

/* shadow.c: which bytes of the direct map may be accessed */
enum { VALID = 0, FREED = 0xfb, REDZONE = 0xfc, FREED_PAGE = 0xff };
extern uint8_t *shadow;	/* a byte for 8 bytes: 0 all valid, 1 to 7 that many of them, else one of the above */
bool shadow_start(void);
bool in_direct_map(uint64_t address, uint64_t length);
uint8_t shadow_of(uint64_t address);
void shadow_poison(uint64_t address, uint64_t length, uint8_t why);
void shadow_allow(uint64_t address, uint64_t length);
uint64_t shadow_bad(uint64_t address, uint64_t length);

/* objects.c: what was allocated where, and who did it */
struct object {
	uint64_t start;
	uint64_t cache;		/* its struct kmem_cache, 0: none */
	uint32_t size;		/* as asked for */
	uint32_t room;		/* until the next object can start */
	uint32_t allocated;	/* call chains, see stacks.c */
	uint32_t freed;
	uint32_t owner;		/* of its page, see objects.c */
};
bool objects_start(void);
struct object *object_at(uint64_t start);
struct object *object_near(uint64_t address);
struct object *object_new(uint64_t start);
void objects_forget(uint64_t page);

/* stacks.c */
bool stacks_start(void);
uint32_t stack_here(void);
void stack_words(uint32_t stack, uint64_t words[STACK_WORDS]);
void stack_scan(uint64_t words[STACK_WORDS]);
void stack_frames(struct frame to[STACK_WORDS], const uint64_t words[STACK_WORDS]);

/* alive.c: what was allocated by whom and not given back */
bool alive_start(void);
void alive_begin(uint64_t start, uint64_t size, uint32_t stack);
void alive_end(uint64_t start);
void alive_pages(uint64_t start, uint64_t length);

/* slabs.c: what the kernel's allocator knows of an address */
struct slot {
	uint64_t cache;
	uint32_t size;		/* bytes that objects of the cache have */
	uint32_t room;		/* bytes from an object's start to the next's redzone */
	uint32_t before;	/* bytes of redzone before it */
	bool reused;		/* a freed object may still be read (SLAB_TYPESAFE_BY_RCU) */
	bool constructed;	/* objects are initialised before they are allocated */
};
bool slab_slot(uint64_t address, struct slot *slot);

/* hooks.c, heap.c: the allocator's functions */
bool heap_start(void);
void hooks_block(struct qemu_plugin_tb *tb);
void heap_result(const struct hook *hook, uint64_t a, uint64_t b, uint32_t stack, uint64_t result);
void heap_entered(unsigned int vcpu, const struct hook *hook, uint64_t a, uint64_t b);
bool heap_has_result(const struct hook *hook);

/* access.c */
const struct callee *access_callee(const struct insn *insn);
void access_insn(struct qemu_plugin_insn *each, const struct insn *insn, const struct callee *callee, uint64_t at);
bool tracking(void);
void check_urb(uint64_t urb);

/* report.c */
struct found {
	uint32_t kind;
	bool write;
	bool registers;		/* they can be read here */
	uint64_t pc, callee, address, size, bad;
};
void report_start(int report_fd, int resume_fd);
void report(const struct found *found);
void report_access(struct found *found);

#endif
