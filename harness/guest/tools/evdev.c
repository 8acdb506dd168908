// SPDX-License-Identifier: GPL-2.0-only
/*
 * evdev watch NAME COUNT		prints so many events, "TYPE CODE VALUE" a line, but not SYN and MSC
 * evdev led   NAME CODE VALUE		switches a light
 * evdev force NAME LEVEL DIRECTION MS	uploads a constant force and plays it once
 *
 * NAME is the input device's, as in /proc/bus/input/devices.
 */
#include "tools.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/input.h>

#define NODES 64

static int open_named(const char *wanted)
{
	for (int i = 0; i < NODES; i++) {
		char path[64], name[128] = "";
		int fd;

		snprintf(path, sizeof(path), "/dev/input/event%d", i);
		fd = open(path, O_RDWR);
		if (fd >= 0 && ioctl(fd, EVIOCGNAME(sizeof(name) - 1), name) > 0 && !strcmp(name, wanted))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	fail("%s: no input device of that name", wanted);
}

static void watch(int fd, long count)
{
	struct input_event e;

	while (count) {
		if (read(fd, &e, sizeof(e)) != sizeof(e))
			fail("read: %m");
		if (e.type == EV_SYN || e.type == EV_MSC)
			continue;
		printf("%u %u %d\n", e.type, e.code, e.value);
		count--;
	}
}

static void emit(int fd, int type, int code, int value)
{
	struct input_event events[2] = { { .type = type, .code = code, .value = value }, { .type = EV_SYN } };

	write_all(fd, events, sizeof(events));
}

/* Closing the device would erase the effect, so we stay as long as it takes. */
static void force(int fd, long level, long direction, long ms)
{
	struct ff_effect effect = { .type = FF_CONSTANT, .id = -1, .direction = direction };

	effect.replay.length = ms;
	effect.u.constant.level = level;
	DO_IOCTL(fd, EVIOCSFF, &effect);
	emit(fd, EV_FF, effect.id, 1);
	usleep(ms * 1000);
	emit(fd, EV_FF, effect.id, 0);
}

int evdev_main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "watch"))
		watch(open_named(argv[2]), number(argv[3], 1, 100000));
	else if (argc == 5 && !strcmp(argv[1], "led"))
		emit(open_named(argv[2]), EV_LED, number(argv[3], 0, LED_MAX), number(argv[4], 0, 1));
	else if (argc == 6 && !strcmp(argv[1], "force"))
		force(open_named(argv[2]), number(argv[3], -32767, 32767), number(argv[4], 0, 65535),
		      number(argv[5], 1, 10000));
	else
		fail("usage: evdev watch NAME COUNT | led NAME CODE VALUE | force NAME LEVEL DIRECTION MS");
	return 0;
}
