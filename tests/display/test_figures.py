from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import matplotlib.pyplot as plt
import polars as pl
from matplotlib.axes import Axes

import optkit
from optkit import display
from optkit.history import SCHEMA


def test_show_displays_the_picture_once_and_closes_it(shown: list[dict[str, Any]]) -> None:
    ax = optkit.plots.churn(optkit.churn(optkit.demo_history(recipients=200)))
    display.show(ax, "What it says.")
    assert len(shown) == 1
    picture = shown[0]["metadata"]["image/png"]
    assert picture["alt"] == "Opt-outs and re-opt-ins, by week. What it says."
    assert picture["width"] == 900
    assert b64decode(shown[0]["data"]["image/png"]).startswith(b"\x89PNG")
    assert plt.get_fignums() == []


def test_explore_draws_the_chosen_senders_and_dates(account_data: display.AccountData) -> None:
    calls = []

    def draw(chosen: display.AccountData) -> Axes:
        calls.append((chosen.history.height, chosen.since, chosen.until))
        return plt.subplots()[1]

    controls = display.explore(account_data, draw)
    monday = datetime(2026, 1, 5, tzinfo=UTC)
    assert calls == [(2, monday, account_data.until)]
    assert 'alt="Chosen: 1 sender, 2026-01-05 to 2026-01-10"' in controls.children[2].value
    senders, dates = controls.children[0].children
    assert dates.children[1].value == "1 sender, 2026-01-05 to 2026-01-10"
    senders.value = ()
    assert calls[-1] == (0, monday, account_data.until)


def test_explore_begins_with_the_period_of_the_page(account_data: display.AccountData) -> None:
    times = [datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 28, tzinfo=UTC)]
    history = account_data.history.with_columns(created_at=pl.Series(times, dtype=SCHEMA["created_at"]))
    data = replace(account_data, history=history, since=datetime(2026, 1, 14, tzinfo=UTC), until=times[1])
    calls = []

    def draw(chosen: display.AccountData) -> Axes:
        calls.append(chosen.since)
        return plt.subplots()[1]

    display.explore(data, draw)
    assert calls == [datetime(2026, 1, 12, tzinfo=UTC)]


def test_explore_shows_a_note_without_events(account_data: display.AccountData) -> None:
    empty = replace(account_data, history=SCHEMA.to_frame())
    assert display.explore(empty, lambda _: plt.subplots()[1]) == "There are no events to choose from."
