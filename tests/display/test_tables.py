import re
from datetime import UTC, date, datetime

import polars as pl

from optkit import display

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


def test_as_text_writes_separators_per_cent_and_intervals() -> None:
    words = display.as_text(TABLE)
    first = ("72975", "+1202•••0101", "12,345", "6.1%", "5.0% to 7.1%", "1,234.6", "yes", "2026-01-05 10:30")
    assert words.row(0) == (*first, "2026-01-05")
    assert words.row(1)[2:5] == ("–",) * 3  # noqa: RUF001 - a dash is what is shown


def test_table_masks_recipients_by_default() -> None:
    page = display.table(TABLE, "Title").as_raw_html()
    assert "+12025550101" not in page
    assert "72975" in page
    assert "+12025550101" in display.table(TABLE, "Title", show_phones=True).as_raw_html()


def test_table_is_dark_on_white_and_escapes_its_cells() -> None:
    page = display.table(TABLE, "Title", note="A note", rows=1).as_raw_html()
    identity = re.search(r'id="(optkit-\w+)"', page)
    assert identity is not None
    rule = f"#{identity[1]} .gt_table * {{ background-color: white !important; color: #222222 !important; }}"
    assert rule in page
    assert "The first 1 of 2 rows. A note" in page
    assert "&lt;b&gt;" in display.table(TABLE, "Title").as_raw_html()


def test_style_sets_polars_tables() -> None:
    with pl.Config():
        display.style()
        assert "12,345" in str(pl.DataFrame({"n": [12_345]}))


def cells(page: str) -> list[str]:
    return re.findall(r'<td headers="[^"]+" class="gt_row[^"]*">([^<]*)</td>', page)


def test_table_formats_numbers_and_merges_intervals() -> None:
    page = display.table(TABLE, "Title", columns=["n", "rate", "low", "high", "days", "ok"]).as_raw_html()
    assert cells(page) == ["12,345", "6.1%", "5.0% to 7.1%", "1,234.6", "yes", *["–"] * 3, "2.0", "no"]  # noqa: RUF001 - a dash is what is shown


def test_table_can_be_formatted_further() -> None:
    page = display.table(TABLE, "Title", columns=["n", "rate"]).fmt_percent("rate", decimals=3).as_raw_html()
    assert cells(page)[:2] == ["12,345", "6.120%"]


def test_table_shortens_long_names_in_the_middle() -> None:
    frame = pl.DataFrame({"from_phone": ["A" * 5000 + "Z"], "campaign_id": [12345]})
    assert cells(display.table(frame, "Title").as_raw_html()) == ["A" * 100 + "…" + "A" * 98 + "Z", "12345"]
    assert display.as_text(frame)["from_phone"].item() == "A" * 30 + "…" + "A" * 28 + "Z"
