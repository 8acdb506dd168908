// SPDX-License-Identifier: GPL-2.0-only
/*
 * hci up|down|show NUMBER	powers a Bluetooth controller and prints what the kernel knows of it:
 *				"NAME ADDRESS up|down"
 */
#include "tools.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define BTPROTO_HCI   1
#define HCIDEVUP      _IOW('H', 201, int)
#define HCIDEVDOWN    _IOW('H', 202, int)
#define HCIGETDEVINFO _IOR('H', 211, int)
#define HCI_UP	      0x1u

/* struct hci_dev_info of include/net/bluetooth/hci_sock.h, which is not exported. */
struct hci_dev_info {
	uint16_t dev_id;
	char name[8];
	uint8_t bdaddr[6];
	uint32_t flags;
	uint8_t type;
	uint8_t features[8];
	uint32_t pkt_type, link_policy, link_mode;
	uint16_t acl_mtu, acl_pkts, sco_mtu, sco_pkts;
	uint32_t stat[10];
};

int hci_main(int argc, char **argv)
{
	struct hci_dev_info info = { 0 };
	int fd, rc = 0;

	if (argc != 3)
		fail("usage: hci up|down|show NUMBER");
	info.dev_id = number(argv[2], 0, 65535);
	fd = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC, BTPROTO_HCI);
	if (fd < 0)
		fail("socket: %m");
	if (!strcmp(argv[1], "up"))
		rc = ioctl(fd, HCIDEVUP, (long)info.dev_id);
	else if (!strcmp(argv[1], "down"))
		rc = ioctl(fd, HCIDEVDOWN, (long)info.dev_id);
	if (rc < 0 && errno != EALREADY)
		fail("hci%u %s: %m", info.dev_id, argv[1]);
	DO_IOCTL(fd, HCIGETDEVINFO, &info);
	printf("%.8s ", info.name);
	for (int i = 5; i >= 0; i--)
		printf("%02x%s", info.bdaddr[i], i ? ":" : " ");
	puts(info.flags & HCI_UP ? "up" : "down");
	return 0;
}
