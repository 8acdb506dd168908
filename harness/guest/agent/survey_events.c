// SPDX-License-Identifier: GPL-2.0-only
/*
 * The events of input devices. What a device sends before somebody listens is not heard: usbhid polls from when
 * the first node is opened (for the keyboard of the console: from the probe on), and drops what comes in the 50 ms
 * after that (usbhid_open()). What is heard of it by chance would differ from run to run, so it is thrown away. Then
 * the device is told that it is heard, by GET_STATUS, which the kernel does not send to a device that is no hub. An
 * answered request says also that what the device had sent before has arrived: the clock of a warped guest would not
 * wait for that.
 */
#define _GNU_SOURCE
#include "survey.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <linux/usb/ch9.h>
#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define QUIET_MS    300		/* longer than the longest interval of a full speed endpoint */
#define DISCARD_MS  5000	/* for a device that speaks before it is heard, and does not stop */
#define RECORD_MS   20000	/* the same for one that does not stop once it is heard */
#define MAX_EVENTS  256		/* of a node */
#define REQUEST_MS  1000
#define PATIENCE    3		/* rounds without an event that end a stream */

enum question {
	HAS_SENT,	/* GET_DESCRIPTOR: what was sent before the answer has arrived */
	IS_HEARD,	/* GET_STATUS: the same, and from now on somebody listens */
};

static void add(struct listener *l, const char *fmt, const char *name, int value)
{
	fputs(ftell(l->out) == 0 ? "" : l->inside ? ", " : "; ", l->out);
	fprintf(l->out, fmt, name, value);
	l->inside = true;
}

/* Whether it is the device that speaks, and not the clock: not autorepeat (INPUT_REPEAT is 2), not a time stamp. */
static bool spoken(const struct input_event *e)
{
	return e->type != EV_SYN && !(e->type == EV_KEY && e->value == 2) &&
	       !(e->type == EV_MSC && e->code == MSC_TIMESTAMP);
}

static void record(struct listener *l, const struct input_event *e)
{
	char buffer[CODE_BYTES];

	if (e->type == EV_SYN && e->code == SYN_REPORT) {
		l->inside = false;
	} else if (e->type == EV_SYN) {
		add(l, e->code == SYN_DROPPED ? "SYN_DROPPED" : "SYN_MT_REPORT", "", 0);
	} else if (spoken(e)) {
		if (l->count < MAX_EVENTS)
			add(l, e->type == EV_MSC ? "%s 0x%x" : "%s %d", code_name(e->type, e->code, buffer), e->value);
		else if (l->count == MAX_EVENTS)
			add(l, "...", "", 0);
		l->count++;
	}
}

/* Reads what is there; the number of events that the device spoke, or -1 when it has gone. */
static int take(struct listener *l, bool recording)
{
	struct input_event events[64];
	ssize_t n = read(l->item->fd, events, sizeof(events));
	int count = 0;

	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	for (size_t i = 0; i < n / sizeof(*events); i++) {
		count += spoken(&events[i]);
		if (recording)
			record(l, &events[i]);
	}
	return count;
}

static bool has_enough(const struct listener *l)
{
	return l->count > MAX_EVENTS;
}

/* Whether nothing has come for QUIET_MS, and SINCE; one that has enough does not hold up the others. */
static bool all_quiet(const struct listener *listeners, size_t count, int64_t since)
{
	for (size_t i = 0; i < count; i++)
		if (!has_enough(&listeners[i]) && listeners[i].last > since)
			since = listeners[i].last;
	return now_ms() >= since + QUIET_MS;
}

/* Listens until all are quiet, or END; the number of events. */
static unsigned int listen_round(struct listener *listeners, size_t count, bool recording, int64_t end)
{
	struct pollfd *fds = calloc(count, sizeof(*fds));
	int64_t since = now_ms();
	unsigned int heard = 0;

	for (size_t i = 0; fds && i < count; i++)
		fds[i] = (struct pollfd){
			.fd = has_enough(&listeners[i]) ? -1 : listeners[i].item->fd, .events = POLLIN,
		};
	while (fds && now_ms() < end && !all_quiet(listeners, count, since)) {
		poll(fds, count, QUIET_MS / 3);
		for (size_t i = 0; i < count; i++) {
			int taken = fds[i].revents ? take(&listeners[i], recording) : 0;

			if (taken < 0 || has_enough(&listeners[i]))
				fds[i].fd = -1;
			if (taken <= 0)
				continue;
			listeners[i].last = now_ms();
			listeners[i].unasked |= !recording;
			heard += taken;
		}
	}
	free(fds);
	return heard;
}

static void request(const struct item *item, unsigned char bRequest, unsigned short wValue, unsigned short wLength)
{
	unsigned char answer[USB_DT_DEVICE_SIZE];
	struct usbdevfs_ctrltransfer transfer = {
		.bRequestType = USB_DIR_IN | USB_RECIP_DEVICE, .bRequest = bRequest, .wValue = wValue,
		.wLength = wLength, .timeout = REQUEST_MS, .data = answer,
	};
	char path[96], numbers[2][16];
	struct item device = { 0 };
	int fd;

	snprintf(device.path, sizeof(device.path), "/sys/bus/usb/devices/%.*s", (int)strcspn(item->place, ":"), item->place);
	if (!attribute(&device, "busnum", numbers[0], sizeof(numbers[0])) ||
	    !attribute(&device, "devnum", numbers[1], sizeof(numbers[1])))
		return;
	snprintf(path, sizeof(path), "/dev/bus/usb/%03d/%03d", atoi(numbers[0]), atoi(numbers[1]));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	ioctl(fd, USBDEVFS_CONTROL, &transfer);
	close(fd);
}

/* Asks each device once; those of one device stand side by side. */
static void ask(const struct listener *listeners, size_t count, enum question question)
{
	for (size_t i = 0; i < count; i++) {
		const char *place = listeners[i].item->place;
		size_t len = strcspn(place, ":");

		if (i && !strncmp(place, listeners[i - 1].item->place, len) && !isdigit(listeners[i - 1].item->place[len]))
			continue;
		if (question == HAS_SENT)
			request(listeners[i].item, USB_REQ_GET_DESCRIPTOR, USB_DT_DEVICE << 8, USB_DT_DEVICE_SIZE);
		else
			request(listeners[i].item, USB_REQ_GET_STATUS, 0, 2);
	}
}

/* Rounds, each with a question to all devices before it, until several are silent. */
static void listen_rounds(struct listener *listeners, size_t count, enum question question, int ms)
{
	int64_t end = now_ms() + ms;
	unsigned int silent = 0;

	while (silent < PATIENCE && now_ms() < end) {
		ask(listeners, count, question);
		silent = listen_round(listeners, count, question == IS_HEARD, end) ? 0 : silent + 1;
	}
}

/* Fills in what each has heard, in the order it came, and whether that is worth anything. */
void survey_listen(struct listener *listeners, size_t count)
{
	for (size_t i = 0; i < count; i++)
		listeners[i].out = open_memstream(&listeners[i].text, &listeners[i].len);
	listen_rounds(listeners, count, HAS_SENT, DISCARD_MS);
	listen_rounds(listeners, count, IS_HEARD, RECORD_MS);
	for (size_t i = 0; i < count; i++) {
		struct listener *l = &listeners[i];

		l->endless = l->unasked || (!has_enough(l) && now_ms() < l->last + QUIET_MS);
		if (l->out)
			fclose(l->out);
	}
}
