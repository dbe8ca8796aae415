"""The command that serves the documented API on this machine."""

import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optkit.errors import SettingsError

if TYPE_CHECKING:
    import polars as pl


def emulator(
    *,
    rows: Annotated[
        int, typer.Option(min=1, help="Approximate number of made-up events; messages are 48 times as many.")
    ] = 6_600,
    history: Annotated[
        Path | None, typer.Option(help="Serve the history in this Parquet file instead.")
    ] = None,
    messages: Annotated[Path | None, typer.Option(help="Serve the messages in this Parquet file.")] = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any free port.")] = 0,
) -> None:
    """Serve the documented API on this machine until Ctrl-C.

    It serves a made-up account, or the given files.
    """
    from optkit.demo import CLOCK, EVENTS_PER_RECIPIENT, demo_history, demo_messages
    from optkit.emulator import Emulator
    from optkit.history import SCHEMA as HISTORY
    from optkit.messages import SCHEMA as MESSAGES

    if history is None and messages is None:
        recipients = max(1, round(rows / EVENTS_PER_RECIPIENT))
        events, texts, clock = (
            demo_history(recipients=recipients),
            demo_messages(recipients=recipients),
            CLOCK,
        )
    else:
        events, texts, clock = _read_parquet(history, HISTORY), _read_parquet(messages, MESSAGES), None
    with Emulator(events, texts, clock=clock, host=host, port=port) as server:
        typer.echo(
            f"{events.height:,} events and {texts.height:,} messages; stop with Ctrl-C. To read them:\n"
        )
        typer.echo(
            f"  export OPTKIT_BASE_URL={server.url} OPTKIT_TOKEN={server.token} OPTKIT_ACCOUNT=emulator"
        )
        sys.stdout.flush()
        stop = threading.Event()
        for stopping in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stopping, lambda *_: stop.set())
        stop.wait()
    typer.echo("stopped", err=True)


def _read_parquet(path: Path | None, schema: "pl.Schema") -> "pl.DataFrame":
    """Read a file; return an empty frame if there is none."""
    import polars as pl

    try:
        return pl.DataFrame(schema=schema) if path is None else pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError):
        raise SettingsError(f"{path} cannot be read as Parquet") from None
