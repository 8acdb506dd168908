// SPDX-License-Identifier: GPL-2.0-only
/* The duties of PID 1: mounts, kernel settings, modules, and a line on the console when a signal kills it. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLEAR_MS 30000

static void on_fault(int sig)
{
	static const char text[] = "usbfuzz-agent: fatal: killed by a signal: ";
	char number[3] = { '0' + sig / 10, '0' + sig % 10, '\n' };

	if (write(2, text, sizeof(text) - 1) < 0 || write(2, number, sizeof(number)) < 0)
		_exit(1);
	power_off();
}

static void mount_one(const char *type, const char *path)
{
	mkdir(path, 0755);
	if (mount(type, path, type, MS_NOSUID | MS_NOEXEC, NULL) && errno != EBUSY)
		dprintf(2, "usbfuzz-agent: cannot mount %s: %m\n", path);
}

static void set(const char *path, const char *text)
{
	spill(path, text, strlen(text));
}

static void console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);

	if (fd < 0)
		return;
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

/*
 * Free memory still holds the unpacked initramfs and other remains, which a
 * snapshot would save and every restore read. Anonymous pages are cleared when
 * they are touched, so taking nearly all of them once leaves zeros behind.
 */
static int clear_free_memory(const void *unused)
{
	size_t len, size, margin = 24u << 20;
	char *text = slurp("/proc/meminfo", &len), *line = text ? strstr(text, "MemFree:") : NULL, *memory;

	(void)unused;
	set("/proc/self/oom_score_adj", "1000");
	size = line ? strtoul(line + sizeof("MemFree:"), NULL, 10) << 10 : 0;
	if (size <= margin)
		return 0;
	size -= margin;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return 0;
	madvise(memory, size, MADV_HUGEPAGE);
	for (size_t at = 0; at < size; at += 4096)
		((volatile char *)memory)[at] = 0;
	return 0;
}

static void shell(void)
{
	char unused[8];

	if (!cmdline_value("usbfuzz.shell", unused, sizeof(unused)) || fork())
		return;
	setsid();
	for (int i = 0; i < 3; i++) {
		close(i);
		if (open("/dev/console", O_RDWR) < 0)
			_exit(1);
	}
	execl("/bin/busybox", "sh", (char *)NULL);
	_exit(1);
}

void boot(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

	mount_one("proc", "/proc");
	mount_one("sysfs", "/sys");
	mount_one("devtmpfs", "/dev");
	mount_one("debugfs", "/sys/kernel/debug");
	console();
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		signal(faults[i], on_fault);
	set("/proc/sys/kernel/hotplug", "\n");		/* no helper per uevent */
	set("/proc/sys/kernel/modprobe", "/sbin/modprobe");
	set("/proc/sys/kernel/printk_devkmsg", "on\n");	/* marks are not rate-limited */
	/* The keys of a device are not to restart the guest; /proc/sysrq-trigger works all the same. */
	set("/proc/sys/kernel/sysrq", "0");
	set("/proc/sys/kernel/ctrl-alt-del", "0");	/* what is left of it is SIGINT for init, which we do not hear */
	/* The ecdh self-test of 5.10 and 6.1 fails under TCG with a WARNING that says nothing about USB. */
	set("/sys/module/cryptomgr/parameters/notests", "1");
	modules_boot();
	child_run(clear_free_memory, NULL, CLEAR_MS);
	shell();
}
