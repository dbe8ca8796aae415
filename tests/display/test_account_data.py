from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

import optkit
from optkit import display
from optkit.errors import SettingsError
from optkit.messages import SCHEMA as MESSAGES


@pytest.fixture
def demo_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A week of the made-up account, so that nothing else is fetched."""
    monkeypatch.setenv("OPTKIT_CACHE_DIR", str(tmp_path))


def messages_at(when: datetime, to_phones: list[str]) -> pl.DataFrame:
    """Messages of the sender 72975 that arrived."""
    sent = {"to_phone": to_phones, "message_id": range(len(to_phones))}
    return (
        pl.select(*(pl.lit(None, dtype).alias(name) for name, dtype in MESSAGES.items() if name not in sent))
        .join(pl.DataFrame(sent), how="cross")
        .with_columns(from_phone=pl.lit("72975"), sent_at=pl.lit(when), delivery_status=pl.lit("delivered"))
        .select(MESSAGES.names())
        .cast(MESSAGES)
    )


def banner(data: display.AccountData) -> str:
    return data._repr_html_()[0]


def test_banner_names_account_period_and_coverage(account_data: display.AccountData) -> None:
    page = banner(account_data)
    for words in (
        "acme",
        "2 events of 2 recipients and 1 sender",
        "2026-01-05 10:00 UTC to 2026-01-09 11:00 UTC",
        "first event to 2026-01-10 08:00 UTC",
        "2 opt-outs and 0 re-opt-ins; 0 opt-outs in force at the start, 2 at the end",
        "1 window without a gap, 1 of them may still change",
        optkit.__version__,
    ):
        assert words in page
    assert "DEMO" not in page
    assert "Messages" not in page, "they were not requested"


def test_banner_says_once_what_is_not_known_without_messages(account_data: display.AccountData) -> None:
    page = banner(replace(account_data, no_messages=""))
    lacking = "none (nothing was sent): it is not known who was messaged, how often and by which campaign"
    assert f"{lacking}, so this page has no rates of all people who were messaged" in page
    audience = pl.DataFrame({"from_phone": ["72975"], "recipients": [100]})
    page = banner(replace(account_data, no_messages="", audience=audience))
    assert f"{lacking}<" in page
    assert "100 people messaged by 1 sender (audience file)" in page


def test_banner_says_from_when_on_rates_are_known(account_data: display.AccountData) -> None:
    sent = messages_at(datetime(2026, 1, 8, 12, tzinfo=UTC), ["+12025550102", "+12025550103"])
    page = banner(replace(account_data, no_messages="", messages=sent))
    assert "2 people messaged by 1 sender (counted from the messages); known from 8 January 2026 on" in page
    later = replace(account_data, no_messages="", messages=sent, since=datetime(2026, 1, 9, tzinfo=UTC))
    assert "1 person" not in banner(later)
    assert "known from" not in banner(later)


def test_banner_names_the_period_and_the_senders_that_were_asked_for(
    account_data: display.AccountData,
) -> None:
    page = banner(
        replace(account_data, since=datetime(2026, 1, 6, tzinfo=UTC), senders=["72975", "<script>"])
    )
    assert "2026-01-06 00:00 UTC to 2026-01-10 08:00 UTC" in page
    assert "1 opt-out and 0 re-opt-ins; 1 opt-outs in force at the start, 2 at the end" in page
    assert "72975 and &lt;script&gt;" in page


def test_banner_marks_the_demo_account_in_text_and_metadata(account_data: display.AccountData) -> None:
    assert "DEMO: this account is made up" in banner(replace(account_data, name="demo"))
    about = account_data._repr_html_()[1]["optkit"]
    assert about == {
        "account": "acme",
        "demo": False,
        "senders": None,
        "since": None,
        "until": "2026-01-10 08:00 UTC",
    }
    assert replace(account_data, name="demo")._repr_html_()[1]["optkit"]["demo"]


def test_narrow_keeps_the_senders_and_drops_later_events(account_data: display.AccountData) -> None:
    audience = pl.DataFrame({"from_phone": ["72975", "ACME"], "recipients": [100, 200]})
    since, until = datetime(2026, 1, 6, tzinfo=UTC), datetime(2026, 1, 9, tzinfo=UTC)
    narrowed = replace(account_data, audience=audience).narrow(["72975", "ACME"], since, until)
    assert narrowed.history["to_phone"].to_list() == ["+12025550101"], "the other event is later"
    assert narrowed.audience is not None
    assert narrowed.audience["from_phone"].to_list() == ["72975"], "ACME has no events"
    assert (narrowed.since, narrowed.until) == (since, until)


def test_demo_account_is_opened_without_token_and_cache(demo_cache: None) -> None:
    found = display.open_account(start="2026-06-01", end="2026-06-15")
    assert found.is_demo
    assert found.until == datetime(2026, 6, 15, tzinfo=UTC)
    assert found.since == datetime(2026, 6, 1, tzinfo=UTC)
    assert found.history.equals(optkit.load(None, "2026-06-15", account="demo")), (
        "earlier events decide who is out"
    )
    chosen = display.open_account("demo", start="2026-06-01", end="2026-06-15", senders=["18181"])
    assert chosen.history["from_phone"].unique().to_list() == ["18181"]


def test_a_token_opens_the_configured_account(monkeypatch: pytest.MonkeyPatch, demo_cache: None) -> None:
    monkeypatch.setenv("OPTKIT_TOKEN", "made-up")
    monkeypatch.setenv("OPTKIT_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(optkit, "load", lambda *_, account, **__: pytest.fail(f"asked for {account}"))
    with pytest.raises(pytest.fail.Exception, match="asked for default"):
        display.open_account()


def test_senders_without_a_plus_sign_are_found_in_the_history_and_the_audience(
    demo_cache: None, tmp_path: Path
) -> None:
    file = tmp_path / "audience.csv"
    file.write_text("From_Phone,Recipients\n18335550142,9000\n18181,50000\n")
    found = display.open_account(
        "demo", start="2026-06-22", end="2026-06-29", senders=["18335550142"], audience=str(file)
    )
    assert found.history["from_phone"].unique().to_list() == ["+18335550142"]
    assert found.audience is not None
    assert found.audience.rows() == [("+18335550142", 9_000)]


def test_a_warning_points_to_the_line_of_the_notebook(demo_cache: None) -> None:
    with (
        pytest.warns(UserWarning, match=r"no event has the sender NORTWIND; .* NORTHWIND") as caught,
        pytest.raises(SettingsError, match=r"no event or message has the sender NORTWIND; .* NORTHWIND"),
    ):
        display.open_account("demo", senders=["NORTWIND"])
    assert caught[0].filename == __file__


def test_audience_is_read_from_a_file(demo_cache: None, tmp_path: Path) -> None:
    file = tmp_path / "audience.csv"
    file.write_text("from_phone,recipients,more\n18181,50000,x\n")
    found = display.open_account("demo", start="2026-06-22", end="2026-06-29", audience=str(file))
    assert found.audience is not None
    assert found.audience.rows() == [("18181", 50_000)]
    file.write_text("sender,people\n18181,50000\n")
    with pytest.raises(SettingsError, match=r"audience has no column .from_phone. and .recipients."):
        display.open_account("demo", start="2026-06-22", end="2026-06-29", audience=str(file))


def test_banner_says_over_which_time_messages_are_known(account_data: display.AccountData) -> None:
    messages = optkit.demo_messages(recipients=200)
    page = banner(replace(account_data, messages=messages, no_messages=""))
    assert f"{messages.height:,} messages of {messages['campaign'].n_unique()} campaigns, 2026-01-" in page
    assert "what was sent before is not known" in page
