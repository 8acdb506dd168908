// SPDX-License-Identifier: GPL-2.0-only
/*
 * camera NODE WIDTH HEIGHT [BRIGHTNESS]	writes one whole YUYV frame to stdout
 *
 * Frames that the driver marks as damaged, or that are short, are passed over.
 */
#include "tools.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <linux/videodev2.h>

#define BUFFERS 4
#define FRAMES	100	/* that may be bad before we give up */

static unsigned int configure(int fd, unsigned int width, unsigned int height)
{
	struct v4l2_format f = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };

	f.fmt.pix.width = width;
	f.fmt.pix.height = height;
	f.fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
	DO_IOCTL(fd, VIDIOC_S_FMT, &f);
	if (f.fmt.pix.width != width || f.fmt.pix.height != height || f.fmt.pix.pixelformat != V4L2_PIX_FMT_YUYV)
		fail("the camera offers %ux%u, %.4s", f.fmt.pix.width, f.fmt.pix.height, (char *)&f.fmt.pix.pixelformat);
	return f.fmt.pix.sizeimage;
}

static void map(int fd, void **frames)
{
	struct v4l2_requestbuffers r = {
		.count = BUFFERS, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP
	};

	DO_IOCTL(fd, VIDIOC_REQBUFS, &r);
	if (r.count > BUFFERS)
		fail("%u buffers instead of %d", r.count, BUFFERS);
	for (unsigned int i = 0; i < r.count; i++) {
		struct v4l2_buffer b = { .index = i, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP };

		DO_IOCTL(fd, VIDIOC_QUERYBUF, &b);
		frames[i] = mmap(NULL, b.length, PROT_READ, MAP_SHARED, fd, b.m.offset);
		if (frames[i] == MAP_FAILED)
			fail("mmap: %m");
		DO_IOCTL(fd, VIDIOC_QBUF, &b);
	}
}

static void capture(int fd, void **frames, unsigned int size)
{
	for (int i = 0; i < FRAMES; i++) {
		struct v4l2_buffer b = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP };

		DO_IOCTL(fd, VIDIOC_DQBUF, &b);
		if (b.bytesused == size && !(b.flags & V4L2_BUF_FLAG_ERROR)) {
			write_all(1, frames[b.index], size);
			return;
		}
		DO_IOCTL(fd, VIDIOC_QBUF, &b);
	}
	fail("no whole frame among %d", FRAMES);
}

int camera_main(int argc, char **argv)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE, fd;
	void *frames[BUFFERS];
	unsigned int size;

	if (argc != 4 && argc != 5)
		fail("usage: camera NODE WIDTH HEIGHT [BRIGHTNESS]");
	fd = open_node(argv[1], O_RDWR);
	size = configure(fd, number(argv[2], 1, 65535), number(argv[3], 1, 65535));
	if (argc == 5) {
		struct v4l2_control c = { .id = V4L2_CID_BRIGHTNESS, .value = number(argv[4], -32768, 32767) };

		DO_IOCTL(fd, VIDIOC_S_CTRL, &c);
	}
	map(fd, frames);
	DO_IOCTL(fd, VIDIOC_STREAMON, &type);
	capture(fd, frames, size);
	DO_IOCTL(fd, VIDIOC_STREAMOFF, &type);
	return 0;
}
