// SPDX-License-Identifier: GPL-2.0-only
/* Nodes of HID devices and of their relatives: hidraw, hiddev, evdev, hwmon and other attribute classes. */
#include "agent.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/hiddev.h>
#include <linux/hidraw.h>
#include <linux/input.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void exercise_hidraw(const struct node *node, int64_t deadline)
{
	struct hidraw_devinfo info;
	unsigned char report[64] = { 0 };
	int fd = node_open(node, O_RDWR);

	if (fd < 0)
		return;
	ioctl(fd, HIDIOCGRAWINFO, &info);
	ioctl(fd, HIDIOCGFEATURE(sizeof(report)), report);
	memset(report, 0, sizeof(report));
	if (write(fd, report, 9) < 0)		/* report 0, 8 bytes: most output reports take it */
		ioctl(fd, HIDIOCSFEATURE(9), report);
	node_hold(fd, deadline);
}

void exercise_hiddev(const struct node *node, int64_t deadline)
{
	int fd = node_open(node, O_RDWR);

	if (fd < 0)
		return;
	ioctl(fd, HIDIOCINITREPORT, 0);
	node_hold(fd, deadline);
}

static void event_send(int fd, unsigned short type, unsigned short code, int value)
{
	struct input_event event = { .type = type, .code = code, .value = value };

	if (write(fd, &event, sizeof(event)) < 0)
		return;
}

/* LEDs and force feedback go to the device: the only data that evdev sends. */
void exercise_event(const struct node *node, int64_t deadline)
{
	unsigned char types[4] = { 0 };
	struct ff_effect rumble = {
		.type = FF_RUMBLE, .id = -1, .replay.length = 100,
		.u.rumble = { .strong_magnitude = 0x8000, .weak_magnitude = 0x4000 },
	};
	int fd = node_open(node, O_RDWR);

	if (fd < 0)
		return;
	ioctl(fd, EVIOCGBIT(0, sizeof(types)), types);
	if (types[EV_LED / 8] & (1 << EV_LED % 8))
		event_send(fd, EV_LED, LED_CAPSL, 1);
	if (types[EV_FF / 8] & (1 << EV_FF % 8)) {
		event_send(fd, EV_FF, FF_GAIN, 0x8000);
		if (!ioctl(fd, EVIOCSFF, &rumble))
			event_send(fd, EV_FF, rumble.id, 1);
	}
	node_hold(fd, deadline);
}

/* Classes without nodes: reading an attribute often asks the device. */
void exercise_attributes(const struct node *node, int64_t deadline)
{
	char path[400];
	struct dirent *e;
	DIR *dir;

	if (*node->dev)
		exercise_plain(node, now_ms());
	snprintf(path, sizeof(path), "/sys/class/%s/%s", node->subsystem, node->name);
	if (!strcmp(node->subsystem, "iio"))
		snprintf(path, sizeof(path), "/sys/bus/iio/devices/%s", node->name);
	dir = opendir(path);
	while (dir && now_ms() < deadline && (e = readdir(dir))) {
		char file[700];
		size_t len;

		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		if (e->d_type == DT_REG && strcmp(e->d_name, "uevent"))
			free(slurp(file, &len));
	}
	if (dir)
		closedir(dir);
}
