/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * usbfuzz guest tools: what busybox lacks to use a device as its users would. One static
 * binary, which does what the name it is called by says.
 *
 *   pcm.c      play and record PCM          mixer.c    list and set ALSA controls
 *   camera.c   capture a frame by V4L2      evdev.c    read input events, lights, forces
 *   usbfs.c    transfers without a driver   hci.c      Bluetooth controllers up and down
 *
 * All print what they learn on stdout. What fails is named on stderr and exits with status 1.
 */
#ifndef USBFUZZ_TOOLS_H
#define USBFUZZ_TOOLS_H

#include <stddef.h>
#include <sys/ioctl.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

typedef int tool_fn(int argc, char **argv);
tool_fn pcm_main, mixer_main, camera_main, evdev_main, usbfs_main, hci_main;

/* main.c */
_Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int open_node(const char *path, int flags);
void do_ioctl(int fd, unsigned long request, void *arg, const char *name);
#define DO_IOCTL(fd, request, arg) do_ioctl(fd, request, arg, #request)
long number(const char *text, long low, long high);
size_t read_all(int fd, void *buffer, size_t size);
void write_all(int fd, const void *buffer, size_t size);

#endif
