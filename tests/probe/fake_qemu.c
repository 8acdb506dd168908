// SPDX-License-Identifier: GPL-2.0-only
/* See fake_qemu.h. The program is linked with -Wl,--wrap=mmap. */
#define _GNU_SOURCE
#include "fake_qemu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define VCPUS 1
#define ROOM  16		/* elements that a scoreboard has room for, as QEMU's */

struct qemu_plugin_register {
	unsigned int number;
};

struct qemu_plugin_scoreboard {
	uint8_t *data;
	size_t size;
};

uint64_t fake_registers[ALL_REGISTERS];
bool fake_registers_readable;

static struct qemu_plugin_register numbers[ALL_REGISTERS];
static struct qemu_plugin_scoreboard boards[4];
static unsigned int board_count;
static uint64_t file_bytes;
static tb_trans_cb on_translated;
static vcpu_cb on_vcpu;
static flush_cb on_flush;

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);
void *__real_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset);

static void *guarded(size_t length)
{
	size_t whole = (length + PAGE - 1) & -(size_t)PAGE;
	uint8_t *at = __real_mmap(NULL, whole + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		abort();
	return at + PAGE;
}

uint8_t *fake_memory(uint64_t bytes)
{
	uint8_t *at = guarded(bytes);

	if (mprotect(at, bytes, PROT_READ | PROT_WRITE))
		abort();
	return at;
}

static bool in_a_board(const uint8_t *at, size_t length)
{
	for (unsigned int i = 0; i < board_count; i++)
		if (at >= boards[i].data && at + length <= boards[i].data + ROOM * boards[i].size)
			return true;
	return false;
}

void *__wrap_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
	void *memory;

	if (flags & MAP_ANONYMOUS && flags & MAP_SHARED)
		return __real_mmap(at, length, protection, flags, fd, offset);
	if (flags & MAP_ANONYMOUS) {
		if (posix_memalign(&memory, PAGE, length))
			return MAP_FAILED;
		return memset(memory, 0, length);
	}
	if (offset < 0 || (uint64_t)offset + length > file_bytes)
		abort();
	if (flags & MAP_FIXED) {
		if (!in_a_board(at, length))
			abort();
		return __real_mmap(at, length, protection, flags, fd, offset);
	}
	return __real_mmap(guarded(length), length, protection, flags | MAP_FIXED, fd, offset);
}

void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t id, vcpu_cb cb)
{
	(void)id;
	on_vcpu = cb;
}

void qemu_plugin_register_flush_cb(qemu_plugin_id_t id, flush_cb cb)
{
	(void)id;
	on_flush = cb;
}

void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_cb cb, void *data)
{
	(void)id, (void)cb, (void)data;
}

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_cb cb)
{
	(void)id;
	on_translated = cb;
}

static void add(struct qemu_plugin_insn *insn, exec_cb exec, mem_cb mem, void *data, qemu_plugin_u64 word)
{
	if (insn->count == CALLBACKS)
		abort();
	insn->callbacks[insn->count].exec = exec;
	insn->callbacks[insn->count].mem = mem;
	insn->callbacks[insn->count].data = data;
	insn->callbacks[insn->count++].word = word;
}

void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, mem_cb cb, int flags, int rw, void *data)
{
	if (flags != QEMU_PLUGIN_CB_NO_REGS || rw != QEMU_PLUGIN_MEM_RW)
		abort();
	add(insn, NULL, cb, data, (qemu_plugin_u64){ 0 });
}

void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_cb cb, int flags, void *data)
{
	if (flags != QEMU_PLUGIN_CB_R_REGS)
		abort();
	add(insn, cb, NULL, data, (qemu_plugin_u64){ 0 });
}

static uint64_t *word_of(qemu_plugin_u64 word)
{
	if (word.offset % 8 || word.offset + 8 > word.score->size)
		abort();
	return (uint64_t *)(void *)(word.score->data + word.offset);
}

void qemu_plugin_register_vcpu_insn_exec_cond_cb(struct qemu_plugin_insn *insn, exec_cb cb, int flags, int cond,
						  qemu_plugin_u64 value, uint64_t compared, void *data)
{
	if (flags != QEMU_PLUGIN_CB_R_REGS || cond != QEMU_PLUGIN_COND_NE || compared)
		abort();
	word_of(value);
	add(insn, cb, NULL, data, value);
}

void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(struct qemu_plugin_tb *tb, int op, qemu_plugin_u64 to,
							uint64_t amount)
{
	(void)tb, (void)op;
	*word_of(to) += amount;	/* as if it ran at once */
}

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb)
{
	return tb->count;
}

uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb)
{
	return tb->insns[0].vaddr;
}

struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index)
{
	return index < tb->count ? (struct qemu_plugin_insn *)&tb->insns[index] : NULL;
}

size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn)
{
	return insn->size;
}

uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn)
{
	return insn->vaddr;
}

void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn)
{
	return insn->haddr;
}

size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t length)
{
	length = length < insn->size ? length : insn->size;
	memcpy(to, insn->bytes, length);
	return length;
}

unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info)
{
	return info & 7;
}

bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info)
{
	return info & 8;
}

void qemu_plugin_request_time_control(void)
{
}

bool qemu_plugin_read_memory_vaddr(uint64_t address, GByteArray *to, size_t length)
{
	return (void)address, (void)to, (void)length, false;
}

int qemu_plugin_write_register(struct qemu_plugin_register *handle, GByteArray *from)
{
	(void)handle, (void)from;
	abort();		/* it never changes what the guest computes */
}

struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t size)
{
	struct qemu_plugin_scoreboard *board = &boards[board_count++];

	/* Where an allocator places a large array. */
	*board = (struct qemu_plugin_scoreboard){ fake_memory((ROOM * size + 2 * PAGE) & -(size_t)PAGE) + 16, size };
	return board;
}

void *qemu_plugin_scoreboard_find(struct qemu_plugin_scoreboard *score, unsigned int vcpu)
{
	if (vcpu >= VCPUS)
		abort();
	return score->data + vcpu * score->size;
}

GArray *qemu_plugin_get_registers(void)
{
	static const char *const NAMES[ALL_REGISTERS] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9",
		"r10", "r11", "r12", "r13", "r14", "r15", "fs_base", "gs_base",
	};
	static qemu_plugin_reg_descriptor all[ALL_REGISTERS];
	static GArray list = { (char *)all, ALL_REGISTERS };

	for (unsigned int i = 0; i < ALL_REGISTERS; i++) {
		numbers[i].number = i;
		all[i] = (qemu_plugin_reg_descriptor){ &numbers[i], NAMES[i], "core" };
	}
	return &list;
}

char *g_array_free(GArray *array, int free_segment)
{
	(void)free_segment;
	return array->data;
}

GByteArray *g_byte_array_new(void)
{
	static uint8_t bytes[8];
	static GByteArray array = { bytes, 0 };

	return &array;
}

GByteArray *g_byte_array_set_size(GByteArray *array, unsigned int length)
{
	if (length > 8)
		abort();
	array->len = length;
	return array;
}

int qemu_plugin_read_register(struct qemu_plugin_register *handle, GByteArray *to)
{
	if (to->len || !fake_registers_readable)
		abort();
	memcpy(to->data, &fake_registers[handle->number], 8);
	to->len = 8;
	return 8;
}

struct header *fake_shared(uint64_t bytes, int *fd)
{
	struct header *header;

	*fd = memfd_create("fake", 0);
	if (*fd < 0 || ftruncate(*fd, bytes))
		abort();
	file_bytes = bytes;
	header = __real_mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	header->magic = PROBE_MAGIC;
	header->layout = PROBE_LAYOUT;
	return header;
}

bool fake_start(int shm, int report, int resume)
{
	qemu_info_t info = { .target_name = "x86_64", .system_emulation = true };
	char file[32], told[32], answer[32], *arguments[] = { file, told, answer };

	info.system.smp_vcpus = info.system.max_vcpus = VCPUS;
	snprintf(file, sizeof(file), "shm=%d", shm);
	snprintf(told, sizeof(told), "report=%d", report);
	snprintf(answer, sizeof(answer), "resume=%d", resume);
	if (qemu_plugin_install(1, &info, 3, arguments))
		return false;
	on_vcpu(1, 0);
	return true;
}

void fake_translate(struct qemu_plugin_tb *tb)
{
	for (size_t i = 0; i < tb->count; i++)
		tb->insns[i].count = 0;
	on_translated(1, tb);
}

void fake_execute(struct qemu_plugin_insn *insn, qemu_plugin_meminfo_t info, uint64_t address)
{
	for (unsigned int i = 0; i < insn->count; i++) {
		if (insn->callbacks[i].mem) {
			insn->callbacks[i].mem(0, info, address, insn->callbacks[i].data);
		} else if (!insn->callbacks[i].word.score || *word_of(insn->callbacks[i].word)) {
			fake_registers_readable = true;
			insn->callbacks[i].exec(0, insn->callbacks[i].data);
			fake_registers_readable = false;
		}
	}
}

void fake_flush(void)
{
	on_flush(1);
}
