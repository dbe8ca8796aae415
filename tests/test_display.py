"""What notebooks show: the account's banner, answers, tables, pictures with words, controls."""

import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import polars as pl
import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.axes import Axes

import optkit
from optkit import display
from optkit.errors import SettingsError
from optkit.history import SCHEMA


@pytest.fixture
def demo_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A week of the made-up account, so that nothing else is fetched."""
    monkeypatch.setenv("OPTKIT_CACHE_DIR", str(tmp_path))


@pytest.fixture
def shown() -> Iterator[list[dict[str, Any]]]:
    """What IPython was asked to display."""
    shell = InteractiveShell.instance()
    publisher, shell.display_pub = shell.display_pub, CapturingDisplayPublisher()
    yield shell.display_pub.outputs
    shell.display_pub = publisher
    InteractiveShell.clear_instance()
    plt.close("all")


def extract(account: str = "acme", *, start: str | None = None) -> display.Extract:
    history = pl.DataFrame(
        {
            "to_phone": ["+12025550101", "+12025550102"],
            "from_phone": ["72975", "72975"],
            "created_at": [datetime(2026, 1, 5, 10, tzinfo=UTC), datetime(2026, 1, 9, 11, tzinfo=UTC)],
            "status": ["opt-out", "opt-out"],
            "current_status": ["opt-out", "opt-out"],
        },
        schema=SCHEMA,
    )
    coverage = pl.DataFrame(
        {
            "window_start": [datetime(2026, 1, 5, tzinfo=UTC)],
            "window_end": [datetime(2026, 1, 12, tzinfo=UTC)],
            "rows": [2],
            "duplicates": [0],
            "pages": [1],
            "final": [False],
            "fetched_at": [datetime(2026, 1, 10, 8, tzinfo=UTC)],
        }
    )
    until = datetime(2026, 1, 10, 8, tzinfo=UTC)
    return display.Extract(
        account, history, None, coverage, start, until, datetime(2026, 1, 10, 9, tzinfo=UTC)
    )


def test_the_banner_says_whose_how_much_and_until_when() -> None:
    page = extract()._repr_html_()
    for words in (
        "acme",
        "2 events of 2 recipients and 1 sender",
        "2026-01-05 10:00 UTC to 2026-01-09 11:00 UTC",
        "2026-01-10 08:00 UTC",
        "1 window without a gap, 1 of them may still change",
        "not known",
        optkit.__version__,
    ):
        assert words in page
    assert "DEMO" not in page


def test_the_banner_says_demo_and_what_a_start_cuts_off() -> None:
    assert "DEMO: this account is made up" in extract("demo")._repr_html_()
    assert "Events before 2026-01-05 were not asked for" in extract(start="2026-01-05")._repr_html_()
    assert "<script>" not in extract(start="<script>")._repr_html_()


def test_without_token_and_cache_the_made_up_account_is_opened(demo_cache: None) -> None:
    found = display.open_account(start="2026-06-01", end="2026-06-15")
    assert found.is_demo
    assert found.until == datetime(2026, 6, 15, tzinfo=UTC)
    assert found.history.equals(optkit.load("2026-06-01", "2026-06-15", account="demo"))
    assert found.audience is not None
    chosen = display.open_account("demo", start="2026-06-01", end="2026-06-15", senders=["18181"])
    assert chosen.history["from_phone"].unique().to_list() == ["18181"]
    assert chosen.audience is not None
    assert chosen.audience["from_phone"].to_list() == ["18181"]


def test_a_token_means_the_own_account(monkeypatch: pytest.MonkeyPatch, demo_cache: None) -> None:
    monkeypatch.setenv("OPTKIT_TOKEN", "made-up")
    monkeypatch.setenv("OPTKIT_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(optkit, "load", lambda *_, account, **__: pytest.fail(f"asked for {account}"))
    with pytest.raises(pytest.fail.Exception, match="asked for default"):
        display.open_account()


def test_an_audience_comes_from_a_file(demo_cache: None, tmp_path: Path) -> None:
    file = tmp_path / "audience.csv"
    file.write_text("from_phone,recipients,more\n18181,50000,x\n")
    found = display.open_account("demo", start="2026-06-22", end="2026-06-29", audience=str(file))
    assert found.audience is not None
    assert found.audience.rows() == [("18181", 50_000)]
    file.write_text("sender,people\n18181,50000\n")
    with pytest.raises(SettingsError, match=r"audience\.csv cannot be read"):
        display.open_account("demo", start="2026-06-22", end="2026-06-29", audience=str(file))


def test_the_answer_on_the_extract_says_what_to_look_at_before_it_is_trusted() -> None:
    files = pl.DataFrame({"ok": [True, True]})
    checks = pl.DataFrame({"check": ["duplicates", "ties", "silent days"], "ok": [True, True, True]})
    good = display.headlines.extract(extract(), files, checks)
    assert "2 events from 5 January 2026 to 9 January 2026, without a gap" in good
    assert "its files are intact, and all 3 checks of its events are passed" in good
    doubtful = checks.with_columns(ok=pl.Series([True, False, False]))
    bad = display.headlines.extract(extract(), pl.DataFrame({"ok": [True, False]}), doubtful)
    assert "1 file of 2 cannot be read" in bad
    assert "2 of 3 checks want a look first: ties and silent days" in bad


def churn_table(rates: list[float], *, denominator: str = "audience") -> pl.DataFrame:
    weeks = len(rates)
    return pl.DataFrame(
        {
            "period": [date(2026, 1, 5) + timedelta(weeks=week) for week in range(weeks)],
            "opt_outs": [1000] * weeks,
            "re_opt_ins": [250] * weeks,
            "opted_out_end": [750 * (week + 1) for week in range(weeks)],
            "churn_rate": rates,
            "denominator": [denominator] * weeks,
            "complete": [False] + [True] * (weeks - 2) + [False],
        }
    )


def test_the_churn_answer_adds_up_the_whole_weeks_and_compares_the_last() -> None:
    answer = display.headlines.churn(churn_table([0.5, 0.01, 0.012, 0.011, 0.02, 0.5]))
    assert "last 4 whole weeks, from 12 January 2026 on" in answer
    assert (
        "opted out 4,000 times and came back 1,000 times: a net 3,000 left; 3,750 stood opted out" in answer
    )
    assert "2.0% of all who were messaged and opted in left, more than in any of the 3 weeks before" in answer
    assert "(1.0% to 1.2%)" in answer


def test_the_churn_answer_says_when_its_rate_is_no_level() -> None:
    answer = display.headlines.churn(churn_table([0.5, 0.01, 0.012, 0.011, 0.5], denominator="observed"))
    assert "no level" in answer
    assert "as usual" in answer
    assert "No week is covered whole" in display.headlines.churn(churn_table([0.1, 0.1]))


def test_an_answer_is_shown_large_and_escaped() -> None:
    assert "<strong>a &lt; b</strong>" in display.headlines.Answer("a < b")._repr_html_()


TABLE = pl.DataFrame(
    {
        "from_phone": ["72975", "<b>"],
        "to_phone": ["+12025550101", "+447700900001"],
        "n": [12_345, None],
        "rate": [0.0612, None],
        "low": [0.05, None],
        "high": [0.0712, None],
        "days": [1234.56, 2.0],
        "ok": [True, False],
        "created_at": [datetime(2026, 1, 5, 10, 30, tzinfo=UTC)] * 2,
        "period": [date(2026, 1, 5)] * 2,
    }
)


def test_a_table_in_words_has_separators_per_cent_and_ranges() -> None:
    words = display.tidy(TABLE, show_phones=True)
    first = ("72975", "+12025550101", "12,345", "6.1%", "5.0% to 7.1%", "1,234.6", "yes", "2026-01-05 10:30")
    assert words.row(0) == (*first, "2026-01-05")
    assert words.row(1)[2:5] == ("–",) * 3  # noqa: RUF001 - a dash is what is shown


def test_a_table_masks_recipients_unless_asked() -> None:
    page = display.table(TABLE, "Title").as_raw_html()
    assert "+12025550101" not in page
    assert "72975" in page
    assert "+12025550101" in display.table(TABLE, "Title", show_phones=True).as_raw_html()


def test_a_table_is_dark_on_white_whatever_the_theme_and_escapes_its_cells() -> None:
    page = display.table(TABLE, "Title", note="A note", rows=1).as_raw_html()
    identity = re.search(r'id="(optkit-\w+)"', page)
    assert identity is not None
    rule = f"#{identity[1]} .gt_table * {{ background-color: white !important; color: #222222 !important; }}"
    assert rule in page
    assert "The first 1 of 2 rows. A note" in page
    assert "&lt;b&gt;" in display.table(TABLE, "Title").as_raw_html()


def test_a_picture_is_shown_once_with_its_words_and_closed(shown: list[dict[str, Any]]) -> None:
    ax = optkit.plots.churn(churn_table([0.1, 0.2, 0.3]))
    display.show(ax, "What it says.")
    assert len(shown) == 1
    picture = shown[0]["metadata"]["image/png"]
    assert picture["alt"] == "Opt-outs and re-opt-ins, by week. What it says."
    assert picture["width"] == 900
    assert b64decode(shown[0]["data"]["image/png"]).startswith(b"\x89PNG")
    assert plt.get_fignums() == []


def test_controls_hand_over_what_they_choose(shown: list[dict[str, Any]]) -> None:
    calls = []

    def draw(events: pl.DataFrame, since: datetime, until: datetime) -> Axes:
        calls.append((events.height, since, until))
        return plt.subplots()[1]

    controls = display.explore(extract().history, draw)
    week = datetime(2026, 1, 5, tzinfo=UTC)
    assert calls == [(2, week, week + timedelta(weeks=1))]
    assert 'alt="Chosen: 1 sender, 2026-01-05 to 2026-01-12"' in controls.children[2].value
    senders, when = controls.children[0].children
    assert when.children[1].value == "1 sender, 2026-01-05 to 2026-01-12"
    senders.value = ()
    assert calls[-1] == (0, week, week + timedelta(weeks=1))


def test_controls_are_not_offered_where_there_is_nothing_to_choose() -> None:
    assert (
        display.explore(SCHEMA.to_frame(), lambda *_: plt.subplots()[1])
        == "There is no event to choose from."
    )


def test_polars_own_tables_are_set_for_readers() -> None:
    with pl.Config():
        display.style()
        assert "12,345" in str(pl.DataFrame({"n": [12_345]}))
