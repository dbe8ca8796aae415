"""Options that several commands have."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from optkit.exporting import check_suffix


def known_suffix(path: Path | None) -> Path | None:
    """Check the suffix of a file to write, before the command loads anything."""
    if path is not None:
        check_suffix(path)
    return path


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
        callback=known_suffix,
        help="A .csv, .parquet, .json or .xlsx file, readable by you alone. Default: print the table.",
    ),
]
Scope = Literal["pair", "recipient"]
