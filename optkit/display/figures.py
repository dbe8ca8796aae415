"""A picture in its place, said in words too; and controls to look further."""

from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import polars as pl

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
    import matplotlib.pyplot as plt
    from IPython.display import Image, display

    figure = ax.get_figure(root=True)
    assert figure is not None
    png = BytesIO()
    figure.savefig(png, format="png", dpi=2 * figure.dpi)
    plt.close(figure)
    title = ax.get_title(loc="left")
    width = round(figure.get_figwidth() * figure.dpi)
    display(Image(png.getvalue(), format="png", width=width, alt=f"{title}. {alt}" if title else alt))


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
    ipywidgets.Widget
    """
    import ipywidgets as widgets

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
        layout=widgets.Layout(width="32em"),
    )

    def redraw(senders: tuple[str, ...], stretch: tuple[datetime, datetime]) -> None:
        since, until = stretch
        until = max(until, since + timedelta(days=7))
        events = history.filter(pl.col("from_phone").is_in(senders), pl.col("created_at") < until)
        show(
            draw(events, since, until),
            f"Chosen: {len(senders)} senders, {since:%Y-%m-%d} to {until:%Y-%m-%d}",
        )

    picture = widgets.interactive_output(redraw, {"senders": chosen, "stretch": stretch})
    return widgets.VBox([widgets.HBox([chosen, stretch]), picture])


def _mondays(history: pl.DataFrame) -> list[datetime]:
    """Return the Mondays (UTC) from the one before the first event to the one after the last."""
    if history.is_empty():
        return []
    weeks = history["created_at"].dt.truncate("1w")
    first, last = weeks.min(), weeks.max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    return [first + timedelta(weeks=week) for week in range((last - first).days // 7 + 2)]
