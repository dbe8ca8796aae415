"""Show a picture with its description, and controls to choose senders and dates."""

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

import polars as pl

from optkit.display.account_data import AccountData
from optkit.display.headlines.headline import Note
from optkit.extras import require
from optkit.formatting import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def show(ax: "Axes", alt: str) -> None:
    """Show a picture once, and close it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The result of a function of `optkit.plots`; the whole figure is shown.
    alt : str
        A description for readers who cannot see the picture. The title is put before it.
    """
    from IPython.display import Image, display

    png, width, alt = _render(ax, alt)
    display(Image(png, format="png", width=width, alt=alt))


def _render(ax: "Axes", alt: str) -> tuple[bytes, int, str]:
    """Close the figure and return it as PNG, its width in pixels and its description."""
    import matplotlib.pyplot as plt
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = ax.get_figure(root=True)
    assert figure is not None
    png, dpi = BytesIO(), figure.dpi
    figure.set_dpi(2 * dpi)
    FigureCanvasAgg(figure).print_png(png)  # `savefig` gives the same, but draws a second time for the layout
    figure.set_dpi(dpi)
    plt.close(figure)
    title = ax.get_title("left") or ax.get_title("center") or ax.get_title("right")
    return png.getvalue(), round(figure.get_figwidth() * dpi), f"{title}. {alt}" if title else alt


def explore(data: AccountData, draw: Callable[[AccountData], "Axes"]) -> Any:
    """Return controls for senders and dates, with a picture of the chosen ones below.

    Parameters
    ----------
    data : AccountData
        The account to choose from.
    draw : callable
        Takes the account narrowed to the chosen senders and dates; returns Axes.

    Returns
    -------
    ipywidgets.Widget or Note
        A note if there are no events to choose from.
    """
    require("the choice of senders", "lab", "ipywidgets")
    import ipywidgets as widgets

    history = data.history
    if history.is_empty():
        return Note("There are no events to choose from.")
    senders = history["from_phone"].value_counts(sort=True)["from_phone"].to_list()
    chosen = widgets.SelectMultiple(
        options=senders, value=senders, rows=min(6, max(2, len(senders))), description="senders"
    )
    days = _mondays(history)
    first = max(
        (number for number, day in enumerate(days[:-1]) if data.since and day <= data.since), default=0
    )
    stretch = widgets.SelectionRangeSlider(
        options=[(f"{day:%Y-%m-%d}", day) for day in days],
        index=(first, len(days) - 1),
        description="from, to",
        continuous_update=False,
        readout=False,  # two dates do not fit into it
        layout=widgets.Layout(width="26em"),
    )
    caption, picture, errors = widgets.Label(), widgets.HTML(), widgets.Output()

    def redraw() -> None:
        begin, end = stretch.value
        since = min(begin, days[-2])  # at least one week
        until = min(max(end, since + timedelta(weeks=1)), data.until)
        caption.value = f"{plural(len(chosen.value), 'sender')}, {since:%Y-%m-%d} to {until:%Y-%m-%d}"
        narrowed = data.narrow(list(chosen.value), since, until)
        png, width, alt = _render(draw(narrowed), f"Chosen: {caption.value}")
        encoded = b64encode(png).decode()
        picture.value = (
            f'<img src="data:image/png;base64,{encoded}" width="{width}" alt="{escape(alt)}" '
            'style="max-width:100%;height:auto">'
        )

    def on_change(_: object) -> None:
        errors.clear_output()
        with errors:
            redraw()

    redraw()
    for control in (chosen, stretch):
        control.observe(on_change, names="value")
    return widgets.VBox([widgets.HBox([chosen, widgets.VBox([stretch, caption])]), errors, picture])


def _mondays(history: pl.DataFrame) -> list[datetime]:
    """Return the Mondays (UTC) from the last one before the first event to the first one after the last event."""
    weeks = history["created_at"].dt.truncate("1w")
    first, last = weeks.min(), weeks.max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    return [first + timedelta(weeks=week) for week in range((last - first).days // 7 + 2)]
