from typing import Any

import polars as pl
from matplotlib.colors import to_hex
from plot_checks import check_page, written
from plot_tables import SPIKES, by_sender

from optkit import plots


def test_spikes_are_marked_and_dates_do_not_overlap() -> None:
    ax: Any = plots.spikes(SPIKES)
    assert list(ax.lines[2].get_ydata()) == [400, 390, 300]
    assert {"Thu 5 Mar: 400", "Fri 20 Mar: 300", "limits", "expected"} <= set(written(ax))
    assert "Fri 6 Mar: 390" not in written(ax), "it would cover its neighbour"
    check_page(ax)


def test_labels_of_spikes_are_readable_over_lines() -> None:
    ax: Any = plots.spikes(SPIKES, marks={"2026-03-07": "spring sale"})
    (label,) = [text for text in ax.texts if text.get_text() == "Thu 5 Mar: 400"]
    assert to_hex(label.get_bbox_patch().get_facecolor()) == "#ffffff"
    assert label.get_zorder() > max(line.get_zorder() for line in ax.lines)


def test_spikes_of_groups_are_rows_with_the_most_spikes_on_top() -> None:
    quiet = SPIKES.with_columns(spike=pl.lit(value=False))
    table = pl.concat([by_sender(quiet, ("ACME",)), by_sender(SPIKES, ("72975",))])
    ax: Any = plots.spikes(table)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["72975", "ACME"]
    assert ax.collections[0].get_offsets().shape == (3, 2)
    check_page(ax)
