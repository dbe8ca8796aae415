from dataclasses import replace
from datetime import UTC, datetime

import polars as pl

import optkit
from optkit import display
from optkit.display import Alert, Alerts

GOOD = pl.DataFrame({"check": ["duplicates"], "ok": [True]})
ORDER = ["10_did_we_stop", "04_what_happened_that_day", "08_which_campaign", "03_opt_out_rates_by_sender"]


def test_alerts_are_a_list_of_links_and_also_metadata() -> None:
    html, metadata = Alerts((Alert("a < b", "08_which_campaign"),))._repr_html_()
    assert '<a href="08_which_campaign.ipynb">a &lt; b</a>' in html
    assert metadata == {"optkit_alerts": [["a < b", "08_which_campaign"]]}
    assert Alerts(())._repr_html_() == ("<p>Nothing unusual was found.</p>", {"optkit_alerts": []})


def test_the_demo_account_has_what_was_planted_in_it(account_data: display.AccountData) -> None:
    """A campaign and a sender that drive people away, and messages long after opt-outs: see `optkit.demo.effects`."""
    data = replace(
        account_data,
        history=optkit.demo_history(),
        messages=optkit.demo_messages(),
        audience=optkit.demo_audience(),
        until=datetime(2026, 7, 1, tzinfo=UTC),
    )
    failed = pl.DataFrame({"check": ["ties", "duplicates"], "ok": [False, True]})
    alerts = display.find_alerts(data, failed).found
    places = [ORDER.index(alert.notebook) for alert in alerts[:-1]]
    assert places == sorted(places), "the worst first"
    texts = {alert.notebook: alert.text for alert in reversed(alerts)}
    assert "more than 10 business days after they opted out" in texts["10_did_we_stop"]
    assert texts["08_which_campaign"].startswith("After Spring clearance, ")
    assert "+19075550107" in texts["03_opt_out_rates_by_sender"]
    assert alerts[-1] == Alert("1 of 2 checks of the data needs a look: ties.", "00_start_here")


def test_a_spike_of_the_last_week_names_the_campaign_behind_it(account_data: display.AccountData) -> None:
    history, messages = optkit.demo_history(), optkit.demo_messages()
    # the day after Spring clearance went out, the demo's bad day
    data = replace(account_data, history=history, messages=messages, until=datetime(2026, 3, 19, tzinfo=UTC))
    texts = {alert.notebook: alert.text for alert in display.find_alerts(data, GOOD).found}
    assert texts["04_what_happened_that_day"].startswith("17 March 2026 had ")
    assert texts["04_what_happened_that_day"].endswith("most after Spring clearance.")
    without = replace(data, messages=messages.clear())
    texts = {alert.notebook: alert.text for alert in display.find_alerts(without, GOOD).found}
    assert texts["04_what_happened_that_day"].endswith("most from 18181.")


def test_a_calm_account_has_no_alerts(account_data: display.AccountData) -> None:
    assert display.find_alerts(account_data, GOOD) == Alerts(())
    empty = replace(account_data, history=account_data.history.clear())
    assert display.find_alerts(empty, GOOD) == Alerts(())
