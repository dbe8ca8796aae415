"""Options that several commands have."""

from pathlib import Path
from typing import Annotated, Literal

import typer

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
