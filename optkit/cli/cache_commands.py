"""Commands for the cache, and for the settings that say where it is and how it is filled."""

from typing import Annotated

import typer

import optkit
from optkit.cli.options import Account, End, Messages, Start
from optkit.cli.output import show
from optkit.errors import OptkitError
from optkit.formatting import plural


def refresh(
    *,
    start: Start = None,
    end: End = None,
    account: Account = None,
    messages: Messages = False,
    force: Annotated[bool, typer.Option("--force", help="Fetch everything again, cached or not.")] = False,
) -> None:
    """Update the cache: fetch windows that are missing, not final or corrupt."""
    from optkit.config import resolve
    from optkit.datasets import DATASETS
    from optkit.loading.filters import load_request
    from optkit.loading.refresh import refresh_cache

    dataset, settings = _dataset(messages), resolve(account=account)
    request = load_request(start, end, "force" if force else "auto", settings)
    refresh_cache(request, DATASETS[dataset], settings, verify=True, progress=None)
    table = optkit.coverage(account, dataset)
    rows, windows = table["rows"].sum(), table.height
    open_ = table.filter(~table["final"]).height
    typer.echo(
        f"{rows:,} {dataset} in {windows:,} windows are cached; {open_} of the windows may still change"
    )


def _dataset(messages: bool) -> str:  # noqa: FBT001 - an option of the commands
    return "messages" if messages else "events"


def coverage(*, account: Account = None, messages: Messages = False) -> None:
    """Show the cached windows."""
    show(optkit.coverage(account, _dataset(messages)))


def verify(*, account: Account = None, messages: Messages = False) -> None:
    """Check every cached file; exit status 1 if one is corrupt."""
    table = optkit.verify(account, _dataset(messages))
    corrupt = table.filter(~table["ok"])
    if corrupt.height:
        show(corrupt.select("file", "problem"))
        raise OptkitError(
            f"{corrupt.height} of {table.height} files are corrupt; the next load fetches them again"
        )
    typer.echo(f"{table.height:,} files, all intact")


def clear(
    *,
    start: Start = None,
    end: End = None,
    account: Account = None,
    messages: Messages = False,
    expired: Annotated[
        bool, typer.Option("--expired", help="Also delete messages that cannot be fetched again.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete cached windows.

    The next load fetches them again, except for messages older than six months.
    """
    dataset = _dataset(messages)
    what = "all windows" if start is None and end is None else "the windows of that time"
    if not yes:
        gone = ", including those that cannot be fetched again" if expired else ""
        typer.confirm(f"Delete {what} of this account's {dataset}{gone}?", abort=True)
    deleted = optkit.clear(start, end, account, dataset, expired=expired)
    typer.echo(f"{plural(deleted, 'window')} deleted")


def settings() -> None:
    """Show the settings in force, and where each came from."""
    show(optkit.settings())
