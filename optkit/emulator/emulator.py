"""The emulator: an account served over HTTP, by a thread of this process."""

import asyncio
import secrets
import socket
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import polars as pl
import uvicorn

from optkit.emulator.application import Application
from optkit.emulator.faults import Faults
from optkit.emulator.insights import Insights
from optkit.emulator.opt_status import OptStatus
from optkit.emulator.responses import Protocol
from optkit.emulator.variants import ApiVariant, Arrivals
from optkit.errors import SettingsError
from optkit.messages import SCHEMA as MESSAGES


class Emulator:
    """The documented API, served from a history and messages; a context manager.

    It follows the vendor's documents to the letter, the oddities included: both paths of each endpoint, all query
    parameters, newest first, 25 entries per page unless more are asked for, 100 at most. Of events, a `start_time`
    without an `end_time` gets the latest 3. Of messages, it reaches six months back, and a `start_time` before that
    is moved up without an error. An entry is visible from its `created_at` on, by the server's clock. Names, mail
    addresses, birth dates and texts of messages are made up (`optkit.emulator.personal_data`).

    Parameters
    ----------
    history : polars.DataFrame
        to_phone (String), from_phone (String), created_at (Datetime("ms", "UTC")) and status (Enum) as in a
        history, in any order; further columns play no part.
    messages : polars.DataFrame or None
        Messages, in any order; None for none.
    token : str or None
        The token that it accepts; None for a random one.
    clock : datetime or None
        Aware; the server's time stands still there. None: the real time.
    host, port : str, int
        Where it listens; port 0 for a free one.
    variant : ApiVariant
        How it deviates from the document, or fills its gaps.
    faults : Faults
        What goes wrong.
    arrivals, message_arrivals : Arrivals or None
        Events and messages that arrive while pages are read.

    Attributes
    ----------
    url : str
        Its origin, such as ``http://127.0.0.1:54321``, once it runs.
    token : str
        The token that it accepts.
    requests : list of RequestRecord
        What was asked, in order, the last half million at least; never the token.
    clock : datetime or None
        As given; may be set while it runs.

    Raises
    ------
    SettingsError
        The clock is naive.
    HistoryError
        The history or the messages lack a column, or have it with another dtype or with nulls.

    Examples
    --------
    >>> import requests
    >>> from optkit.emulator import Emulator
    >>> with Emulator(optkit.demo_history(recipients=100)) as server:
    ...     headers = {"access-token": server.token}
    ...     page = requests.get(f"{server.url}/api/v2/sms/opt-status", headers=headers, timeout=10).json()
    >>> len(page["entries"])
    25
    """

    def __init__(
        self,
        history: pl.DataFrame,
        messages: pl.DataFrame | None = None,
        *,
        token: str | None = None,
        clock: datetime | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        variant: ApiVariant | None = None,
        faults: Faults | None = None,
        arrivals: Arrivals | None = None,
        message_arrivals: Arrivals | None = None,
    ) -> None:
        if clock is not None and clock.tzinfo is None:
            raise SettingsError("the emulator's clock needs a time zone")
        self.token = token or secrets.token_hex(16)
        self.clock = clock
        variant = variant or ApiVariant()
        if messages is None:
            messages = pl.DataFrame(schema=MESSAGES)
        self._events = OptStatus.of(history, self.now, variant, arrivals)
        self._messages = Insights.of(messages, self.now, variant, message_arrivals)
        application = Application(
            [self._events, self._messages],
            self.now,
            token=self.token,
            faults=faults or Faults(),
            compress=variant.gzip,
        )
        self.requests = application.requests
        config = uvicorn.Config(
            application.starlette(),
            http=Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )
        self._address = (host, port)
        self._server = _Server(config)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Its origin."""
        host, port = self._address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def now(self) -> datetime:
        """Return the server's time."""
        return self.clock or datetime.now(UTC)

    def add(self, rows: pl.DataFrame) -> None:
        """Let events arrive: `rows`, with a history's columns, are visible from now on."""
        self._events.add(rows)

    def add_messages(self, rows: pl.DataFrame) -> None:
        """Let messages arrive: `rows` are visible from now on."""
        self._messages.add(rows)

    def __enter__(self) -> Self:
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listener = socket.create_server((host, port), family=family, backlog=1024)
        except OSError as error:
            raise SettingsError(
                f"the emulator cannot listen on {host}, port {port}: {error.strerror}"
            ) from None
        self._address = (host, listener.getsockname()[1])
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="emulator", daemon=True
        )
        self._thread.start()
        self._server.ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        assert self._thread is not None
        self._thread.join()


class _Server(uvicorn.Server):
    """uvicorn's, which stops when it is told to instead of looking ten times a second whether it should."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def main_loop(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        self.ready.set()
        await self._stopped.wait()
        # asyncio forgets to close a connection that it has accepted but not yet announced when its server closes: so
        # let nobody in any more, then give it the turns that announcing takes
        for server in self.servers:
            for listener in server.sockets:
                self._loop.remove_reader(listener.fileno())
        for _ in range(10):
            await asyncio.sleep(0)
        for connection in list(self.server_state.connections):
            connection.transport.abort()  # whoever still waits for an answer, waits no longer

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
