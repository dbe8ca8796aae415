"""The commands: words in, one call, words out."""

import os
import signal
import sys
import threading
import warnings
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

import optkit
from optkit.errors import LoadInterrupted, OptkitError, SettingsError
from optkit.exporting import write_table
from optkit.formatting import CONTROLS, escape_controls, plural
from optkit.private_files import PrivateFile

if TYPE_CHECKING:
    import polars as pl


app = typer.Typer(
    name="optkit",
    help="Who said stop, who came back, which sender drives people away, who must not be messaged today.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Account = Annotated[
    str | None, typer.Option(help="Which account; 'demo' is the made-up one. Default: OPTKIT_ACCOUNT.")
]
Start = Annotated[str | None, typer.Option(help="From this date or time on (UTC). Default: the first event.")]
End = Annotated[str | None, typer.Option(help="Up to this date or time (UTC). Default: now.")]
Region = Annotated[
    str | None, typer.Option(help="Country of numbers without a country code, as its ISO code: US.")
]
Messages = Annotated[bool, typer.Option("--messages", help="Messages instead of events.")]
TableFile = Annotated[
    Path | None,
    typer.Option(
        help="A .csv, .parquet, .json or .xlsx file, readable by you alone. Default: print the table."
    ),
]
Scope = Literal["pair", "recipient"]

#: How the shell calls a program that Ctrl-C ended.
_INTERRUPTED: Final = 128 + signal.SIGINT


def main() -> None:
    """Run a command; a user's error is one line on standard error and exit status 1."""
    warnings.showwarning = _show_warning
    try:
        app()
    except SystemExit as ending:
        if ending.code == _INTERRUPTED:
            typer.echo("optkit: stopped", err=True)
        raise
    except LoadInterrupted as stop:
        typer.echo(f"optkit: {stop}", err=True)
        sys.exit(_INTERRUPTED)
    except OptkitError as error:
        typer.echo(f"optkit: {escape_controls(str(error))}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # whoever read the output, such as `head`, has seen enough; nothing is left to flush at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    typer.echo(f"optkit: {escape_controls(str(message))}", err=True)


@app.callback(invoke_without_command=True)
def version(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Hold the options that belong to no command."""
    if version:
        typer.echo(f"optkit {optkit.__version__}")
        raise typer.Exit


def _show(table: "pl.DataFrame") -> None:
    """Print a table whole, control characters in it as text."""
    import polars as pl
    from polars import selectors

    texts = selectors.string() | selectors.enum() | selectors.categorical()
    table = table.with_columns(texts.cast(pl.String).str.replace_many(CONTROLS))
    with pl.Config(
        tbl_rows=-1,
        tbl_cols=-1,
        tbl_width_chars=-1 if not sys.stdout.isatty() else 160,
        fmt_str_lengths=200,
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
        thousands_separator=",",
        tbl_formatting="UTF8_HORIZONTAL_ONLY" if sys.stdout.isatty() else "ASCII_MARKDOWN",
    ):
        typer.echo(table)


@app.command()
def refresh(
    *,
    start: Start = None,
    end: End = None,
    account: Account = None,
    messages: Messages = False,
    force: Annotated[bool, typer.Option("--force", help="Fetch everything again, cached or not.")] = False,
) -> None:
    """Bring the cache up to date: fetch what is missing, not final or corrupt."""
    from optkit.config import resolve
    from optkit.datasets import DATASETS
    from optkit.loading.filters import load_request
    from optkit.loading.refresh import refresh_cache

    dataset, settings = _dataset(messages), resolve(account=account)
    request = load_request(start, end, "force" if force else "auto", settings)
    refresh_cache(request, DATASETS[dataset], settings, is_lazy=False, show=None)
    table = optkit.coverage(account, dataset)
    rows, windows = table["rows"].sum(), table.height
    open_ = table.filter(~table["final"]).height
    typer.echo(
        f"{rows:,} {dataset} in {windows:,} windows are cached; {open_} of the windows may still change"
    )


def _dataset(messages: bool) -> str:  # noqa: FBT001 - an option of the commands
    return "messages" if messages else "events"


@app.command()
def coverage(*, account: Account = None, messages: Messages = False) -> None:
    """Show what is cached, window by window."""
    _show(optkit.coverage(account, _dataset(messages)))


@app.command()
def verify(*, account: Account = None, messages: Messages = False) -> None:
    """Check every cached file; exit status 1 if one is corrupt."""
    table = optkit.verify(account, _dataset(messages))
    corrupt = table.filter(~table["ok"])
    if corrupt.height:
        _show(corrupt.select("file", "problem"))
        raise OptkitError(
            f"{corrupt.height} of {table.height} files are corrupt; the next load fetches them again"
        )
    typer.echo(f"{table.height:,} files, all as they were written")


@app.command()
def clear(
    *,
    start: Start = None,
    end: End = None,
    account: Account = None,
    messages: Messages = False,
    expired: Annotated[
        bool, typer.Option("--expired", help="Also forget messages that cannot be fetched again.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget cached windows; the next load fetches them again, except for messages older than six months."""
    dataset = _dataset(messages)
    what = "all windows" if start is None and end is None else "the windows of that time"
    if not yes:
        gone = ", also those that cannot be fetched again" if expired else ""
        typer.confirm(f"Forget {what} of this account's {dataset}{gone}?", abort=True)
    forgotten = optkit.clear(start, end, account, dataset, expired=expired)
    typer.echo(f"{plural(forgotten, 'window')} forgotten")


@app.command()
def status(
    phone: Annotated[
        str, typer.Argument(help="The recipient's number with its country code, such as '+1 201 555 0100'.")
    ],
    *,
    region: Region = None,
    account: Account = None,
) -> None:
    """Ask the server what a number's status is now, sender by sender, and since when."""
    table = optkit.status_at(optkit.fetch(to_phone=phone, region=region, account=account))
    if table.height:
        _show(table.select("from_phone", "status", "since"))
    else:
        typer.echo("No opt-in and no opt-out: it counts as opted in.")


@app.command()
def suppress(
    *,
    at: Annotated[str | None, typer.Option(help="As of this date or time (UTC). Default: now.")] = None,
    scope: Annotated[
        Scope, typer.Option(help="Of each pair of sender and recipient, or of each recipient.")
    ] = "pair",
    format: Annotated[Literal["csv", "parquet", "json"], typer.Option(help="Of the list.")] = "csv",  # noqa: A002 - the option's name
    out: Annotated[
        Path | None, typer.Option(help="A file for the list, readable by you alone. Default: print it.")
    ] = None,
    account: Account = None,
) -> None:
    """Write the list of who must not be messaged, full numbers, for a campaign tool."""
    if out is None and format == "parquet":
        raise SettingsError("a Parquet list needs a file: give --out")
    table = optkit.suppression_list(optkit.load(account=account), at, scope=scope)
    if out is None:
        content = BytesIO()
        write_table(table, content, f".{format}")
        typer.echo(content.getvalue(), nl=format == "json")
        return
    with PrivateFile(out, remedy="give another file with --out") as file:
        write_table(table, file, f".{format}")
    typer.echo(f"{plural(table.height, 'row')} in {out}", err=True)


@app.command()
def leaks(*, out: TableFile = None, account: Account = None) -> None:
    """List the messages to people who had opted out, the latest last: numbers shortened, or whole in a file."""
    table = optkit.leaks(optkit.load(account=account), optkit.load_messages(account=account))
    _export_or_show(table, optkit.mask(table), out)


@app.command()
def campaigns(*, out: TableFile = None, account: Account = None) -> None:
    """Compare campaigns by the opt-outs beyond the background, the most per message first."""
    table = optkit.campaign_rates(optkit.load(account=account), optkit.load_messages(account=account))
    _export_or_show(table, _ranked(table), out)


def _ranked(rates: "pl.DataFrame") -> "pl.DataFrame":
    """Return campaigns by their excess per 1,000 exposures, without what few people read on a screen."""
    import polars as pl

    per_thousand = {
        f"{name} per 1,000": (pl.col(name) * 1000 / pl.col("exposures")).round(1)
        for name in ("excess", "excess_low", "excess_high")
    }
    ranked = rates.filter(pl.col("exposures") > 0).select(
        "campaign_id", "campaign", "exposures", "recipients", "opt_outs", **per_thousand, signal="signal"
    )
    return ranked.sort("excess per 1,000", descending=True, nulls_last=True)


def _export_or_show(table: "pl.DataFrame", shown: "pl.DataFrame", out: Path | None) -> None:
    """Write a table to a file, or print what is shown of it."""
    if out is None:
        _show(shown)
        return
    optkit.export(table, out)
    typer.echo(f"{plural(table.height, 'row')} in {out}", err=True)


@app.command()
def scrub(
    contacts: Annotated[Path, typer.Argument(help="A contact list: .csv, .parquet or .xlsx.")],
    *,
    keep: Annotated[Path, typer.Option(help="A file for those who may be messaged: .csv, .xlsx, …")],
    suppressed: Annotated[Path, typer.Option(help="A file for the others, each with the reason.")],
    column: Annotated[
        str | None, typer.Option(help="Of the phone numbers. Default: the one that is named like one.")
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(help="Country of numbers without a country code (US), or the column that has it."),
    ] = None,
    scope: Annotated[
        Scope, typer.Option(help="Opted out of any sender, or of the one in the column from_phone.")
    ] = "recipient",
    at: Annotated[str | None, typer.Option(help="As of this date or time (UTC). Default: now.")] = None,
    account: Account = None,
) -> None:
    """Split a contact list into those who may be messaged and those who must not be."""
    if len({path.resolve() for path in (contacts, keep, suppressed)}) < 3:  # noqa: PLR2004 - as many as there are
        raise SettingsError(
            "CONTACTS, --keep and --suppressed must be three files: one would replace another"
        )
    history = optkit.scan(account=account)
    kept, others = optkit.scrub(contacts, history, at, scope=scope, region=region, phone=column)
    optkit.export(others, suppressed)
    optkit.export(kept, keep)
    typer.echo(f"{plural(kept.height, 'contact')} in {keep}, {others.height:,} in {suppressed}")


@app.command()
def report(
    notebooks: Annotated[
        list[str] | None, typer.Argument(help="Such as 01_churn, churn or 1. Default: all.")
    ] = None,
    *,
    start: Start = None,
    end: End = None,
    period: Annotated[
        str | None,
        typer.Option(help="Instead of --start and --end: last-week, last-month, or a month: 2026-06."),
    ] = None,
    sender: Annotated[list[str] | None, typer.Option(help="Only this sender; can be repeated.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", metavar="NAME=VALUE", help="A parameter of the notebooks.")
    ] = None,
    account: Account = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the pages. Default: a new one in reports, named after the time."),
    ] = None,
    single_file: Annotated[
        bool, typer.Option("--single-file", help="One file with all pages, to mail by itself.")
    ] = False,
    keep_notebooks: Annotated[
        bool, typer.Option("--keep-notebooks", help="Keep the executed notebooks beside the pages.")
    ] = False,
) -> None:
    """Run notebooks and write pages that open offline."""
    from optkit.display.account import default_account

    given: dict[str, Any] = {"senders": sender or None, "account": account}
    for text in parameter or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingsError("-p takes NAME=VALUE, such as -p time_zone=Europe/Berlin")
        given[name] = value
    name = given["account"] or default_account()
    if period is not None:
        if start or end:
            raise SettingsError("give either --period, or --start and --end")
        start, end = _period_bounds(period, name, given.get("time_zone", "UTC"))
    given |= {"start": start, "end": end}
    folder = out or Path("reports", f"{name}-{datetime.now(UTC):%Y-%m-%d-%H%M%S}")
    chosen = {name: value for name, value in given.items() if value is not None}
    _write_pages(notebooks or [], folder, chosen, single_file=single_file, keep_notebooks=keep_notebooks)


def _period_bounds(period: str, account: str, time_zone: str) -> tuple[str, str]:
    from optkit.demo import CLOCK
    from optkit.report import bounds

    # the made-up account's clock stands still
    return bounds(period, now=CLOCK if account == "demo" else datetime.now(UTC), time_zone=time_zone)


def _write_pages(
    notebooks: list[str],
    out: Path,
    parameters: dict[str, Any],
    *,
    single_file: bool = False,
    keep_notebooks: bool = False,
) -> None:
    from optkit.report import run

    pages = run(
        notebooks, out=out, parameters=parameters, single_file=single_file, keep_notebooks=keep_notebooks
    )
    for page in pages:
        mark = "DEMO " if page.demo else ""
        typer.echo(mark + escape_controls(f"{page.name}: {page.error or page.headline or page.title}"))
    typer.echo(f"Pages: {(pages[0].path if single_file else out / 'index.html').resolve()}")
    failed = [page.name for page in pages if page.error]
    if failed:
        raise OptkitError(f"{', '.join(failed)} did not run to the end; the page shows the cell that failed")


@app.command()
def demo(*, out: Annotated[Path, typer.Option(help="Folder of the pages.")] = Path("reports/demo")) -> None:
    """Load a made-up account over HTTP, show which senders people leave, and write every notebook's page."""
    from optkit.display import as_text

    history = optkit.load(account="demo")
    optkit.scan_messages(account="demo")  # so that the notebooks do not fetch them one beside the other
    senders = optkit.opt_out_rates(history, audience=optkit.demo_audience()).sort(
        "shrunk_rate", descending=True
    )
    typer.echo("DEMO: a made-up account, read from the emulator on this machine\n")
    columns = ["from_phone", "n", "ever_opted_out", "opted_out", "rate", "low", "high", "signal"]
    _show(as_text(senders, columns=columns).rename({"from_phone": "sender", "n": "messaged"}))
    typer.echo("\nrate: who ever opted out, of all who were messaged, with its 95% interval")
    typer.echo()
    _write_pages([], out, {"account": "demo"})


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(
    context: typer.Context,
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Read the made-up account.")] = False,
) -> None:
    """Open the notebooks in JupyterLab; other options go to it, such as --no-browser or --port=8889."""
    from optkit.report import lab as open_lab

    raise typer.Exit(open_lab(demo=demo, options=context.args))


@app.command()
def emulator(
    *,
    rows: Annotated[
        int, typer.Option(min=1, help="About so many events, made up; and 48 times as many messages.")
    ] = 6_600,
    history: Annotated[
        Path | None, typer.Option(help="Serve the history in this Parquet file instead.")
    ] = None,
    messages: Annotated[Path | None, typer.Option(help="Serve the messages in this Parquet file.")] = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: a free one.")] = 0,
) -> None:
    """Serve the documented API from a made-up account, or from files, until Ctrl-C."""
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
    """Read a file; an empty frame where there is none."""
    import polars as pl

    try:
        return pl.DataFrame(schema=schema) if path is None else pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError):
        raise SettingsError(f"{path} cannot be read as Parquet") from None


@app.command()
def settings() -> None:
    """Show the settings in force, and where each came from."""
    _show(optkit.settings())
