// SPDX-License-Identifier: GPL-2.0-only
/* Nodes that carry a stream of bytes: serial ports, printers, disks. */
#include "agent.h"

#include <fcntl.h>
#include <linux/lp.h>
#include <linux/serial.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define LPIOC_GET_DEVICE_ID(len) _IOC(_IOC_READ, 'P', 1, len)	/* drivers/usb/class/usblp.c */

static void send_text(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		return;
}

/* A baud rate and raw mode make the driver talk to the device; both modem lines follow, then a command. */
void exercise_tty(const struct node *node, int64_t deadline)
{
	struct serial_icounter_struct counters;
	struct termios t;
	int fd = node_open(node, O_RDWR), lines = TIOCM_DTR | TIOCM_RTS;

	if (fd < 0)
		return;
	if (!tcgetattr(fd, &t)) {
		cfmakeraw(&t);
		t.c_cflag |= CREAD | CLOCAL | CRTSCTS;
		cfsetspeed(&t, B115200);
		tcsetattr(fd, TCSANOW, &t);
	}
	ioctl(fd, TIOCMBIS, &lines);
	ioctl(fd, TIOCMGET, &lines);
	ioctl(fd, TIOCGICOUNT, &counters);
	send_text(fd, "AT\r");
	node_hold(fd, deadline);
	tcflush(fd, TCIOFLUSH);		/* or close() waits for a device that takes nothing */
}

void exercise_printer(const struct node *node, int64_t deadline)
{
	char id[1024];
	int status, fd = node_open(node, O_RDWR);

	if (fd < 0)
		return;
	ioctl(fd, LPIOC_GET_DEVICE_ID(sizeof(id)), id);
	ioctl(fd, LPGETSTATUS, &status);
	send_text(fd, "usbfuzz\n");
	node_hold(fd, deadline);
}

void exercise_block(const struct node *node, int64_t deadline)
{
	char sector[4096];
	int fd = node_open(node, O_RDONLY);

	if (fd < 0)
		return;
	if (now_ms() < deadline && pread(fd, sector, sizeof(sector), 0) > 0)
		node_hold(fd, deadline);
}
