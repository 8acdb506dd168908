// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <linux/usb/ch9.h>
#include <linux/usb/raw_gadget.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ANY (-1)		/* in a pattern: any value */
#define SETTLED (-1)		/* of an event: wait for neither requests nor time */
#define CALM_MS 3000		/* without a request for so long, a device counts as settled */
#define CALM_WAIT_MS 60000	/* the longest wait for that */
#define MAX_TRANSFER 4096
#define MAX_ENDPOINTS 30

enum status { OK, STALL, NAK, NEVER };
enum action { PLUG, UNPLUG, RESET };

/* One answer, given "times" times in a row; 0: for ever. */
struct answer {
	const void *data;
	size_t length;
	enum status status;
	unsigned int delay_ms;
	unsigned int times;
};

struct pattern {
	int bRequestType, bRequest, wValue, wIndex, wLength;
};

/* Answers to the control requests that match; asleep until a request matches "after". */
struct script {
	struct pattern when, after;
	bool sleeps;
	const struct answer *answers;
	size_t count;
};

struct endpoint_script {
	uint8_t bEndpointAddress;
	const struct answer *answers;
	size_t count;
};

struct descriptor {
	uint8_t bRequestType;
	uint16_t wValue;
	int wIndex;
	const void *data;
	size_t length;
};

struct device {
	const char *name;
	enum usb_device_speed speed;
	const struct descriptor *descriptors;
	size_t descriptor_count;
	const struct script *scripts;
	size_t script_count;
	const struct endpoint_script *endpoints;
	size_t endpoint_count;
	const uint8_t *hid;		/* interfaces that answer HID requests */
	size_t hid_count;
};

struct event {
	enum action action;
	unsigned int port;
	const struct device *device;
	int after_ms, after_requests;
};
