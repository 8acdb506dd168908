// SPDX-License-Identifier: GPL-2.0-only
/* Verbs that read and write files of the kernel: read, write, kmsg, mark, lsusb, validate, reset. */
#define _GNU_SOURCE
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSLOG_READ_ALL	   3
#define SYSLOG_SIZE_BUFFER 10
#define KMALLOC_CACHES	   512
#define RESET_MS	   30000

static bool below(const char *path, const char *const *roots, size_t count)
{
	if (strstr(path, "/../"))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!strncmp(path, roots[i], strlen(roots[i])))
			return true;
	return false;
}

void read_run(struct job *job)
{
	static const char *const roots[] = { "/proc/", "/sys/", "/lib/modules/" };
	size_t len;
	char *text;

	if (!below(job->args, roots, ARRAY_SIZE(roots)) || !strcmp(job->args, "/proc/kmsg")) {
		reply(job->id, "error read: not a file below /proc, /sys or /lib/modules");
		return;
	}
	text = slurp(job->args, &len);
	if (text)
		reply_data(job->id, text, len);
	else
		reply(job->id, "error read: %m");
	free(text);
}

void write_run(struct job *job)
{
	static const char *const roots[] = { "/proc/sys/", "/sys/" };
	char *text = strchr(job->args, ' ');

	if (text)
		*text++ = '\0';
	/* sysrq: how the host has a hung guest show its stacks */
	if (!text || (!below(job->args, roots, ARRAY_SIZE(roots)) && strcmp(job->args, "/proc/sysrq-trigger")))
		reply(job->id, "error write: not /proc/sysrq-trigger nor below /proc/sys or /sys, or no text");
	else if (spill(job->args, text, strlen(text)))
		reply(job->id, "error write: %m");
	else
		reply(job->id, "ok");
}

void kmsg_run(struct job *job)
{
	int size = klogctl(SYSLOG_SIZE_BUFFER, NULL, 0);
	char *text = size > 0 ? malloc(size) : NULL;
	int len = text ? klogctl(SYSLOG_READ_ALL, text, size) : -1;

	if (len < 0)
		reply(job->id, "error kmsg: %m");
	else
		reply_data(job->id, text, len);
	free(text);
}

void mark_run(struct job *job)
{
	char line[LINE_BYTES];
	/* printk holds a record back until the newline, or the next record, comes. */
	int len = snprintf(line, sizeof(line), "<1>usbfuzz: %s\n", job->args);

	if (spill("/dev/kmsg", line, len))
		reply(job->id, "error mark: %m");
	else
		reply(job->id, "ok");
}

static void lsusb_one(FILE *out, const char *device)
{
	char path[320];
	size_t len;
	char *raw;

	snprintf(path, sizeof(path), "/sys/bus/usb/devices/%s/descriptors", device);
	raw = slurp(path, &len);
	if (!raw)
		return;
	fprintf(out, "%s ", device);
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", (unsigned char)raw[i]);
	fputc('\n', out);
	free(raw);
}

void lsusb_run(struct job *job)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	DIR *dir = opendir("/sys/bus/usb/devices");
	struct dirent *e;

	while (out && dir && (e = readdir(dir)))
		if (e->d_name[0] != '.' && !strchr(e->d_name, ':'))
			lsusb_one(out, e->d_name);
	if (dir)
		closedir(dir);
	if (out && !fclose(out) && text)
		reply_data(job->id, text, len);
	else
		reply(job->id, "error out of memory");
	free(text);
}

struct caches {
	int fds[KMALLOC_CACHES];
	ino_t inodes[KMALLOC_CACHES];
	unsigned int count;
};

/* Cache names may be links to one merged cache: each inode once. */
static void caches_add(struct caches *c, int slab, const char *name)
{
	char path[300];
	struct stat st;

	if (strncmp(name, "kmalloc-", 8) && strncmp(name, "dma-kmalloc-", 12))
		return;
	snprintf(path, sizeof(path), "%s/validate", name);
	if (c->count == KMALLOC_CACHES || fstatat(slab, path, &st, 0))
		return;
	for (unsigned int i = 0; i < c->count; i++)
		if (c->inodes[i] == st.st_ino)
			return;
	c->fds[c->count] = openat(slab, path, O_WRONLY | O_CLOEXEC);
	c->inodes[c->count] = st.st_ino;
	if (c->fds[c->count] >= 0)
		c->count++;
}

/* The kmalloc caches never change after boot, so their files are opened once. */
void validate_run(struct job *job)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct caches caches;
	unsigned int done = 0;

	pthread_mutex_lock(&lock);
	if (!caches.count) {
		DIR *dir = opendir("/sys/kernel/slab");
		struct dirent *e;

		while (dir && (e = readdir(dir)))
			caches_add(&caches, dirfd(dir), e->d_name);
		if (dir)
			closedir(dir);
	}
	for (unsigned int i = 0; i < caches.count; i++)
		done += pwrite(caches.fds[i], "1", 1, 0) == 1;
	pthread_mutex_unlock(&lock);
	reply(job->id, "ok %u", done);
}

static int reset_child(const void *arg)
{
	const char *device = arg;
	char path[128], *bus, *number;
	size_t len;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/usb/devices/%.40s/busnum", device);
	bus = slurp(path, &len);
	snprintf(path, sizeof(path), "/sys/bus/usb/devices/%.40s/devnum", device);
	number = slurp(path, &len);
	if (!bus || !number)
		return ENODEV;
	snprintf(path, sizeof(path), "/dev/bus/usb/%03d/%03d", atoi(bus), atoi(number));
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 || ioctl(fd, USBDEVFS_RESET, NULL) ? errno : 0;
}

void reset_run(struct job *job)
{
	int rc;

	if (!*job->args || strchr(job->args, '/') || job->args[0] == '.') {
		reply(job->id, "error reset: not the sysfs name of a USB device");
		return;
	}
	rc = child_run(reset_child, job->args, RESET_MS);
	if (rc)
		reply(job->id, "error reset: %s", rc < 0 ? "no answer from the child" : strerror(rc));
	else
		reply(job->id, "ok");
}
