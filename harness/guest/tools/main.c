// SPDX-License-Identifier: GPL-2.0-only
/* Which tool is meant, and what all of them need. */
#include "tools.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct tool {
	const char *name;
	tool_fn *main;
} tools[] = {
	{ "pcm",    pcm_main },
	{ "mixer",  mixer_main },
	{ "camera", camera_main },
	{ "evdev",  evdev_main },
	{ "usbfs",  usbfs_main },
	{ "hci",    hci_main },
};

_Noreturn void fail(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

int open_node(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		fail("%s: %m", path);
	return fd;
}

void do_ioctl(int fd, unsigned long request, void *arg, const char *name)
{
	if (ioctl(fd, request, arg) < 0)
		fail("%s: %m", name);
}

/* A number in C's notation, LOW to HIGH. */
long number(const char *text, long low, long high)
{
	char *end;
	long value;

	errno = 0;
	value = text ? strtol(text, &end, 0) : 0;
	if (!text || end == text || *end || errno || value < low || value > high)
		fail("%s: not a number from %ld to %ld", text ? text : "(missing)", low, high);
	return value;
}

/* Reads until the end or SIZE bytes. */
size_t read_all(int fd, void *buffer, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, (char *)buffer + len, size - len)) > 0)
		len += n;
	return len;
}

void write_all(int fd, const void *buffer, size_t size)
{
	for (ssize_t n; size; size -= n, buffer = (const char *)buffer + n) {
		n = write(fd, buffer, size);
		if (n <= 0)
			fail("write: %m");
	}
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		if (!strcmp(name, tools[i].name))
			return tools[i].main(argc, argv);
	fail("%s: no such tool", name);
}
