"""Commands that print or write a list: people who must not be messaged, leaks, campaigns, scrubbed contacts."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import optkit
from optkit.analysis.scrub import UNREADABLE
from optkit.cli.options import Account, Region, Scope, TableFile, known_suffix
from optkit.cli.output import export_or_show, show
from optkit.errors import SettingsError
from optkit.exporting import check_suffix, write_table
from optkit.formatting import plural
from optkit.private_files import PrivateFile

if TYPE_CHECKING:
    import polars as pl


def status(
    phone: Annotated[
        str, typer.Argument(help="The recipient's number with its country code, such as '+1 201 555 0100'.")
    ],
    *,
    region: Region = None,
    account: Account = None,
) -> None:
    """Ask the server for a number's current status.

    One row per sender, with the time since when it has that status.
    """
    table = optkit.status_at(optkit.fetch(to_phone=phone, region=region, account=account))
    if table.height:
        show(table.select("from_phone", "status", "since"))
    else:
        typer.echo("No opt-in and no opt-out: it counts as opted in.")


def suppress(
    *,
    at: Annotated[str | None, typer.Option(help="As of this date or time (UTC). Default: now.")] = None,
    scope: Annotated[
        Scope, typer.Option(help="Of each pair of sender and recipient, or of each recipient.")
    ] = "pair",
    format: Annotated[  # noqa: A002 - the option's name
        Literal["csv", "parquet", "json"] | None,
        typer.Option(help="Format of what is printed, or of a file without an ending. Default: csv."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="A .csv, .parquet, .json or .xlsx file for the list, readable by you alone. Default: print it."
        ),
    ] = None,
    account: Account = None,
) -> None:
    """Write the list of people who must not be messaged.

    Numbers are in full, for a campaign tool.
    """
    if out is None and format == "parquet":
        raise SettingsError("a Parquet list needs a file: give --out")
    suffix = _suffix_of(out, format)
    table = optkit.suppression_list(optkit.load(account=account), at, scope=scope)
    if out is None:
        content = BytesIO()
        write_table(table, content, suffix)
        typer.echo(content.getvalue(), nl=suffix == ".json")
        return
    with PrivateFile(out, remedy="give another file with --out") as file:
        write_table(table, file, suffix)
    typer.echo(f"{plural(table.height, 'row')} in {out}", err=True)


def _suffix_of(out: Path | None, format: str | None) -> str:  # noqa: A002 - as the option
    """Return the suffix that chooses the format: that of the file, or `format` where it has none, as /dev/stdout."""
    if out is None or not out.suffix:
        return f".{format or 'csv'}"
    suffix = check_suffix(out)
    if format is not None and suffix != f".{format}":
        raise SettingsError(
            f"--format {format} contradicts the ending of {out.name}; leave out --format, or give another file"
        )
    return suffix


def leaks(*, out: TableFile = None, account: Account = None) -> None:
    """List the messages to people who had opted out.

    The latest is the last. Numbers are masked on the screen, and in full in a file.
    """
    table = optkit.leaks(optkit.load(account=account), optkit.load_messages(account=account))
    shown = optkit.mask(table)
    export_or_show(table, shown.with_columns(shown["hours"].round(2)), out)


def campaigns(*, out: TableFile = None, account: Account = None) -> None:
    """Compare campaigns by the opt-outs that they cause.

    These are the opt-outs beyond those expected without a message; the most per message come first.
    """
    table = optkit.campaign_rates(optkit.load(account=account), optkit.load_messages(account=account))
    export_or_show(table, _ranked(table), out)


def _ranked(rates: "pl.DataFrame") -> "pl.DataFrame":
    """Return campaigns by their excess per 1,000 exposures, with the columns that fit on a screen."""
    import polars as pl

    per_thousand = {
        f"{name} per 1,000": (pl.col(name) * 1000 / pl.col("exposures")).round(1)
        for name in ("excess", "excess_low", "excess_high")
    }
    ranked = rates.filter(pl.col("exposures") > 0).select(
        "campaign_id", "campaign", "exposures", "recipients", "opt_outs", **per_thousand, signal="signal"
    )
    return ranked.sort("excess per 1,000", descending=True, nulls_last=True)


def scrub(
    contacts: Annotated[Path, typer.Argument(help="A contact list: .csv, .parquet or .xlsx.")],
    *,
    keep: Annotated[
        Path,
        typer.Option(callback=known_suffix, help="A file for those who may be messaged: .csv, .xlsx, …"),
    ],
    suppressed: Annotated[
        Path, typer.Option(callback=known_suffix, help="A file for the others, each with the reason.")
    ],
    column: Annotated[
        str | None, typer.Option(help="Column of phone numbers. Default: the one with such a name.")
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(help="Country of numbers without a country code (US), or the column that has it."),
    ] = None,
    scope: Annotated[
        Scope, typer.Option(help="Opted out of any sender, or of the sender in the column from_phone.")
    ] = "recipient",
    at: Annotated[str | None, typer.Option(help="As of this date or time (UTC). Default: now.")] = None,
    account: Account = None,
) -> None:
    """Split a contact list into people who may be messaged and people who must not be."""
    if len({path.resolve() for path in (contacts, keep, suppressed)}) < 3:  # noqa: PLR2004 - as many as there are
        raise SettingsError(
            "CONTACTS, --keep and --suppressed must be three files: one would replace another"
        )
    history = optkit.scan(account=account)
    kept, others = optkit.scrub(contacts, history, at, scope=scope, region=region, phone=column)
    optkit.export(others, suppressed)
    optkit.export(kept, keep)
    unreadable = (others["reason"] == UNREADABLE).sum()
    note = f" ({unreadable:,} could not be read)" if unreadable else ""
    typer.echo(f"{plural(kept.height, 'contact')} in {keep}, {others.height:,} in {suppressed}{note}")
