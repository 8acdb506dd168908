// SPDX-License-Identifier: GPL-2.0-only
/* Nodes of sound, video and DVB devices: enough to start a stream, because that is where the URBs are. */
#include "agent.h"

#include <fcntl.h>
#include <linux/dvb/frontend.h>
#include <linux/media.h>
#include <linux/videodev2.h>
#include <sound/asound.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ELEMENTS 64
#define BUFFERS	 2

/* Reads every mixer element once; each read of a USB mixer is a control transfer. */
void exercise_control(const struct node *node, int64_t deadline)
{
	struct snd_ctl_elem_id ids[ELEMENTS];
	struct snd_ctl_elem_list list = { .space = ELEMENTS, .pids = ids };
	struct snd_ctl_elem_value value;
	int fd = node_open(node, O_RDWR);

	if (fd < 0)
		return;
	if (ioctl(fd, SNDRV_CTL_IOCTL_ELEM_LIST, &list))
		list.used = 0;
	for (unsigned int i = 0; i < list.used && i < ELEMENTS && now_ms() < deadline; i++) {
		memset(&value, 0, sizeof(value));
		value.id = ids[i];
		if (!ioctl(fd, SNDRV_CTL_IOCTL_ELEM_READ, &value))
			ioctl(fd, SNDRV_CTL_IOCTL_ELEM_WRITE, &value);
	}
	node_hold(fd, deadline);
}

/* Everything allowed: the driver picks rate, format and buffer. */
static void hw_params_any(struct snd_pcm_hw_params *p)
{
	memset(p, 0, sizeof(*p));
	memset(p->masks, 0xff, sizeof(p->masks));
	for (size_t i = 0; i < ARRAY_SIZE(p->intervals); i++)
		p->intervals[i].max = ~0u;
	p->rmask = ~0u;
}

void exercise_pcm(const struct node *node, int64_t deadline)
{
	bool capture = node->name[strlen(node->name) - 1] == 'c';
	struct snd_pcm_hw_params params;
	char frames[1024] = { 0 };
	int fd = node_open(node, capture ? O_RDONLY : O_WRONLY);

	if (fd < 0)
		return;
	hw_params_any(&params);
	if (!ioctl(fd, SNDRV_PCM_IOCTL_HW_PARAMS, &params) && !ioctl(fd, SNDRV_PCM_IOCTL_PREPARE)) {
		if (!capture && write(fd, frames, sizeof(frames)) < 0)
			return;
		ioctl(fd, SNDRV_PCM_IOCTL_START);
	}
	node_hold(fd, deadline);
}

void exercise_midi(const struct node *node, int64_t deadline)
{
	static const unsigned char note_on[] = { 0x90, 0x3c, 0x40 };
	int fd = node_open(node, O_RDWR);

	if (fd < 0)
		return;
	if (write(fd, note_on, sizeof(note_on)) < 0 && now_ms() >= deadline)
		return;
	node_hold(fd, deadline);
}

static bool video_queue(int fd)
{
	struct v4l2_requestbuffers request = {
		.count = BUFFERS, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP,
	};

	if (ioctl(fd, VIDIOC_REQBUFS, &request))
		return false;
	for (unsigned int i = 0; i < request.count && i < BUFFERS; i++) {
		struct v4l2_buffer buffer = {
			.index = i, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP,
		};

		if (ioctl(fd, VIDIOC_QBUF, &buffer))
			return false;
	}
	return true;
}

/* Streams into two buffers that are never read. */
void exercise_video(const struct node *node, int64_t deadline)
{
	enum v4l2_buf_type type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	struct v4l2_capability capability;
	struct v4l2_queryctrl control = { .id = V4L2_CTRL_FLAG_NEXT_CTRL };
	struct v4l2_format format = { .type = type };
	int fd = node_open(node, O_RDWR);

	if (fd < 0)
		return;
	ioctl(fd, VIDIOC_QUERYCAP, &capability);
	for (int i = 0; i < ELEMENTS && now_ms() < deadline && !ioctl(fd, VIDIOC_QUERYCTRL, &control); i++) {
		struct v4l2_control value = { .id = control.id };

		ioctl(fd, VIDIOC_G_CTRL, &value);
		control.id |= V4L2_CTRL_FLAG_NEXT_CTRL;
	}
	if (!ioctl(fd, VIDIOC_G_FMT, &format))
		ioctl(fd, VIDIOC_S_FMT, &format);
	if (video_queue(fd))
		ioctl(fd, VIDIOC_STREAMON, &type);
	while (now_ms() < deadline)
		usleep((deadline - now_ms()) * 1000);
	ioctl(fd, VIDIOC_STREAMOFF, &type);
}

void exercise_media(const struct node *node, int64_t deadline)
{
	struct media_device_info info;
	struct media_v2_topology topology = { 0 };
	int fd = node_open(node, O_RDWR);

	if (fd < 0)
		return;
	ioctl(fd, MEDIA_IOC_DEVICE_INFO, &info);
	ioctl(fd, MEDIA_IOC_G_TOPOLOGY, &topology);
	node_hold(fd, deadline);
}

/* Opening for writing starts the frontend's thread and wakes the tuner. */
void exercise_frontend(const struct node *node, int64_t deadline)
{
	struct dvb_frontend_info info;
	fe_status_t status;
	int fd = node_open(node, O_RDWR);

	if (fd < 0)
		return;
	ioctl(fd, FE_GET_INFO, &info);
	ioctl(fd, FE_READ_STATUS, &status);
	node_hold(fd, deadline);
}
