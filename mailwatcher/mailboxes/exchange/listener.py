"""How Exchange announces new mail: a streaming subscription to the inbox."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from exchangelib.services import SubscribeToStreaming, Unsubscribe

from mailwatcher.mailboxes.exchange.calls import GetStreamingEvents
from mailwatcher.mailboxes.exchange.server import Server

log = logging.getLogger(__name__)

STREAM_MINUTES = 29
"""How long Exchange holds a streaming connection; 30 at most."""
STREAM_SILENCE_SECONDS = 150
"""A streaming connection that says nothing for so long is dead: Exchange gives a sign of life each 45 seconds."""


class Listener:
    """Holds a streaming subscription in a thread of its own until it fails or is stopped.

    Args:
        server: Where to subscribe.
        inbox: The folder to listen to.
        tell: Called in the thread for each mail.
    """

    def __init__(self, server: Server, inbox: Any, tell: Callable[[], None]) -> None:
        self._server = server
        self._inbox = inbox
        self._tell = tell
        self._stopped = threading.Event()
        self._stream: Any = None
        self._thread = threading.Thread(target=self._run, name="wilson-exchange", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it still listens."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin, without waiting for it."""
        self._thread.start()

    def stop(self) -> None:
        """End the connection, which the thread reads from. It is left to itself if it does not notice."""
        self._stopped.set()
        deadline = time.monotonic() + 2
        while self.alive and time.monotonic() < deadline:
            with suppress(Exception):
                self._stream._streaming_response.raw.shutdown()
            self._thread.join(0.05)

    def _run(self) -> None:
        try:
            self._listen()
        except Exception as error:
            if not self._stopped.is_set():
                log.info("Exchange announces no new mail (%s): it is looked for", type(error).__name__)

    def _listen(self) -> None:
        self._server.sign_in()
        account = self._server.account()
        try:
            events = ("NewMailEvent", "CreatedEvent", "CopiedEvent")
            name = SubscribeToStreaming(account=account).get(folders=[self._inbox], event_types=events)
            try:
                while not self._stopped.is_set():
                    self._hold(account, name)
                    self._stopped.wait(1)
            finally:
                if self._stopped.is_set():
                    account.protocol.TIMEOUT = 1
                    list(Unsubscribe(account=account).call(subscription_id=name))
        finally:
            account.protocol.close()

    def _hold(self, account: Any, name: str) -> None:
        self._server.sign_in()
        self._stream = GetStreamingEvents(account=account)
        events = self._stream.call(subscription_ids=[name], connection_timeout=STREAM_MINUTES)
        self._stream.timeout = STREAM_SILENCE_SECONDS
        for event in events:
            if isinstance(event, Exception):
                raise event
            self._tell()
