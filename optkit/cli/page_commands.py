"""Commands that run or open notebooks."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

import optkit
from optkit.cli.options import Account, End, Start
from optkit.cli.output import show
from optkit.errors import OptkitError, SettingsError
from optkit.formatting import escape_controls
from optkit.setting_values import DEMO


def report(
    notebooks: Annotated[
        list[str] | None, typer.Argument(help="Notebooks, such as 01_churn, churn or 1. Default: all.")
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
        typer.Option(help="Folder of the pages. Default: a new folder in reports, named after the time."),
    ] = None,
    single_file: Annotated[
        bool, typer.Option("--single-file", help="Write one self-contained file, to mail.")
    ] = False,
    keep_notebooks: Annotated[
        bool, typer.Option("--keep-notebooks", help="Keep the executed notebooks next to the pages.")
    ] = False,
) -> None:
    """Run notebooks and write pages that open offline."""
    from optkit.display.account_data import own_account

    if period is not None and (start or end):
        raise SettingsError("give either --period, or --start and --end")
    given: dict[str, Any] = {"senders": sender or None, "account": account}
    for text in parameter or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingsError("-p takes NAME=VALUE, such as -p time_zone=Europe/Berlin")
        given[name] = value
    reported = given["account"] or own_account()
    if reported is None:
        raise SettingsError(
            "there is no token and nothing is cached; set OPTKIT_TOKEN, name a cached account with --account, "
            "or see the made-up one with --account demo"
        )
    if period is not None:
        start, end = _period_bounds(period, reported, given.get("time_zone", "UTC"))
    given |= {"start": start, "end": end}
    folder = out or Path("reports", f"{reported}-{datetime.now(UTC):%Y-%m-%d-%H%M%S}")
    chosen = {name: value for name, value in given.items() if value is not None}
    _write_pages(notebooks or [], folder, chosen, single_file=single_file, keep_notebooks=keep_notebooks)


def _period_bounds(period: str, account: str, time_zone: str) -> tuple[str, str]:
    from optkit.demo import CLOCK
    from optkit.report import period_bounds

    # the made-up account's clock is fixed
    return period_bounds(period, now=CLOCK if account == DEMO else datetime.now(UTC), time_zone=time_zone)


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


def demo(*, out: Annotated[Path, typer.Option(help="Folder of the pages.")] = Path("reports/demo")) -> None:
    """Show everything with a made-up account.

    Load it over HTTP, print which senders people leave, and write the pages of all notebooks.
    """
    from optkit.demo import RECORD_START
    from optkit.display import as_text
    from optkit.formatting import day

    history = optkit.load(account=DEMO)
    optkit.scan_messages(account=DEMO)  # otherwise two notebooks would fetch them at the same time
    # the audience is counted from the messages, which begin later than the events
    rates = optkit.opt_out_rates(history, audience=optkit.demo_audience(), since=RECORD_START)
    senders = rates.sort("shrunk_rate", descending=True)
    typer.echo("DEMO: a made-up account, read from the emulator on this machine\n")
    columns = ["from_phone", "n", "ever_opted_out", "rate", "low", "high", "signal"]
    show(as_text(senders, columns=columns).rename({"from_phone": "sender", "n": "messaged"}))
    typer.echo(
        f"\never_opted_out: of the messaged people, since {day(RECORD_START)}; rate: their share, with its 95% interval"
    )
    typer.echo()
    _write_pages([], out, {"account": DEMO})


def lab(
    context: typer.Context,
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Read the made-up account.")] = False,
) -> None:
    """Open the notebooks in JupyterLab.

    Other options are passed on to JupyterLab, such as --no-browser or --port=8889.
    """
    from optkit.report import lab as open_lab

    raise typer.Exit(open_lab(demo=demo, options=context.args))
