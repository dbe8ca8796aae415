"""A picture in its place, said in words too; and controls to look further."""

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

import polars as pl

from optkit.display.headlines.headline import Note
from optkit.formatting import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def show(ax: "Axes", alt: str) -> None:
    """Show a picture, once, and close it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        What a function of `optkit.plots` returned; its whole figure is shown.
    alt : str
        What the picture says, for who cannot see it. Its title goes before it.
    """
    from IPython.display import Image, display

    png, width, alt = _picture(ax, alt)
    display(Image(png, format="png", width=width, alt=alt))


def _picture(ax: "Axes", alt: str) -> tuple[bytes, int, str]:
    """Return a figure as PNG, how wide to show it in pixels, and its words; close it."""
    import matplotlib.pyplot as plt

    figure = ax.get_figure(root=True)
    assert figure is not None
    png = BytesIO()
    figure.savefig(png, format="png", dpi=2 * figure.dpi)
    plt.close(figure)
    title = ax.get_title("left") or ax.get_title("center") or ax.get_title("right")
    return png.getvalue(), round(figure.get_figwidth() * figure.dpi), f"{title}. {alt}" if title else alt


def explore(history: pl.DataFrame, draw: Callable[[pl.DataFrame, datetime, datetime], "Axes"]) -> Any:
    """Return controls for senders and dates, with the picture of what they choose below them.

    Parameters
    ----------
    history : polars.DataFrame
        The events to choose from.
    draw : callable
        Is given the chosen senders' events up to the chosen end, and the chosen stretch [since, until);
        returns Axes.

    Returns
    -------
    ipywidgets.Widget or Note
        A note where there is no event to choose.
    """
    import ipywidgets as widgets

    if history.is_empty():
        return Note("There is no event to choose from.")
    senders = history["from_phone"].value_counts(sort=True)["from_phone"].to_list()
    chosen = widgets.SelectMultiple(
        options=senders, value=senders, rows=min(6, max(2, len(senders))), description="senders"
    )
    days = _mondays(history)
    stretch = widgets.SelectionRangeSlider(
        options=[(f"{day:%Y-%m-%d}", day) for day in days],
        index=(0, len(days) - 1),
        description="from, to",
        continuous_update=False,
        readout=False,  # two dates do not fit into it
        layout=widgets.Layout(width="26em"),
    )
    said, picture, trouble = widgets.Label(), widgets.HTML(), widgets.Output()

    def redraw() -> None:
        since, end = stretch.value
        until = max(end, since + timedelta(days=7))
        events = history.filter(pl.col("from_phone").is_in(chosen.value), pl.col("created_at") < until)
        said.value = f"{plural(len(chosen.value), 'sender')}, {since:%Y-%m-%d} to {until:%Y-%m-%d}"
        png, width, alt = _picture(draw(events, since, until), f"Chosen: {said.value}")
        data = b64encode(png).decode()
        picture.value = (
            f'<img src="data:image/png;base64,{data}" width="{width}" alt="{escape(alt)}" '
            'style="max-width:100%;height:auto">'
        )

    def on_change(_: object) -> None:
        trouble.clear_output()
        with trouble:
            redraw()

    redraw()
    for control in (chosen, stretch):
        control.observe(on_change, names="value")
    return widgets.VBox([widgets.HBox([chosen, widgets.VBox([stretch, said])]), trouble, picture])


def _mondays(history: pl.DataFrame) -> list[datetime]:
    """Return the Mondays (UTC) from the one before the first event to the one after the last."""
    weeks = history["created_at"].dt.truncate("1w")
    first, last = weeks.min(), weeks.max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    return [first + timedelta(weeks=week) for week in range((last - first).days // 7 + 2)]
