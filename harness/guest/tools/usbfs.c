// SPDX-License-Identifier: GPL-2.0-only
/*
 * usbfs VENDOR:PRODUCT		does what the lines of stdin say, and prints a line for each
 *
 *   claim INTERFACE
 *   reset
 *   control bmRequestType bRequest wValue wIndex wLength [HEX]	HEX is what an OUT request sends
 *   in  ENDPOINT LENGTH			bulk or interrupt
 *   out ENDPOINT HEX
 *
 * The answer is "ok", "ok HEX", or "error TEXT"; all numbers are in hex. A device that is
 * not there is waited for.
 */
#include "tools.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/usbdevice_fs.h>

#define MAX_BYTES  16384
#define TIMEOUT_MS 2000

static unsigned int attribute(const char *directory, const char *name, int base)
{
	char path[256], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		read_all(fd, text, sizeof(text) - 1);
		close(fd);
	}
	return strtoul(text, NULL, base);
}

static int find(unsigned int vendor, unsigned int product)
{
	glob_t g;
	int fd = -1;

	if (glob("/sys/bus/usb/devices/*", 0, NULL, &g))
		return -1;
	for (size_t i = 0; i < g.gl_pathc && fd < 0; i++) {
		const char *d = g.gl_pathv[i];
		char node[64];

		if (attribute(d, "idVendor", 16) != vendor || attribute(d, "idProduct", 16) != product)
			continue;
		snprintf(node, sizeof(node), "/dev/bus/usb/%03u/%03u", attribute(d, "busnum", 10),
			 attribute(d, "devnum", 10));
		fd = open(node, O_RDWR);
	}
	globfree(&g);
	return fd;
}

/* Decodes in place; the number of bytes, or -1. */
static int unhex(char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (!isxdigit((unsigned char)text[i]))
			return -1;
	if (len % 2)
		return -1;
	for (size_t i = 0; i < len / 2; i++) {
		char digits[3] = { text[2 * i], text[2 * i + 1] };

		text[i] = strtoul(digits, NULL, 16);
	}
	return len / 2;
}

static void answer(int result, const unsigned char *data)
{
	if (result < 0) {
		printf("error %s\n", strerror(errno));
		return;
	}
	printf(data && result ? "ok " : "ok");
	for (int i = 0; data && i < result; i++)
		printf("%02x", data[i]);
	printf("\n");
}

static void control(int fd, char *args)
{
	unsigned char data[MAX_BYTES] = "";
	unsigned int type, request, value, index, length;
	struct usbdevfs_ctrltransfer c;
	int at = 0, result;

	if (sscanf(args, "%x %x %x %x %x%n", &type, &request, &value, &index, &length, &at) != 5 || length > MAX_BYTES)
		fail("control %s: not five numbers", args);
	args += at + strspn(args + at, " ");
	if (!(type & 0x80) && unhex(args) != (int)length)
		fail("control: not %u bytes", length);
	if (!(type & 0x80))
		memcpy(data, args, length);
	c = (struct usbdevfs_ctrltransfer){ type, request, value, index, length, TIMEOUT_MS, data };
	result = ioctl(fd, USBDEVFS_CONTROL, &c);
	answer(result, type & 0x80 ? data : NULL);
}

static void bulk(int fd, char *args, bool in)
{
	static unsigned char data[MAX_BYTES];
	char *rest;
	unsigned int endpoint = strtoul(args, &rest, 16);
	int length;

	rest += strspn(rest, " ");
	length = in ? (int)strtoul(rest, NULL, 16) : unhex(rest);
	if (length < 0 || length > MAX_BYTES)
		fail("endpoint %02x: no length or bytes", endpoint);
	if (!in)
		memcpy(data, rest, length);
	answer(ioctl(fd, USBDEVFS_BULK, &(struct usbdevfs_bulktransfer){ endpoint, length, TIMEOUT_MS, data }),
	       in ? data : NULL);
}

static void obey(int fd, char *line)
{
	char *args = line + strcspn(line, " ");

	if (*args)
		*args++ = '\0';
	if (!strcmp(line, "claim"))
		answer(ioctl(fd, USBDEVFS_CLAIMINTERFACE, &(unsigned int){ strtoul(args, NULL, 16) }), NULL);
	else if (!strcmp(line, "reset"))
		answer(ioctl(fd, USBDEVFS_RESET, NULL), NULL);
	else if (!strcmp(line, "control"))
		control(fd, args);
	else if (!strcmp(line, "in") || !strcmp(line, "out"))
		bulk(fd, args, *line == 'i');
	else
		fail("%s: no such command", line);
}

int usbfs_main(int argc, char **argv)
{
	static char line[2 * MAX_BYTES + 64];
	unsigned int vendor, product;
	int fd;

	if (argc != 2 || sscanf(argv[1], "%x:%x", &vendor, &product) != 2)
		fail("usage: usbfs VENDOR:PRODUCT");
	while ((fd = find(vendor, product)) < 0)
		usleep(10000);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		obey(fd, line);
	}
	return 0;
}
