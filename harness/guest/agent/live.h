/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files that play programs of user space need to know: time, and what devices have brought. They need no more
 * of the agent than this, so that a program of their own can be made of them (usbfuzz/report/use.py).
 */
#ifndef USBFUZZ_LIVE_H
#define USBFUZZ_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* clock.c */
int64_t now_ms(void);				/* guest ms since boot */

/* base.c */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define BUSES	     64
#define BUS_BIT(bus) (1ull << ((bus) < BUSES ? (bus) : 0))	/* 0: of no bus, or of one beyond */
#define ALL_BUSES    UINT64_MAX

/* live.c */
#define NODE_BYTES	64
#define LIVE_PATH_BYTES 512
struct node {
	char subsystem[24];
	char name[NODE_BYTES];		/* kobject name: hidraw0, 3-1:1.0, can0 */
	char dev[NODE_BYTES];		/* below /dev, or empty */
	unsigned long bus;		/* that it is on; 0: on none */
};

void live_open(void);
void live_track(const struct node *node, bool add);
bool live_find(const char *pattern, unsigned int nth, uint64_t buses, char *path, size_t size, struct node *node);

/* uevent.c */
struct uevent {
	const char *action, *name, *subsystem, *devtype, *devname, *driver;
	unsigned long bus;
	bool add, remove;		/* what the action is, if it is one of them */
};

struct uevent_listener {			/* is called under the lock */
	void (*heard)(const struct uevent *e, const struct node *node);	/* no name: none that fits, or nothing came or went */
	void (*lost)(void);		/* some were */
};

void uevent_open(const struct uevent_listener *to);
unsigned int uevent_drain(uint64_t buses);
void uevent_lock(void);
void uevent_unlock(void);

#endif
