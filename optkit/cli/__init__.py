"""The commands: each parses arguments, makes one call and prints text."""

import os
import signal
import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from optkit.cli.cache_commands import clear, coverage, refresh, settings, verify
from optkit.cli.emulator_command import emulator
from optkit.cli.list_commands import campaigns, leaks, scrub, status, suppress
from optkit.cli.page_commands import demo, lab, report
from optkit.errors import LoadInterrupted, OptkitError
from optkit.formatting import escape_controls
from optkit.version import __version__

app = typer.Typer(
    name="optkit",
    help="Who said stop, who came back, which sender drives people away, who must not be messaged today.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

#: The exit status of a program that Ctrl-C ended, as shells use it.
_INTERRUPTED: Final = 128 + signal.SIGINT


def main() -> None:
    """Run a command; a user's error is one line on standard error and exit status 1."""
    warnings.showwarning = _show_warning
    try:
        app()
    except SystemExit as ending:
        if isinstance(ending.__context__, BrokenPipeError):
            sys.exit(0)  # the reader of the output, such as `head`, stopped early
        if ending.code == _INTERRUPTED:
            typer.echo("optkit: stopped", err=True)
        raise
    except LoadInterrupted as stop:
        typer.echo(f"optkit: {stop}", err=True)
        sys.exit(_INTERRUPTED)
    except OptkitError as error:
        typer.echo(f"optkit: {escape_controls(str(error))}", err=True)
        sys.exit(1)
    except OSError as error:
        typer.echo(f"optkit: the output cannot be written ({error.strerror})", err=True)
        # Discard what is buffered: flushing it at exit would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    typer.echo(f"optkit: {escape_controls(str(message))}", err=True)


@app.callback(invoke_without_command=True)
def version(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Define the options that do not belong to a command."""
    if version:
        typer.echo(f"optkit {__version__}")
        raise typer.Exit


_COMMANDS: Final[tuple[Callable[..., None], ...]] = (
    refresh,
    coverage,
    verify,
    clear,
    status,
    suppress,
    leaks,
    campaigns,
    scrub,
    report,
    lab,
    demo,
    emulator,
    settings,
)
#: Options that `lab` does not know are passed on to JupyterLab.
_FORWARDED: Final = {"allow_extra_args": True, "ignore_unknown_options": True}

for _command in _COMMANDS:
    app.command(context_settings=_FORWARDED if _command is lab else None)(_command)
