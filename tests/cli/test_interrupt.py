"""Ctrl-C ends what the main thread waits for, whenever it comes."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from usbfuzz.cli.interrupt import waking_interrupts


def _interrupt_unheard() -> threading.Thread:
    """Have SIGINT noted without waking the main thread, as when it comes just before that begins to wait."""

    def send() -> None:
        time.sleep(0.2)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_an_interrupt_that_woke_nobody_is_acted_on_at_once() -> None:
    started = time.monotonic()
    with waking_interrupts():
        for _ in range(5):
            thread = _interrupt_unheard()
            with pytest.raises(KeyboardInterrupt):
                time.sleep(60)
            thread.join()
    assert time.monotonic() - started < 30


def test_afterwards_all_is_as_before() -> None:
    handler = signal.getsignal(signal.SIGINT)
    threads = threading.active_count()
    with waking_interrupts():
        pass
    assert signal.getsignal(signal.SIGINT) is handler
    assert threading.active_count() == threads
    assert signal.set_wakeup_fd(-1) == -1
