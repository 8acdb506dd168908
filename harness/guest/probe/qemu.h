/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the probe uses of QEMU's plugin interface and of GLib, declared here because no package holds the header.
 *
 * All are weak: a function that a QEMU lacks is NULL, and that is how its abilities are told, not by its version.
 *   interface 1 (QEMU 7.2, 8.x)   an inline addition at any address
 *   interface 2 (9.0)             inline additions in scoreboards only; registers can be read; conditional callbacks
 *   interface 3 (9.1)             qemu_plugin_insn_data() copies; time control
 *   interface 4 (9.2, 10.0)       qemu_plugin_read_memory_vaddr()
 *   interface 5 (10.1)            registers and memory can be written
 */
#ifndef PROBE_QEMU_H
#define PROBE_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEAK   __attribute__((weak))
#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_register;
struct qemu_plugin_scoreboard;

typedef struct {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
} qemu_plugin_u64;

typedef struct {
	const char *target_name;
	struct {
		int min;
		int cur;
	} version;
	bool system_emulation;
	union {
		struct {
			int smp_vcpus;
			int max_vcpus;
		} system;
	};
} qemu_info_t;

typedef struct {
	struct qemu_plugin_register *handle;
	const char *name;
	const char *feature;
} qemu_plugin_reg_descriptor;

enum { QEMU_PLUGIN_INLINE_ADD_U64 };
enum { QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_CB_R_REGS };
enum { QEMU_PLUGIN_MEM_RW = 3 };
enum { QEMU_PLUGIN_COND_NE = 3 };

typedef struct {
	char *data;
	unsigned int len;
} GArray;

typedef struct {
	uint8_t *data;
	unsigned int len;
} GByteArray;

WEAK GByteArray *g_byte_array_new(void);
WEAK GByteArray *g_byte_array_set_size(GByteArray *array, unsigned int length);
WEAK char *g_array_free(GArray *array, int free_segment);

typedef void (*tb_trans_cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*vcpu_cb)(qemu_plugin_id_t id, unsigned int vcpu);
typedef void (*flush_cb)(qemu_plugin_id_t id);
typedef void (*exit_cb)(qemu_plugin_id_t id, void *data);
typedef void (*exec_cb)(unsigned int vcpu, void *data);
typedef void (*mem_cb)(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data);

void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t id, vcpu_cb cb);
void qemu_plugin_register_flush_cb(qemu_plugin_id_t id, flush_cb cb);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_cb cb, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_cb cb);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, mem_cb cb, int flags, int rw, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_cb cb, int flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
void qemu_plugin_outs(const char *text);

/* One function with two forms: up to interface 2 it returns the address of the bytes, later it copies them. */
const uint8_t *qemu_plugin_insn_data_address(const struct qemu_plugin_insn *insn) __asm__("qemu_plugin_insn_data");
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t length);
WEAK void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);

WEAK void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *to, uint64_t amount);
WEAK void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(struct qemu_plugin_tb *tb, int op, qemu_plugin_u64 to,
							     uint64_t amount);
WEAK void qemu_plugin_register_vcpu_insn_exec_cond_cb(struct qemu_plugin_insn *insn, exec_cb cb, int flags, int cond,
						       qemu_plugin_u64 value, uint64_t compared, void *data);
WEAK struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t size);
WEAK void *qemu_plugin_scoreboard_find(struct qemu_plugin_scoreboard *score, unsigned int vcpu);
WEAK GArray *qemu_plugin_get_registers(void);
/* int up to interface 5, bool from 6 on: the array's length says how many bytes were read. */
WEAK int qemu_plugin_read_register(struct qemu_plugin_register *handle, GByteArray *to);
WEAK void qemu_plugin_request_time_control(void);
WEAK bool qemu_plugin_read_memory_vaddr(uint64_t address, GByteArray *to, size_t length);
WEAK int qemu_plugin_write_register(struct qemu_plugin_register *handle, GByteArray *from);

#endif
