// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded into the real lsusb: it finds its device in a sysfs of umockdev's, which has nobody to answer control
 * transfers. They are answered from $LSUSB_ANSWERS, a line each: bmRequestType bRequest wValue wIndex DATA, all in
 * hexadecimal; wIndex ffff is any.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define LIBUSB_ERROR_PIPE (-9)

int libusb_open(void *device, void **handle);
void libusb_close(void *handle);
int libusb_claim_interface(void *handle, int number);
int libusb_release_interface(void *handle, int number);
int libusb_control_transfer(void *handle, uint8_t bmRequestType, uint8_t bRequest, uint16_t wValue, uint16_t wIndex,
			    unsigned char *data, uint16_t wLength, unsigned int timeout);

int libusb_open(void *device, void **handle)
{
	*handle = device;
	return 0;
}

void libusb_close(void *handle)
{
	(void)handle;
}

int libusb_claim_interface(void *handle, int number)
{
	(void)handle;
	(void)number;
	return 0;
}

int libusb_release_interface(void *handle, int number)
{
	return libusb_claim_interface(handle, number);
}

int libusb_control_transfer(void *handle, uint8_t bmRequestType, uint8_t bRequest, uint16_t wValue, uint16_t wIndex,
			    unsigned char *data, uint16_t wLength, unsigned int timeout)
{
	static char line[1 << 18];
	unsigned int kind, request, value, index;
	int at, count = LIBUSB_ERROR_PIPE;
	FILE *file = fopen(getenv("LSUSB_ANSWERS"), "r");

	(void)handle;
	(void)timeout;
	errno = EPIPE;
	while (file && count < 0 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%x %x %x %x %n", &kind, &request, &value, &index, &at) != 4)
			continue;
		if (kind != bmRequestType || request != bRequest || value != wValue ||
		    (index != 0xffff && index != wIndex))
			continue;
		for (count = 0; count < wLength; count++)
			if (sscanf(line + at + 2 * count, "%2hhx", &data[count]) != 1)
				break;
	}
	if (file)
		fclose(file);
	return count;
}
