// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kobject uevents, drained in one go when somebody needs them: waking up for each one would cost more guest time than
 * the device it announces. They tell what devices have brought (live.c), and a listener what else it wants to know.
 */
#define _GNU_SOURCE
#include "live.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define RECEIVE_BYTES (16 << 20)	/* accounted bytes: about 12000 uevents */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int sock = -1;
static const struct uevent_listener *listener;
static unsigned int counts[BUSES];	/* uevents so far, by bus */

void uevent_lock(void)
{
	pthread_mutex_lock(&lock);
}

void uevent_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

/* Subsystems whose kobjects come with every device and say nothing about its driver. */
static const char *const noise[] = {
	"bdi", "queues", "wakeup", "workqueue", "module", "drivers", "vc", "vtconsole", "msr", "cpuid",
};

static bool is_noise(const char *subsystem)
{
	for (size_t i = 0; i < ARRAY_SIZE(noise); i++)
		if (!strcmp(subsystem, noise[i]))
			return true;
	return false;
}

static bool node_of(const struct uevent *e, struct node *node)
{
	const char *dev = e->devname ? e->devname : "";

	if (strlen(e->name) >= NODE_BYTES || strlen(e->subsystem) >= sizeof(node->subsystem) || strlen(dev) >= NODE_BYTES)
		return false;
	strcpy(node->subsystem, e->subsystem);
	strcpy(node->name, e->name);
	strcpy(node->dev, dev);
	node->bus = e->bus;
	return true;
}

static void handle(struct uevent *e)
{
	struct node node = { 0 };

	if (is_noise(e->subsystem))
		return;
	e->add = !strcmp(e->action, "add");
	e->remove = !strcmp(e->action, "remove");
	if ((e->add || e->remove) && node_of(e, &node))
		live_track(&node, e->add);
	listener->heard(e, &node);
}

/* The 3 of /devices/pci0000:00/0000:00:05.0/usb3/3-1/...; 0 outside of any bus. */
static unsigned long bus_of(const char *path)
{
	while ((path = strstr(path, "/usb"))) {
		char *end;
		unsigned long bus = strtoul(path += 4, &end, 10);

		if (end > path && (!*end || *end == '/'))
			return bus;
	}
	return 0;
}

/* "add@/devices/...\0ACTION=add\0DEVPATH=...\0..."; msg[len] is NUL. */
static void parse(const char *msg, size_t len)
{
	static const struct { const char *key; size_t offset; } keys[] = {
		{ "ACTION=", offsetof(struct uevent, action) },
		{ "SUBSYSTEM=", offsetof(struct uevent, subsystem) },
		{ "DEVTYPE=", offsetof(struct uevent, devtype) },
		{ "DEVNAME=", offsetof(struct uevent, devname) },
		{ "DRIVER=", offsetof(struct uevent, driver) },
	};
	struct uevent e = { .bus = bus_of(msg) };
	const char *slash = strrchr(msg, '/');

	for (const char *p = msg + strlen(msg) + 1; p < msg + len; p += strlen(p) + 1)
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
			size_t n = strlen(keys[i].key);

			if (!strncmp(p, keys[i].key, n))
				*(const char **)((char *)&e + keys[i].offset) = p + n;
		}
	e.name = slash ? slash + 1 : "";
	if (e.action && e.subsystem && *e.name)
		handle(&e);
}

/* Reads all that is queued and returns how many uevents of BUSES there have been so far. The caller holds no lock. */
unsigned int uevent_drain(uint64_t buses)
{
	unsigned int count = 0;
	char msg[8192];

	if (sock < 0)
		return 0;
	uevent_lock();
	for (;;) {
		ssize_t n = recv(sock, msg, sizeof(msg) - 1, MSG_DONTWAIT);

		if (n < 0 && errno == ENOBUFS) {
			listener->lost();
			for (unsigned int i = 0; i < BUSES; i++)
				counts[i]++;
		} else if (n < 0 && errno != EINTR) {
			break;
		} else if (n > 0) {
			unsigned long bus;

			msg[n] = '\0';
			bus = bus_of(msg);
			counts[bus < BUSES ? bus : 0]++;
			parse(msg, n);
		}
	}
	for (unsigned int i = 0; i < BUSES; i++)
		if (buses & BUS_BIT(i))
			count += counts[i];
	uevent_unlock();
	return count;
}

/*
 * Lets the kernel drop what is not add, remove, bind or unbind of a device
 * (change, online, /module, /bus, /kernel/slab) before it is queued.
 */
static void uevent_filter(void)
{
	enum { ACCEPT = 11, DROP = 12 };
#define TO(target, at) ((target) - (at) - 1)
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x61646440, TO(5, 1), 0),			/* add@ */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x62696e64, TO(7, 2), 0),			/* bind@ */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x756e6269, TO(9, 3), 0),			/* unbind@ */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x72656d6f, TO(9, 4), TO(DROP, 4)),		/* remove@ */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4),
		BPF_STMT(BPF_JMP | BPF_JA, TO(10, 6)),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 5),
		BPF_STMT(BPF_JMP | BPF_JA, TO(10, 8)),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 7),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x2f646576, TO(ACCEPT, 10), TO(DROP, 10)),	/* /dev */
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
#undef TO
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	if (setsockopt(sock, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		dprintf(2, "usbfuzz-agent: no uevent filter: %m\n");
}

void uevent_open(const struct uevent_listener *to)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int size = RECEIVE_BYTES;

	listener = to;
	live_open();
	sock = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
	if (sock < 0)
		die("no uevent socket: %m");
	setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	uevent_filter();
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)))
		die("cannot listen to uevents: %m");
}
