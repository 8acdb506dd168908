// SPDX-License-Identifier: GPL-2.0-only
/* Network interfaces: up, one frame out, down. CAN needs a bit rate before it can be up. */
#include "agent.h"

#include <arpa/inet.h>
#include <linux/can/netlink.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIT_RATE   500000
#define CAN_FRAME  16		/* sizeof(struct can_frame) */
#define HCI	   1		/* BTPROTO_HCI, include/net/bluetooth/bluetooth.h */
#define HCI_DEV_UP _IOW('H', 201, int)

struct can_request {
	struct nlmsghdr header;
	struct ifinfomsg link;
	char attributes[128];
};

static struct rtattr *attribute(struct can_request *r, unsigned short type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->header.nlmsg_len));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

static void close_nest(struct can_request *r, struct rtattr *nest)
{
	nest->rta_len = (char *)r + r->header.nlmsg_len - (char *)nest;
}

/* ip link set IFACE type can bitrate 500000 */
static void can_set_bitrate(int index)
{
	struct can_bittiming timing = { .bitrate = BIT_RATE };
	struct can_request r = {
		.header = { .nlmsg_len = NLMSG_LENGTH(sizeof(r.link)), .nlmsg_type = RTM_NEWLINK,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.link = { .ifi_index = index },
	};
	struct rtattr *info = attribute(&r, IFLA_LINKINFO, NULL, 0), *data;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	attribute(&r, IFLA_INFO_KIND, "can", 3);
	data = attribute(&r, IFLA_INFO_DATA, NULL, 0);
	attribute(&r, IFLA_CAN_BITTIMING, &timing, sizeof(timing));
	close_nest(&r, data);
	close_nest(&r, info);
	if (fd >= 0 && send(fd, &r, r.header.nlmsg_len, 0) < 0)
		return;
}

static void send_frame(int index, bool can)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_ifindex = index, .sll_protocol = htons(can ? ETH_P_CAN : ETH_P_IP),
	};
	unsigned char frame[ETH_ZLEN] = { 0 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (can) {
		frame[0] = 0x23;	/* identifier 0x123, 8 bytes of data */
		frame[1] = 0x01;
		frame[4] = 8;
	} else {
		memset(frame, 0xff, ETH_ALEN);
		frame[12] = ETH_P_IP >> 8;
	}
	if (sendto(fd, frame, can ? CAN_FRAME : sizeof(frame), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0)
		return;
}

static void wait_until(int64_t deadline)
{
	int64_t left = deadline - now_ms();

	if (left > 0)
		usleep(left * 1000);
}

void exercise_net(const struct node *node, int64_t deadline)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), index;
	struct ifreq ifr = { 0 };
	bool can;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%.15s", node->name);
	if (fd < 0)		/* a kernel without IPv4 still has packet sockets */
		fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ioctl(fd, SIOCGIFINDEX, &ifr))
		return;
	index = ifr.ifr_ifindex;
	can = !ioctl(fd, SIOCGIFHWADDR, &ifr) && ifr.ifr_hwaddr.sa_family == ARPHRD_CAN;
	if (can)
		can_set_bitrate(index);
	if (ioctl(fd, SIOCGIFFLAGS, &ifr))
		return;
	ifr.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		return;
	send_frame(index, can);
	wait_until(deadline);
	ifr.ifr_flags &= ~IFF_UP;
	ioctl(fd, SIOCSIFFLAGS, &ifr);
}

void exercise_hci(const struct node *node, int64_t deadline)
{
	int index = node->name[3] - '0', fd = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC, HCI);

	if (fd < 0 || strlen(node->name) != 4 || index < 0 || index > 9)
		return;
	ioctl(fd, HCI_DEV_UP, index);
	wait_until(deadline);
}
