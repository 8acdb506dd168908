/* The ports, a thread each, and the schedule of plugs and unplugs. */

static void *port_main(void *arg)
{
	struct port *port = arg;
	struct event_io event;

	for (;;) {
		memset(&event, 0, sizeof(event));
		event.head.length = sizeof(event.setup);
		if (ioctl(port->fd, USB_RAW_IOCTL_EVENT_FETCH, &event) < 0)
			return NULL;
		if (event.head.type != USB_RAW_EVENT_CONTROL)
			continue;
		printf("port %u: request %02x %02x %04x %04x %04x\n", port->number, event.setup.bRequestType,
		       event.setup.bRequest, event.setup.wValue, event.setup.wIndex, event.setup.wLength);
		port->last_ms = now_ms();
		port->requests++;
		if (answer_control(port, &event.setup) < 0)
			printf("port %u: %s\n", port->number, strerror(errno));
	}
}

static void plug(struct port *port, const struct device *device)
{
	struct usb_raw_init init = { .speed = device->speed };

	snprintf((char *)init.driver_name, sizeof(init.driver_name), "dummy_udc");
	snprintf((char *)init.device_name, sizeof(init.device_name), "dummy_udc.%u", port->number);
	port->device = device;
	port->requests = 0;
	port->last_ms = now_ms();
	port->tapes = calloc(device->script_count + 1, sizeof(*port->tapes));
	port->fd = open("/dev/raw-gadget", O_RDWR);
	if (!port->tapes || port->fd < 0) {
		perror("/dev/raw-gadget");
		exit(2);
	}
	for (size_t i = 0; i < device->script_count; i++) {
		port->tapes[i].answers = device->scripts[i].answers;
		port->tapes[i].count = device->scripts[i].count;
		port->tapes[i].awake = !device->scripts[i].sleeps;
	}
	if (ioctl(port->fd, USB_RAW_IOCTL_INIT, &init) < 0 || ioctl(port->fd, USB_RAW_IOCTL_RUN, 0) < 0) {
		fprintf(stderr, "%s: %s; is dummy_hcd loaded with num=%zu?\n", init.device_name, strerror(errno),
			(size_t)port->number + 1);
		exit(2);
	}
	if (pthread_create(&port->thread, NULL, port_main, port))
		exit(2);
}

static void unplug(struct port *port)
{
	if (port->fd < 0)
		return;
	pthread_cancel(port->thread);
	pthread_join(port->thread, NULL);
	disable_all(port);
	close(port->fd);
	port->fd = -1;
	free(port->tapes);
}

static void settle(struct port *ports, size_t count)
{
	long long end = now_ms() + CALM_WAIT_MS;
	bool busy = true;

	while (busy && now_ms() < end) {
		sleep_ms(20);
		busy = false;
		for (size_t i = 0; i < count; i++)
			busy = busy || (ports[i].fd >= 0 && now_ms() - ports[i].last_ms < CALM_MS);
	}
}

static void wait_for(const struct event *event, struct port *ports, size_t count)
{
	struct port *port = &ports[event->port];

	if (event->after_requests != SETTLED) {
		while (port->requests < (unsigned int)event->after_requests && now_ms() - port->last_ms < CALM_MS)
			sleep_ms(1);
	} else if (event->after_ms != SETTLED) {
		sleep_ms(event->after_ms);
	} else {
		settle(ports, count);
	}
}

int main(void)
{
	static struct port ports[PORTS];

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		ports[i].number = i;
		ports[i].fd = -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		struct port *port = &ports[events[i].port];

		wait_for(&events[i], ports, ARRAY_SIZE(ports));
		if (events[i].action == RESET) {
			printf("port %u: the reset is left out\n", port->number);
			continue;
		}
		unplug(port);
		if (events[i].action == PLUG)
			plug(port, events[i].device);
	}
	settle(ports, ARRAY_SIZE(ports));
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		unplug(&ports[i]);
	return 0;
}
