/* What the device says to a control request: what its script has, else what its descriptors say. */

/* How far a list of answers has been played. */
struct tape {
	const struct answer *answers;
	size_t count, at;
	unsigned int used;
	bool awake;
};

struct endpoint {
	struct port *port;
	struct tape tape;
	uint8_t bEndpointAddress;
	uint16_t size;
	int handle;
	pthread_t thread;
};

/* A UDC of dummy_hcd and the device on it. */
struct port {
	unsigned int number;
	int fd;				/* -1: nothing is plugged */
	const struct device *device;
	struct tape *tapes;
	pthread_t thread;
	struct endpoint endpoints[MAX_ENDPOINTS];
	unsigned int endpoint_count;
	const uint8_t *configuration;
	size_t configuration_length;
	atomic_uint requests;
	_Atomic long long last_ms;
};

struct io {
	struct usb_raw_ep_io head;
	uint8_t data[MAX_TRANSFER];
};

struct event_io {
	struct usb_raw_event head;
	struct usb_ctrlrequest setup;
};

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static const struct answer *next_answer(struct tape *tape)
{
	while (tape->at < tape->count) {
		const struct answer *answer = &tape->answers[tape->at];

		if (!answer->times || tape->used < answer->times) {
			tape->used++;
			return answer;
		}
		tape->at++;
		tape->used = 0;
	}
	return NULL;
}

static bool meets(int wanted, int value)
{
	return wanted == ANY || wanted == value;
}

static bool matches(const struct pattern *pattern, const struct usb_ctrlrequest *setup)
{
	return meets(pattern->bRequestType, setup->bRequestType) && meets(pattern->bRequest, setup->bRequest) &&
	       meets(pattern->wValue, setup->wValue) && meets(pattern->wIndex, setup->wIndex) &&
	       meets(pattern->wLength, setup->wLength);
}

/* The first script that matches, is awake and still has an answer. */
static const struct answer *scripted(struct port *port, const struct usb_ctrlrequest *setup)
{
	const struct answer *answer = NULL;

	for (size_t i = 0; i < port->device->script_count && !answer; i++)
		if (port->tapes[i].awake && matches(&port->device->scripts[i].when, setup))
			answer = next_answer(&port->tapes[i]);
	for (size_t i = 0; i < port->device->script_count; i++)
		if (port->device->scripts[i].sleeps && matches(&port->device->scripts[i].after, setup))
			port->tapes[i].awake = true;
	return answer;
}

static bool is_hid(const struct device *device, uint16_t wIndex)
{
	for (size_t i = 0; i < device->hid_count; i++)
		if (device->hid[i] == (wIndex & 0xff))
			return true;
	return false;
}

/* What the descriptors say; USB 2.0 9.4, HID 1.11 7. False: stall. */
static bool standard(const struct port *port, const struct usb_ctrlrequest *setup, struct answer *answer)
{
	static const uint8_t zeros[MAX_TRANSFER];

	if ((setup->bRequestType & USB_TYPE_MASK) == USB_TYPE_CLASS) {
		answer->data = zeros;
		answer->length = setup->wLength;
		return (setup->bRequestType & USB_RECIP_MASK) == USB_RECIP_INTERFACE &&
		       is_hid(port->device, setup->wIndex);
	}
	if (setup->bRequestType & USB_TYPE_MASK)
		return false;
	if (setup->bRequest == USB_REQ_GET_STATUS) {
		answer->data = zeros;
		answer->length = 2;
		return true;
	}
	if (setup->bRequest != USB_REQ_GET_DESCRIPTOR)
		return !(setup->bRequestType & USB_DIR_IN);
	for (size_t i = 0; i < port->device->descriptor_count; i++) {
		const struct descriptor *one = &port->device->descriptors[i];

		if (one->bRequestType == setup->bRequestType && one->wValue == setup->wValue &&
		    meets(one->wIndex, setup->wIndex)) {
			answer->data = one->data;
			answer->length = one->length;
			return true;
		}
	}
	return false;
}
