// SPDX-License-Identifier: GPL-2.0-only
/* Video, radio and metadata nodes: capabilities, formats with their sizes and intervals, controls, inputs. */
#include "survey.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FORMATS	 64		/* of a buffer type, sizes of a format, intervals of a size, inputs */
#define CONTROLS 256
#define CHOICES	 64

static const struct {
	unsigned int bit;
	const char *name;
} capabilities[] = {
	{ V4L2_CAP_VIDEO_CAPTURE, "video-capture" }, { V4L2_CAP_VIDEO_OUTPUT, "video-output" },
	{ V4L2_CAP_VIDEO_CAPTURE_MPLANE, "video-capture-mplane" }, { V4L2_CAP_VBI_CAPTURE, "vbi-capture" },
	{ V4L2_CAP_SLICED_VBI_CAPTURE, "sliced-vbi-capture" }, { V4L2_CAP_META_CAPTURE, "meta-capture" },
	{ V4L2_CAP_SDR_CAPTURE, "sdr-capture" }, { V4L2_CAP_TOUCH, "touch" }, { V4L2_CAP_TUNER, "tuner" },
	{ V4L2_CAP_AUDIO, "audio" }, { V4L2_CAP_RADIO, "radio" }, { V4L2_CAP_RDS_CAPTURE, "rds-capture" },
	{ V4L2_CAP_MODULATOR, "modulator" }, { V4L2_CAP_HW_FREQ_SEEK, "hw-freq-seek" },
	{ V4L2_CAP_READWRITE, "readwrite" }, { V4L2_CAP_STREAMING, "streaming" },
};

static const struct {
	enum v4l2_buf_type type;
	const char *name;
} buffers[] = {
	{ V4L2_BUF_TYPE_VIDEO_CAPTURE, "format" }, { V4L2_BUF_TYPE_VIDEO_OUTPUT, "output format" },
	{ V4L2_BUF_TYPE_SDR_CAPTURE, "sdr format" }, { V4L2_BUF_TYPE_META_CAPTURE, "metadata format" },
};

static const char *const types[] = {
	[V4L2_CTRL_TYPE_INTEGER] = "integer", [V4L2_CTRL_TYPE_BOOLEAN] = "switch", [V4L2_CTRL_TYPE_MENU] = "one of",
	[V4L2_CTRL_TYPE_BUTTON] = "button", [V4L2_CTRL_TYPE_INTEGER64] = "integer64", [V4L2_CTRL_TYPE_STRING] = "string",
	[V4L2_CTRL_TYPE_BITMASK] = "bitmask", [V4L2_CTRL_TYPE_INTEGER_MENU] = "one of",
};

/* The four letters of a pixel format; what is no letter is a dot. */
static const char *fourcc(unsigned int format, char text[5])
{
	for (int i = 0; i < 4; i++) {
		text[i] = format >> 8 * i & 0x7f;
		if (text[i] < ' ' || text[i] == 0x7f)
			text[i] = '.';
	}
	text[4] = '\0';
	for (int i = 3; i > 0 && text[i] == ' '; i--)
		text[i] = '\0';
	return text;
}

static bool note_capabilities(struct item *item)
{
	struct v4l2_capability c = { 0 };
	unsigned int rest;

	if (ioctl(item->fd, VIDIOC_QUERYCAP, &c))
		return false;
	label(item, "video '%.*s'", (int)sizeof(c.card), c.card);
	note(item, "driver", "%.*s", (int)sizeof(c.driver), c.driver);
	rest = c.device_caps & ~(V4L2_CAP_EXT_PIX_FORMAT | V4L2_CAP_DEVICE_CAPS);
	note_begin(item, "capabilities");
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (rest & capabilities[i].bit) {
			note_add(item, "%s", capabilities[i].name);
			rest &= ~capabilities[i].bit;
		}
	if (rest)
		note_add(item, "0x%x", rest);
	note_end(item);
	return true;
}

/* Seconds from frame to frame, as fractions; "" after the size when the driver tells none. */
static void note_size(struct item *item, const char *format, unsigned int pixels, unsigned int width, unsigned int height)
{
	struct v4l2_frmivalenum f = { .pixel_format = pixels, .width = width, .height = height };

	note_begin(item, "%s %ux%u", format, width, height);
	for (; f.index < FORMATS && !ioctl(item->fd, VIDIOC_ENUM_FRAMEINTERVALS, &f); f.index++) {
		if (f.type == V4L2_FRMIVAL_TYPE_DISCRETE) {
			note_add(item, "%u/%u", f.discrete.numerator, f.discrete.denominator);
			continue;
		}
		note_add(item, "%u/%u to %u/%u", f.stepwise.min.numerator, f.stepwise.min.denominator,
			 f.stepwise.max.numerator, f.stepwise.max.denominator);
		break;
	}
	if (!f.index)
		note_add(item, "any");
	note_end(item);
}

static void note_sizes(struct item *item, const char *format, unsigned int pixels)
{
	struct v4l2_frmsizeenum s = { .pixel_format = pixels };

	for (; s.index < FORMATS && !ioctl(item->fd, VIDIOC_ENUM_FRAMESIZES, &s); s.index++) {
		char property[64];

		if (s.type == V4L2_FRMSIZE_TYPE_DISCRETE) {
			note_size(item, format, pixels, s.discrete.width, s.discrete.height);
			continue;
		}
		snprintf(property, sizeof(property), "%s sizes", format);
		note(item, property, "%ux%u to %ux%u step %ux%u", s.stepwise.min_width, s.stepwise.min_height,
		     s.stepwise.max_width, s.stepwise.max_height, s.stepwise.step_width, s.stepwise.step_height);
		break;
	}
}

static void note_formats(struct item *item, enum v4l2_buf_type type, const char *name)
{
	struct v4l2_fmtdesc f = { .type = type };
	struct v4l2_format set = { .type = type };
	char format[48], letters[5];

	for (; f.index < FORMATS && !ioctl(item->fd, VIDIOC_ENUM_FMT, &f); f.index++) {
		snprintf(format, sizeof(format), "%s %s", name, fourcc(f.pixelformat, letters));
		note(item, format, "'%.*s'%s%s", (int)sizeof(f.description), f.description,
		     f.flags & V4L2_FMT_FLAG_COMPRESSED ? " compressed" : "",
		     f.flags & V4L2_FMT_FLAG_EMULATED ? " emulated" : "");
		if (type == V4L2_BUF_TYPE_VIDEO_CAPTURE)
			note_sizes(item, format, f.pixelformat);
	}
	if (type == V4L2_BUF_TYPE_VIDEO_CAPTURE && !ioctl(item->fd, VIDIOC_G_FMT, &set))
		note(item, "set to", "%s %ux%u", fourcc(set.fmt.pix.pixelformat, letters), set.fmt.pix.width,
		     set.fmt.pix.height);
}

static void add_choices(struct item *item, const struct v4l2_query_ext_ctrl *c)
{
	for (long long i = c->minimum; i <= c->maximum && i < c->minimum + CHOICES; i++) {
		struct v4l2_querymenu menu = { .id = c->id, .index = i };

		if (ioctl(item->fd, VIDIOC_QUERYMENU, &menu))
			continue;
		if (c->type == V4L2_CTRL_TYPE_INTEGER_MENU)
			note_add(item, "%lld: %lld", i, (long long)menu.value);
		else
			note_add(item, "%lld: '%.*s'", i, (int)sizeof(menu.name), menu.name);
	}
}

static void note_control(struct item *item, const struct v4l2_query_ext_ctrl *c)
{
	struct v4l2_control value = { .id = c->id };
	const char *type = c->type < ARRAY_SIZE(types) ? types[c->type] : NULL;
	bool menu = c->type == V4L2_CTRL_TYPE_MENU || c->type == V4L2_CTRL_TYPE_INTEGER_MENU;
	bool plain = c->type == V4L2_CTRL_TYPE_INTEGER || c->type == V4L2_CTRL_TYPE_BOOLEAN || menu;

	note_begin(item, "control '%.*s'", (int)sizeof(c->name), c->name);
	if (type)
		note_add(item, "%s", type);
	else
		note_add(item, "type 0x%x", c->type);
	if (menu)
		add_choices(item, c);
	else if (c->type != V4L2_CTRL_TYPE_BUTTON)
		note_add(item, "%lld to %lld step %llu", (long long)c->minimum, (long long)c->maximum,
			 (unsigned long long)c->step);
	if (plain || c->type == V4L2_CTRL_TYPE_BITMASK)
		note_add(item, "default %lld", (long long)c->default_value);
	if (c->flags & V4L2_CTRL_FLAG_DISABLED)
		note_add(item, "disabled");
	if (c->flags & V4L2_CTRL_FLAG_INACTIVE)
		note_add(item, "inactive");
	if (c->flags & V4L2_CTRL_FLAG_READ_ONLY)
		note_add(item, "read-only");
	if (plain && !(c->flags & (V4L2_CTRL_FLAG_WRITE_ONLY | V4L2_CTRL_FLAG_VOLATILE))) {
		if (ioctl(item->fd, VIDIOC_G_CTRL, &value))
			note_add(item, "cannot be read: %m");
		else
			note_add(item, "= %d", value.value);
	}
	note_end(item);
}

static void note_controls(struct item *item)
{
	const unsigned int next = V4L2_CTRL_FLAG_NEXT_CTRL | V4L2_CTRL_FLAG_NEXT_COMPOUND;
	struct v4l2_query_ext_ctrl c = { .id = next };
	unsigned int count;

	for (count = 0; count < CONTROLS && !ioctl(item->fd, VIDIOC_QUERY_EXT_CTRL, &c); count++) {
		if (c.type != V4L2_CTRL_TYPE_CTRL_CLASS)
			note_control(item, &c);
		c.id |= next;
	}
	if (count < CONTROLS && errno != EINVAL && errno != ENOTTY)
		note(item, "control list", "ends with: %m");
}

static void note_inputs(struct item *item)
{
	struct v4l2_input input = { 0 };
	struct v4l2_standard standard = { 0 };
	struct v4l2_tuner tuner = { 0 };

	for (; input.index < FORMATS && !ioctl(item->fd, VIDIOC_ENUMINPUT, &input); input.index++) {
		note_begin(item, "input %u", input.index);
		note_add(item, "'%.*s'", (int)sizeof(input.name), input.name);
		note_end(item);
	}
	note_begin(item, "standards");
	for (; standard.index < FORMATS && !ioctl(item->fd, VIDIOC_ENUMSTD, &standard); standard.index++)
		note_add(item, "%.*s", (int)sizeof(standard.name), standard.name);
	note_end(item);
	for (; tuner.index < FORMATS && !ioctl(item->fd, VIDIOC_G_TUNER, &tuner); tuner.index++) {
		note_begin(item, "tuner %u", tuner.index);
		note_add(item, "'%.*s' %u to %u", (int)sizeof(tuner.name), tuner.name, tuner.rangelow, tuner.rangehigh);
		note_end(item);
	}
}

void survey_video(struct item *item)
{
	item->fd = node_open(&item->node, O_RDWR);
	if (item->fd < 0)
		note(item, "open", "%m");
	else if (!note_capabilities(item))
		note(item, "capabilities", "%m");
	else {
		for (size_t i = 0; i < ARRAY_SIZE(buffers); i++)
			note_formats(item, buffers[i].type, buffers[i].name);
		note_controls(item);
		note_inputs(item);
	}
	if (item->fd >= 0)
		close(item->fd);
	item->fd = -1;
}
