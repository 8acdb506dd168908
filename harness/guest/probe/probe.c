// SPDX-License-Identifier: GPL-2.0-only
/*
 * The probe: a TCG plugin of QEMU that sees what an unmodified guest kernel executes. It counts blocks of code
 * (coverage.c), checks loads and stores against a shadow of the allocators (heap.c, access.c) and keeps what is
 * compared (compares.c), all in memory shared with the host. It never changes what the guest computes.
 *
 * Arguments, file descriptors that QEMU inherits: shm=N (layout.h), report=N and resume=N (eventfds, see report.c).
 */
#define _GNU_SOURCE
#include "insn.h"
#include "probe.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct header *shared;
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static uint64_t shared_bytes;
static int shared_fd;
static bool coverage_ready, heap_ready, compares_ready;

/* QEMU reads this before it calls anything here, and refuses an interface that it does not have. */
EXPORT int qemu_plugin_version;

__attribute__((constructor)) static void choose_interface(void)
{
	if (qemu_plugin_write_register)
		qemu_plugin_version = 5;
	else if (qemu_plugin_read_memory_vaddr)
		qemu_plugin_version = 4;
	else if (qemu_plugin_request_time_control)
		qemu_plugin_version = 3;
	else
		qemu_plugin_version = qemu_plugin_scoreboard_new ? 2 : 1;
}

void probe_lock(void)
{
	pthread_mutex_lock(&lock);
}

void probe_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

/* A part of the shared file, so many of a size; NULL when the header's words about it are wrong, or it is empty. */
void *shared_part(uint64_t offset, uint64_t count, uint64_t size)
{
	if (!offset || offset % 8 || offset >= shared_bytes || !count || count > (shared_bytes - offset) / size)
		return NULL;
	return (uint8_t *)shared + offset;
}

int shared_file(void)
{
	return shared_fd;
}

/* Says, to the host and in QEMU's log, why something is off. The first reason is kept: others follow from it. */
void complain(const char *format, ...)
{
	char text[MESSAGE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fprintf(stderr, "usbfuzz probe: %s\n", text);
	if (!*shared->message)
		memcpy(shared->message, text, sizeof(text));
}

/* The bytes of an instruction, in 'copy' or in QEMU's own memory. */
const uint8_t *insn_bytes(const struct qemu_plugin_insn *insn, uint8_t copy[16])
{
	size_t size = qemu_plugin_insn_size(insn);

	if (!qemu_plugin_request_time_control)
		return qemu_plugin_insn_data_address(insn);
	qemu_plugin_insn_data(insn, copy, size < 16 ? size : 16);
	return copy;
}

/* What is done with the instructions of a module. */
static void module_block(struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb);

	if (!in_module(qemu_plugin_tb_vaddr(tb)))
		return;
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *each = qemu_plugin_tb_get_insn(tb, i);
		uint64_t at = qemu_plugin_insn_vaddr(each);
		size_t size = qemu_plugin_insn_size(each);
		struct insn insn;
		uint8_t copy[16];
		const uint8_t *code = insn_bytes(each, copy);
		const struct callee *callee;

		if (insn_decode(&insn, code, size, at) != (int)size)
			insn_unknown(&insn);
		callee = access_callee(&insn);
		if (heap_ready)
			access_insn(each, &insn, callee, at);
		if (compares_ready)
			compares_insn(each, &insn, callee, at, code, size);
	}
}

static void kernel_block(struct qemu_plugin_tb *tb)
{
	if (coverage_ready)
		coverage_block(tb);
	if (!heap_ready && !compares_ready && !shared->log_at)
		return;
	if (!memory_known() && in_kernel_text(qemu_plugin_tb_vaddr(tb)) && memory_find(qemu_plugin_tb_get_insn(tb, 0)))
		shared->features |= FEATURE_MEMORY;
	if (heap_ready)
		hooks_block(tb);
	module_block(tb);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	if (!(qemu_plugin_tb_vaddr(tb) >> 63) || !qemu_plugin_tb_n_insns(tb))
		return; /* a program's */
	probe_lock();
	kernel_block(tb);
	probe_unlock();
}

static void flushed(qemu_plugin_id_t id)
{
	(void)id;
	probe_lock();
	compares_flush();
	probe_unlock();
}

static void vcpu_started(qemu_plugin_id_t id, unsigned int vcpu)
{
	(void)id;
	if (vcpu) {
		if (compares_ready && !compares_vcpu(vcpu))
			complain("what processor %u compares cannot be seen", vcpu);
		return;
	}
	coverage_ready = coverage_start();
	if (coverage_ready)
		shared->features |= FEATURE_COVERAGE;
	if (!(shared->heap_mode || shared->compares) || !qemu_plugin_get_registers)
		return;
	if (!registers_start()) {
		complain("QEMU names the registers of x86-64 otherwise; no heap checks, no comparisons");
		return;
	}
	shared->features |= FEATURE_REGISTERS;
	compares_ready = shared->compares && compares_start();
	if (compares_ready)
		shared->features |= FEATURE_COMPARES;
	else if (shared->compares)
		complain("this QEMU cannot test words of memory that is shared; no comparisons");
	if (!shared->heap_mode)
		return;
	heap_ready = shadow_start() && heap_start() && objects_start() && stacks_start() && alive_start();
	if (!heap_ready)
		complain("no memory for the shadow of %lu MiB of guest memory; no heap checks", shared->memory >> 20);
}

/* An inherited descriptor in an argument NAME=NUMBER, else -1. */
static int descriptor(int argc, char **argv, const char *name)
{
	size_t length = strlen(name);

	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], name, length) && argv[i][length] == '=')
			return atoi(argv[i] + length + 1);
	return -1;
}

static bool map_shared(int fd)
{
	struct stat status;
	void *at;

	if (fstat(fd, &status) || status.st_size < (off_t)sizeof(struct header))
		return false;
	at = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return false;
	shared = at;
	shared_bytes = status.st_size;
	shared_fd = fd;
	return shared->magic == PROBE_MAGIC && shared->layout == PROBE_LAYOUT;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	if (!info->system_emulation || strcmp(info->target_name, "x86_64")) {
		fprintf(stderr, "usbfuzz probe: made for qemu-system-x86_64\n");
		return -1;
	}
	if (!map_shared(descriptor(argc, argv, "shm"))) {
		fprintf(stderr, "usbfuzz probe: shm= is no descriptor of a memory file of layout %d\n", PROBE_LAYOUT);
		return -1;
	}
	if (!shared->vcpus || shared->vcpus > (uint32_t)info->system.max_vcpus) {
		fprintf(stderr, "usbfuzz probe: the memory file is made for %u processors\n", shared->vcpus);
		return -1;
	}
	shared->interface = qemu_plugin_version;
	report_start(descriptor(argc, argv, "report"), descriptor(argc, argv, "resume"));
	qemu_plugin_register_vcpu_init_cb(id, vcpu_started);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_flush_cb(id, flushed);
	if (shared->log_at)
		qemu_plugin_register_atexit_cb(id, log_keep, NULL);
	shared->alive = 1;
	return 0;
}
