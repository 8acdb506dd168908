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
#define PATIENCE_MS 60000
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

#include "case.h"

/* How far a list of answers has been played. */
struct tape {
	const struct answer *answers;
	size_t count, at;
	unsigned int used;
	bool awake;
};

struct endpoint {
	struct port *port;
	struct tape tape;
	uint8_t bEndpointAddress;
	uint16_t size;
	int handle;
	pthread_t thread;
};

/* A UDC of dummy_hcd and the device on it. */
struct port {
	unsigned int number;
	int fd;				/* -1: nothing is plugged */
	const struct device *device;
	struct tape *tapes;
	pthread_t thread;
	struct endpoint endpoints[MAX_ENDPOINTS];
	unsigned int endpoint_count;
	const uint8_t *configuration;
	size_t configuration_length;
	atomic_uint requests;
	_Atomic long long last_ms;
};

struct io {
	struct usb_raw_ep_io head;
	uint8_t data[MAX_TRANSFER];
};

struct event_io {
	struct usb_raw_event head;
	struct usb_ctrlrequest setup;
};

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static const struct answer *next_answer(struct tape *tape)
{
	while (tape->at < tape->count) {
		const struct answer *answer = &tape->answers[tape->at];

		if (!answer->times || tape->used < answer->times) {
			tape->used++;
			return answer;
		}
		tape->at++;
		tape->used = 0;
	}
	return NULL;
}

static bool meets(int wanted, int value)
{
	return wanted == ANY || wanted == value;
}

static bool matches(const struct pattern *pattern, const struct usb_ctrlrequest *setup)
{
	return meets(pattern->bRequestType, setup->bRequestType) && meets(pattern->bRequest, setup->bRequest) &&
	       meets(pattern->wValue, setup->wValue) && meets(pattern->wIndex, setup->wIndex) &&
	       meets(pattern->wLength, setup->wLength);
}

/* The first script that matches, is awake and still has an answer. */
static const struct answer *scripted(struct port *port, const struct usb_ctrlrequest *setup)
{
	const struct answer *answer = NULL;

	for (size_t i = 0; i < port->device->script_count && !answer; i++)
		if (port->tapes[i].awake && matches(&port->device->scripts[i].when, setup))
			answer = next_answer(&port->tapes[i]);
	for (size_t i = 0; i < port->device->script_count; i++)
		if (port->device->scripts[i].sleeps && matches(&port->device->scripts[i].after, setup))
			port->tapes[i].awake = true;
	return answer;
}

static bool is_hid(const struct device *device, uint16_t wIndex)
{
	for (size_t i = 0; i < device->hid_count; i++)
		if (device->hid[i] == (wIndex & 0xff))
			return true;
	return false;
}

/* What the descriptors say; USB 2.0 9.4, HID 1.11 7. False: stall. */
static bool standard(const struct port *port, const struct usb_ctrlrequest *setup, struct answer *answer)
{
	static const uint8_t zeros[MAX_TRANSFER];

	if ((setup->bRequestType & USB_TYPE_MASK) == USB_TYPE_CLASS) {
		answer->data = zeros;
		answer->length = setup->wLength;
		return (setup->bRequestType & USB_RECIP_MASK) == USB_RECIP_INTERFACE &&
		       is_hid(port->device, setup->wIndex);
	}
	if (setup->bRequestType & USB_TYPE_MASK)
		return false;
	if (setup->bRequest == USB_REQ_GET_STATUS) {
		answer->data = zeros;
		answer->length = 2;
		return true;
	}
	if (setup->bRequest != USB_REQ_GET_DESCRIPTOR)
		return !(setup->bRequestType & USB_DIR_IN);
	for (size_t i = 0; i < port->device->descriptor_count; i++) {
		const struct descriptor *one = &port->device->descriptors[i];

		if (one->bRequestType == setup->bRequestType && one->wValue == setup->wValue &&
		    meets(one->wIndex, setup->wIndex)) {
			answer->data = one->data;
			answer->length = one->length;
			return true;
		}
	}
	return false;
}

static int transfer(int fd, unsigned long request, int handle, const void *data, size_t length, struct io *io)
{
	io->head.ep = handle;
	io->head.flags = 0;
	io->head.length = length > MAX_TRANSFER ? MAX_TRANSFER : length;
	if (data)
		memcpy(io->data, data, io->head.length);
	return ioctl(fd, request, io);
}

/* Plays the script of an endpoint; one without answers left is silent (IN) or takes everything (OUT). */
static void *endpoint_main(void *arg)
{
	struct endpoint *endpoint = arg;
	bool in = endpoint->bEndpointAddress & USB_DIR_IN;
	struct io io;

	for (;;) {
		const struct answer *answer = next_answer(&endpoint->tape);

		if (!answer && in)
			return NULL;
		if (answer && answer->delay_ms)
			sleep_ms(answer->delay_ms);
		if (answer && answer->status == NEVER)
			return NULL;
		if (answer && answer->status == STALL) {
			if (ioctl(endpoint->port->fd, USB_RAW_IOCTL_EP_SET_HALT, endpoint->handle) < 0)
				return NULL;
			continue;
		}
		if (answer && answer->status == NAK) {
			sleep_ms(1);
			continue;
		}
		if (transfer(endpoint->port->fd, in ? USB_RAW_IOCTL_EP_WRITE : USB_RAW_IOCTL_EP_READ, endpoint->handle,
			     in ? answer->data : NULL, in ? answer->length : endpoint->size, &io) < 0)
			return NULL;
	}
}

static void enable(struct port *port, const uint8_t *raw)
{
	struct endpoint *endpoint = &port->endpoints[port->endpoint_count];
	struct usb_endpoint_descriptor descriptor = { 0 };

	if (port->endpoint_count == MAX_ENDPOINTS)
		return;
	memcpy(&descriptor, raw, USB_DT_ENDPOINT_SIZE);
	memset(endpoint, 0, sizeof(*endpoint));
	endpoint->port = port;
	endpoint->bEndpointAddress = descriptor.bEndpointAddress;
	endpoint->size = descriptor.wMaxPacketSize & 0x7ff;
	endpoint->handle = ioctl(port->fd, USB_RAW_IOCTL_EP_ENABLE, &descriptor);
	if (endpoint->handle < 0) {
		printf("endpoint 0x%02x: %s\n", descriptor.bEndpointAddress, strerror(errno));
		return;
	}
	for (size_t i = 0; i < port->device->endpoint_count; i++) {
		if (port->device->endpoints[i].bEndpointAddress != descriptor.bEndpointAddress)
			continue;
		endpoint->tape.answers = port->device->endpoints[i].answers;
		endpoint->tape.count = port->device->endpoints[i].count;
	}
	if (!pthread_create(&endpoint->thread, NULL, endpoint_main, endpoint))
		port->endpoint_count++;
}

static void disable_all(struct port *port)
{
	for (unsigned int i = 0; i < port->endpoint_count; i++) {
		ioctl(port->fd, USB_RAW_IOCTL_EP_DISABLE, port->endpoints[i].handle);
		pthread_cancel(port->endpoints[i].thread);
		pthread_join(port->endpoints[i].thread, NULL);
	}
	port->endpoint_count = 0;
}

/* Endpoints of the setting "alternate" of an interface, or (-1) of setting 0 of all. */
static void enable_all(struct port *port, int interface, int alternate)
{
	const uint8_t *at = port->configuration, *end = at + port->configuration_length;
	bool chosen = false;

	for (; end - at >= 2 && at[0] >= 2 && at[0] <= end - at; at += at[0]) {
		if (at[1] == USB_DT_INTERFACE && at[0] >= USB_DT_INTERFACE_SIZE)
			chosen = (at[2] == interface && at[3] == alternate) || (at[2] != interface && !at[3]);
		else if (at[1] == USB_DT_ENDPOINT && at[0] >= USB_DT_ENDPOINT_SIZE && chosen)
			enable(port, at);
	}
}

static void configure(struct port *port, uint8_t value)
{
	disable_all(port);
	port->configuration = NULL;
	port->configuration_length = 0;
	for (size_t i = 0; i < port->device->descriptor_count; i++) {
		const struct descriptor *one = &port->device->descriptors[i];
		const uint8_t *raw = one->data;

		if (one->wValue >> 8 == USB_DT_CONFIG && one->length > 5 && (raw[5] == value || !port->configuration)) {
			port->configuration = raw;
			port->configuration_length = one->length;
			if (raw[5] == value)
				break;
		}
	}
	enable_all(port, -1, 0);
	ioctl(port->fd, USB_RAW_IOCTL_VBUS_DRAW, 50);
	ioctl(port->fd, USB_RAW_IOCTL_CONFIGURE, 0);
}

static int answer_control(struct port *port, const struct usb_ctrlrequest *setup)
{
	const struct answer *given = scripted(port, setup);
	struct answer answer = { 0 };
	struct io io;

	if (given)
		answer = *given;
	else if (!standard(port, setup, &answer))
		answer.status = STALL;
	if (answer.delay_ms)
		sleep_ms(answer.delay_ms);
	if (answer.status == NEVER || answer.status == NAK)
		return 0;	/* the host gives up after its own timeout */
	if (answer.status == STALL)
		return ioctl(port->fd, USB_RAW_IOCTL_EP0_STALL, 0);
	if (!setup->bRequestType && setup->bRequest == USB_REQ_SET_CONFIGURATION)
		configure(port, setup->wValue);
	if (setup->bRequestType == USB_RECIP_INTERFACE && setup->bRequest == USB_REQ_SET_INTERFACE) {
		disable_all(port);
		enable_all(port, setup->wIndex, setup->wValue);
	}
	if (!(setup->bRequestType & USB_DIR_IN))
		return transfer(port->fd, USB_RAW_IOCTL_EP0_READ, 0, NULL, setup->wLength, &io);
	if (answer.length > setup->wLength)
		answer.length = setup->wLength;
	return transfer(port->fd, USB_RAW_IOCTL_EP0_WRITE, 0, answer.data, answer.length, &io);
}

static void *port_main(void *arg)
{
	struct port *port = arg;
	struct event_io event;

	for (;;) {
		memset(&event, 0, sizeof(event));
		event.head.length = sizeof(event.setup);
		if (ioctl(port->fd, USB_RAW_IOCTL_EVENT_FETCH, &event) < 0)
			return NULL;
		if (event.head.type != USB_RAW_EVENT_CONTROL)
			continue;
		printf("port %u: request %02x %02x %04x %04x %04x\n", port->number, event.setup.bRequestType,
		       event.setup.bRequest, event.setup.wValue, event.setup.wIndex, event.setup.wLength);
		port->last_ms = now_ms();
		port->requests++;
		if (answer_control(port, &event.setup) < 0)
			printf("port %u: %s\n", port->number, strerror(errno));
	}
}

static void plug(struct port *port, const struct device *device)
{
	struct usb_raw_init init = { .speed = device->speed };

	snprintf((char *)init.driver_name, sizeof(init.driver_name), "dummy_udc");
	snprintf((char *)init.device_name, sizeof(init.device_name), "dummy_udc.%u", port->number);
	port->device = device;
	port->requests = 0;
	port->last_ms = now_ms();
	port->tapes = calloc(device->script_count + 1, sizeof(*port->tapes));
	port->fd = open("/dev/raw-gadget", O_RDWR);
	if (!port->tapes || port->fd < 0) {
		perror("/dev/raw-gadget");
		exit(2);
	}
	for (size_t i = 0; i < device->script_count; i++) {
		port->tapes[i].answers = device->scripts[i].answers;
		port->tapes[i].count = device->scripts[i].count;
		port->tapes[i].awake = !device->scripts[i].sleeps;
	}
	if (ioctl(port->fd, USB_RAW_IOCTL_INIT, &init) < 0 || ioctl(port->fd, USB_RAW_IOCTL_RUN, 0) < 0) {
		fprintf(stderr, "%s: %s; is dummy_hcd loaded with num=%zu?\n", init.device_name, strerror(errno),
			(size_t)port->number + 1);
		exit(2);
	}
	if (pthread_create(&port->thread, NULL, port_main, port))
		exit(2);
}

static void unplug(struct port *port)
{
	if (port->fd < 0)
		return;
	pthread_cancel(port->thread);
	pthread_join(port->thread, NULL);
	disable_all(port);
	close(port->fd);
	port->fd = -1;
	free(port->tapes);
}

static void settle(struct port *ports, size_t count)
{
	long long end = now_ms() + PATIENCE_MS;
	bool busy = true;

	while (busy && now_ms() < end) {
		sleep_ms(20);
		busy = false;
		for (size_t i = 0; i < count; i++)
			busy = busy || (ports[i].fd >= 0 && now_ms() - ports[i].last_ms < CALM_MS);
	}
}

static void wait_for(const struct event *event, struct port *ports, size_t count)
{
	struct port *port = &ports[event->port];

	if (event->after_requests != SETTLED) {
		while (port->requests < (unsigned int)event->after_requests && now_ms() - port->last_ms < CALM_MS)
			sleep_ms(1);
	} else if (event->after_ms != SETTLED) {
		sleep_ms(event->after_ms);
	} else {
		settle(ports, count);
	}
}

int main(void)
{
	static struct port ports[PORTS];

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		ports[i].number = i;
		ports[i].fd = -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		struct port *port = &ports[events[i].port];

		wait_for(&events[i], ports, ARRAY_SIZE(ports));
		if (events[i].action == RESET) {
			printf("port %u: the reset is left out\n", port->number);
			continue;
		}
		unplug(port);
		if (events[i].action == PLUG)
			plug(port, events[i].device);
	}
	settle(ports, ARRAY_SIZE(ports));
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		unplug(&ports[i]);
	return 0;
}
