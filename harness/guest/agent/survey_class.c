// SPDX-License-Identifier: GPL-2.0-only
/* Classes that are told by their attributes: network, disks, serial ports, lights, batteries, sensors, and others. */
#define _GNU_SOURCE
#include "survey.h"

#include <string.h>

/* Attributes of every device, which the driver core makes. */
static const char *const common[] = { "uevent", "dev", "name", "waiting_for_supplier", "event_handling", "current_timestamp_clock" };

static bool is_common(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		if (!strcmp(name, common[i]))
			return true;
	return false;
}

static int files_only(const struct dirent *e)
{
	return e->d_type == DT_REG && !is_common(e->d_name);
}

static void add_name(struct item *item, const char *directory, const struct dirent *entry)
{
	(void)directory;
	note_add(item, "%s", entry->d_name);
}

/* A note with the names of the item's attributes in one of its directories. */
static void note_names(struct item *item, const char *property, const char *directory)
{
	note_begin(item, "%s", property);
	each_entry(item, directory, files_only, add_name);
	note_end(item);
}

/* "hwmon 'name'" where the class has a name attribute that says what it is. */
static void label_by(struct item *item, const char *name)
{
	char text[128];

	if (attribute(item, name, text, sizeof(text)))
		label(item, "%s '%s'", item->node.subsystem, text);
}

/* An address that the device does not give is made up: NET_ADDR_PERM is 0, NET_ADDR_RANDOM 1. */
void survey_net(struct item *item)
{
	char how[16] = "", address[96] = "";

	note_driver(item, "device");
	note_attribute(item, "type");
	note_attribute(item, "mtu");
	attribute(item, "addr_assign_type", how, sizeof(how));
	attribute(item, "address", address, sizeof(address));
	note(item, "address", "%s", !strcmp(how, "0") ? address : !strcmp(how, "1") ? "random" : "set by the driver");
	note_attribute(item, "addr_len");
	note_attribute(item, "dev_port");
	note_attribute(item, "tx_queue_len");
}

/* The letters of a disk are given in order, so it is just a disk; a partition keeps its number. */
void survey_block(struct item *item)
{
	static const char *const names[] = {
		"size", "ro", "removable", "queue/logical_block_size", "queue/physical_block_size", "queue/rotational",
		"queue/max_hw_sectors_kb", "queue/write_cache", "queue/fua", "queue/discard_max_bytes", "queue/zoned",
		"start", "partition", "events",
	};
	const char *name = item->node.name;

	if (!strncmp(name, "sd", 2))
		label(item, "block sd%s%s", strpbrk(name, "0123456789") ? " partition " : "",
			 strpbrk(name, "0123456789") ? strpbrk(name, "0123456789") : "");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		note_attribute(item, names[i]);
}

/* 2:0:0:1 is the second logical unit; the first number counts the hosts of the machine. */
void survey_scsi(struct item *item)
{
	const char *rest = strchr(item->node.name, ':');

	label(item, "scsi %s", rest ? rest + 1 : "?");
	note_attribute(item, "type");
	note_attribute(item, "scsi_level");
	note_attribute(item, "vendor");
	note_attribute(item, "model");
	note_attribute(item, "rev");
	note_driver(item, ".");
}

void survey_tty(struct item *item)
{
	note_driver(item, "device");
	note_attribute(item, "port_number");
}

void survey_led(struct item *item)
{
	note_attribute(item, "max_brightness");
	note_attribute(item, "brightness");
	note_attribute(item, "multi_index");
}

void survey_power(struct item *item)
{
	static const char *const names[] = {
		"type", "scope", "technology", "manufacturer", "model_name", "serial_number", "present", "status", "capacity",
		"capacity_level",
	};

	label(item, "%s", item->node.subsystem);
	note_names(item, "attributes", ".");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		note_attribute(item, names[i]);
}

void survey_hwmon(struct item *item)
{
	label_by(item, "name");
	note_names(item, "attributes", ".");
}

void survey_iio(struct item *item)
{
	label_by(item, "name");
	note_names(item, "channels", ".");
	note_names(item, "scan", "scan_elements");
}

/* A bus adapter's name may end in the place of its device: "i2c-tiny-usb at bus 001 device 002". */
void survey_adapter(struct item *item)
{
	char name[128], *at;

	if (!attribute(item, "name", name, sizeof(name)))
		return;
	at = strstr(name, " at bus ");
	if (at)
		*at = '\0';
	note(item, "name", "%s", name);
}

/* What a class says of itself in the attributes that many have. */
void survey_named(struct item *item)
{
	static const char *const names[] = {
		"type", "model", "label", "ngpio", "status", "modes", "max_brightness", "clock_name", "persistent",
		"protocols", "n_pins",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		note_attribute(item, names[i]);
}
