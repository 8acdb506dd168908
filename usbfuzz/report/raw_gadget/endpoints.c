/* Transfers by raw-gadget, and the endpoints of the configuration and the alternate settings in use. */

static int transfer(int fd, unsigned long request, int handle, const void *data, size_t length, struct io *io)
{
	io->head.ep = handle;
	io->head.flags = 0;
	io->head.length = length > MAX_TRANSFER ? MAX_TRANSFER : length;
	if (data)
		memcpy(io->data, data, io->head.length);
	return ioctl(fd, request, io);
}

/* Plays the script of an endpoint; one without answers left is silent (IN) or takes everything (OUT). */
static void *endpoint_main(void *arg)
{
	struct endpoint *endpoint = arg;
	bool in = endpoint->bEndpointAddress & USB_DIR_IN;
	struct io io;

	for (;;) {
		const struct answer *answer = next_answer(&endpoint->tape);

		if (!answer && in)
			return NULL;
		if (answer && answer->delay_ms)
			sleep_ms(answer->delay_ms);
		if (answer && answer->status == NEVER)
			return NULL;
		if (answer && answer->status == STALL) {
			if (ioctl(endpoint->port->fd, USB_RAW_IOCTL_EP_SET_HALT, endpoint->handle) < 0)
				return NULL;
			continue;
		}
		if (answer && answer->status == NAK) {
			sleep_ms(1);
			continue;
		}
		if (transfer(endpoint->port->fd, in ? USB_RAW_IOCTL_EP_WRITE : USB_RAW_IOCTL_EP_READ, endpoint->handle,
			     in ? answer->data : NULL, in ? answer->length : endpoint->size, &io) < 0)
			return NULL;
	}
}

static void enable(struct port *port, const uint8_t *raw)
{
	struct endpoint *endpoint = &port->endpoints[port->endpoint_count];
	struct usb_endpoint_descriptor descriptor = { 0 };

	if (port->endpoint_count == MAX_ENDPOINTS)
		return;
	memcpy(&descriptor, raw, USB_DT_ENDPOINT_SIZE);
	memset(endpoint, 0, sizeof(*endpoint));
	endpoint->port = port;
	endpoint->bEndpointAddress = descriptor.bEndpointAddress;
	endpoint->size = descriptor.wMaxPacketSize & 0x7ff;
	endpoint->handle = ioctl(port->fd, USB_RAW_IOCTL_EP_ENABLE, &descriptor);
	if (endpoint->handle < 0) {
		printf("endpoint 0x%02x: %s\n", descriptor.bEndpointAddress, strerror(errno));
		return;
	}
	for (size_t i = 0; i < port->device->endpoint_count; i++) {
		if (port->device->endpoints[i].bEndpointAddress != descriptor.bEndpointAddress)
			continue;
		endpoint->tape.answers = port->device->endpoints[i].answers;
		endpoint->tape.count = port->device->endpoints[i].count;
	}
	if (!pthread_create(&endpoint->thread, NULL, endpoint_main, endpoint))
		port->endpoint_count++;
}

static void disable_all(struct port *port)
{
	for (unsigned int i = 0; i < port->endpoint_count; i++) {
		ioctl(port->fd, USB_RAW_IOCTL_EP_DISABLE, port->endpoints[i].handle);
		pthread_cancel(port->endpoints[i].thread);
		pthread_join(port->endpoints[i].thread, NULL);
	}
	port->endpoint_count = 0;
}

/* Endpoints of the setting "alternate" of an interface, or (-1) of setting 0 of all. */
static void enable_all(struct port *port, int interface, int alternate)
{
	const uint8_t *at = port->configuration, *end = at + port->configuration_length;
	bool chosen = false;

	for (; end - at >= 2 && at[0] >= 2 && at[0] <= end - at; at += at[0]) {
		if (at[1] == USB_DT_INTERFACE && at[0] >= USB_DT_INTERFACE_SIZE)
			chosen = (at[2] == interface && at[3] == alternate) || (at[2] != interface && !at[3]);
		else if (at[1] == USB_DT_ENDPOINT && at[0] >= USB_DT_ENDPOINT_SIZE && chosen)
			enable(port, at);
	}
}

static void configure(struct port *port, uint8_t value)
{
	disable_all(port);
	port->configuration = NULL;
	port->configuration_length = 0;
	for (size_t i = 0; i < port->device->descriptor_count; i++) {
		const struct descriptor *one = &port->device->descriptors[i];
		const uint8_t *raw = one->data;

		if (one->wValue >> 8 == USB_DT_CONFIG && one->length > 5 && (raw[5] == value || !port->configuration)) {
			port->configuration = raw;
			port->configuration_length = one->length;
			if (raw[5] == value)
				break;
		}
	}
	enable_all(port, -1, 0);
	ioctl(port->fd, USB_RAW_IOCTL_VBUS_DRAW, 50);
	ioctl(port->fd, USB_RAW_IOCTL_CONFIGURE, 0);
}

static int answer_control(struct port *port, const struct usb_ctrlrequest *setup)
{
	const struct answer *given = scripted(port, setup);
	struct answer answer = { 0 };
	struct io io;

	if (given)
		answer = *given;
	else if (!standard(port, setup, &answer))
		answer.status = STALL;
	if (answer.delay_ms)
		sleep_ms(answer.delay_ms);
	if (answer.status == NEVER || answer.status == NAK)
		return 0;	/* the host gives up after its own timeout */
	if (answer.status == STALL)
		return ioctl(port->fd, USB_RAW_IOCTL_EP0_STALL, 0);
	if (!setup->bRequestType && setup->bRequest == USB_REQ_SET_CONFIGURATION)
		configure(port, setup->wValue);
	if (setup->bRequestType == USB_RECIP_INTERFACE && setup->bRequest == USB_REQ_SET_INTERFACE) {
		disable_all(port);
		enable_all(port, setup->wIndex, setup->wValue);
	}
	if (!(setup->bRequestType & USB_DIR_IN))
		return transfer(port->fd, USB_RAW_IOCTL_EP0_READ, 0, NULL, setup->wLength, &io);
	if (answer.length > setup->wLength)
		answer.length = setup->wLength;
	return transfer(port->fd, USB_RAW_IOCTL_EP0_WRITE, 0, answer.data, answer.length, &io);
}
