"""The emulator: an account served over HTTP by a thread of this process."""

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

    It follows the vendor's documents, the oddities included. Each endpoint has both paths and all query parameters;
    entries come newest first, 25 per page by default and 100 at most. A request for events with `start_time` but
    without `end_time` returns the latest 3. Messages reach back six months; an earlier `start_time` is moved up
    without an error. An entry is visible from its `created_at` on, by the server's clock. Names, mail addresses, birth
    dates and texts of messages are made up (`optkit.emulator.personal_data`).

    Parameters
    ----------
    history : polars.DataFrame
        to_phone (String), from_phone (String), created_at (Datetime("ms", "UTC")) and status (Enum) as in a
        history, in any order; other columns are ignored.
    messages : polars.DataFrame or None
        Messages, with the columns of `optkit.messages.SCHEMA`, in any order.
    token : str or None
        The token that it accepts; None for a random one.
    clock : datetime or None
        An aware datetime as the server's fixed time; None for the real time.
    host, port : str, int
        Where it listens; port 0 for a free one.
    variant : ApiVariant
        How the API behaves where the documents leave it open.
    faults : Faults
        Which faults it injects.
    arrivals, message_arrivals : Arrivals or None
        Events and messages that arrive while pages are read.

    Attributes
    ----------
    url : str
        Its origin, such as ``http://127.0.0.1:54321``, once it is running.
    token : str
        The token that it accepts.
    requests : list of RequestRecord
        The requests in order, at least the last half million; they never hold the token.
    clock : datetime or None
        See the parameter; it can be changed while the server runs.

    Raises
    ------
    SettingsError
        The clock is naive.
    HistoryError
        A column of the history or the messages is missing, has another dtype, or has nulls.

    Examples
    --------
    >>> import requests
    >>> import optkit
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
        if not 0 <= port <= 65_535:  # noqa: PLR2004 - what TCP has
            raise SettingsError(f"the emulator cannot listen on port {port}; give one from 0 to 65,535")
        if clock is not None and clock.tzinfo is None:
            raise SettingsError("the emulator's clock needs a time zone")
        self.token = token or secrets.token_hex(16)
        self.clock = clock
        variant = variant or ApiVariant()
        if messages is None:
            messages = pl.DataFrame(schema=MESSAGES)
        self._events = OptStatus(history, self.now, variant, arrivals)
        self._messages = Insights(messages, self.now, variant, message_arrivals)
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
        """Add events, with the columns of a history, to what is visible."""
        self._events.add(rows)

    def add_messages(self, rows: pl.DataFrame) -> None:
        """Add messages to what is visible."""
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
    """uvicorn's server, but it stops as soon as it is told to.

    uvicorn's own looks ten times per second, and then waits a tenth of a second for its connections.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def main_loop(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        self.ready.set()
        await self._stopped.wait()
        # when its server closes, asyncio forgets connections that it has accepted but not yet passed on, and leaves
        # them open: so stop accepting, then give the loop the turns that it takes to pass the others on
        for server in self.servers:
            for listener in server.sockets:
                self._loop.remove_reader(listener.fileno())
        for _ in range(10):
            await asyncio.sleep(0)
        for connection in list(self.server_state.connections):
            connection.transport.abort()  # clients that still wait for a response get none

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
