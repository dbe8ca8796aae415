"""How many people are opted out of two senders."""

from typing import Final

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.axes import Axes

from optkit.formatting import shorten
from optkit.plots import axes, style, texts

#: Most letters of a name below the picture, where names are side by side.
_LETTERS: Final = 16


@style.styled
def overlap(
    table: pl.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    colors: style.Colors | None = None,
    rows: int = 12,
) -> Axes:
    """Draw for each pair of senders the share of people opted out of one who are also opted out of the other.

    Parameters
    ----------
    table : any frame
        The result of `optkit.overlap`.
    ax, title
        See `churn`.
    colors : sequence or mapping of str, optional
        The cells are drawn in shades of the first of them.
    rows : int
        How many senders to draw: those with the most people opted out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    HistoryError, SettingsError
        See `churn`.

    Examples
    --------
    >>> import optkit
    >>> history = optkit.demo_history(recipients=1000)
    >>> ax = optkit.plots.overlap(optkit.overlap(history), title="For a slide")
    >>> ax.get_title()
    'For a slide'
    """
    axes.require_columns(table, "overlap", "sender_a", "sender_b", "both_out", "out_a", "out_b")
    sides = [table.select(sender=f"sender_{side}", out=f"out_{side}") for side in "ab"]
    sizes = pl.concat(sides).unique().sort("out", "sender", descending=[True, False])
    senders = sizes["sender"].head(rows).to_list()
    ax = axes.get_axes(ax, height=1.6 + 0.34 * max(len(senders), 3))
    if not senders:
        return axes.show_message(ax, "nobody is opted out of two senders at once")
    place = {sender: number for number, sender in enumerate(senders)}
    # the table lists only pairs of senders with somebody opted out of both
    shares = np.zeros((len(senders), len(senders)))
    np.fill_diagonal(shares, np.nan)
    for a, b, both, out_a, out_b in table.select("sender_a", "sender_b", "both_out", "out_a", "out_b").rows():
        if a in place and b in place:
            shares[place[a], place[b]] = both / out_a
            shares[place[b], place[a]] = both / out_b
    limit = max(np.nanmax(shares, initial=0), 0.01)
    image = ax.imshow(shares, aspect="auto", cmap=style.color_map(colors), vmin=0, vmax=limit)
    axes.heat_axes(ax, len(senders), len(senders))
    texts.cell_texts(ax, image, shares, "{:.1%}")
    outs = dict(sizes.rows())
    ax.set_yticks(range(len(senders)), [f"{sender} ({outs[sender]:,})" for sender in senders])
    names = [shorten(sender, _LETTERS) for sender in senders]
    ax.set_xticks(range(len(senders)), names)
    if sum(map(len, names)) > 55:  # noqa: PLR2004 - more letters do not fit side by side
        plt.setp(ax.get_xticklabels(), rotation=35, ha="right", rotation_mode="anchor")
    ax.set_ylabel("opted out of this sender (people)")
    ax.set_xlabel("share that is also opted out of this sender")
    most = f": the {rows} senders with most" if sizes.height > rows else ""
    ax.set_title(f"Opted out of two senders{most}")
    return axes.set_title(ax, title)
