import polars as pl
import pytest
import reference
from histories import (
    FEWER_EXAMPLES,
    MAY_BEGIN_AFTER_THE_DATA,
    RECIPIENTS,
    SENDERS,
    Event,
    between,
    events,
    frame,
    stretches,
)
from hypothesis import given

import optkit
from optkit.engine.funnel import funnel_limits
from optkit.errors import HistoryError, SettingsError

COUNTED = ["from_phone", "recipients", "opt_outs", "re_opt_ins", "ever_opted_out", "opted_out"]


def slow(
    made: list[Event], since: int | None = None, until: int | None = None
) -> list[tuple[str, int, int, int, int, int]]:
    """The columns `COUNTED`, by sender."""
    made = reference.cut(made, until)
    _, end = reference.ends(made, since, until)
    rows = []
    for sender in sorted({e.from_phone for e in made}):
        recipients = {e.to_phone for e in made if e.from_phone == sender}
        kinds = [(to, kind) for by, to, _, kind in reference.transitions(made, since=since) if by == sender]
        outs = [to for to, kind in kinds if kind == "opt-out"]
        now = sum(reference.pair_state(made, sender, to, end) == "opt-out" for to in recipients)
        rows.append((sender, len(recipients), len(outs), len(kinds) - len(outs), len(set(outs)), now))
    return rows


@MAY_BEGIN_AFTER_THE_DATA
@given(events(), stretches())
def test_counts_match_reference(made: list[Event], stretch: tuple[int | None, int | None]) -> None:
    table = optkit.opt_out_rates(frame(made), **between(stretch))
    assert table.select(COUNTED).rows() == slow(made, *stretch)
    assert table["n"].equals(table["recipients"].rename("n"))
    assert table["rate"].to_list() == [row[4] / row[1] for row in slow(made, *stretch)]
    assert table["denominator"].unique().to_list() in ([], ["observed"])


@FEWER_EXAMPLES
@given(events())
def test_any_grouping_adds_up_to_the_same_pairs(made: list[Event]) -> None:
    whole = slow(made)
    country = {to: [None, "US", "CA"][place % 3] for place, to in enumerate(RECIPIENTS)}
    history = frame(made).with_columns(
        country=pl.col("to_phone").replace_strict(country, return_dtype=pl.String),
        team=pl.col("from_phone").replace_strict({s: s.lower() for s in SENDERS}, return_dtype=pl.String),
    )
    for by in ("country", ["team"], ["team", "country"]):
        table = optkit.opt_out_rates(history, by=by)
        for place, column in enumerate(COUNTED[1:], 1):
            assert table[column].sum() == sum(int(row[place]) for row in whole)
        expected = {tuple(row) for row in history.select(by).unique().rows()}
        assert set(table.select(by).rows()) == expected


def outs(**counts: int) -> pl.DataFrame:
    """The given number of recipients of each sender opt out."""
    made = [
        Event(f"+1202555{number:04}", sender, 1_000 * number, "opt-out")
        for sender, count in counts.items()
        for number in range(count)
    ]
    return frame(made)


def test_intervals_of_the_issue() -> None:
    audience = pl.DataFrame({"from_phone": ["A", "B", "C"], "recipients": [40, 300, 1000]})
    with pytest.warns(UserWarning, match="A. They count with a rate of 0"):
        table = optkit.opt_out_rates(outs(B=1, C=12), audience=audience)
    assert table["from_phone"].to_list() == ["A", "B", "C"]
    assert table["n"].to_list() == [40, 300, 1000]
    assert [round(100 * value, 2) for value in table["low"]] == [0.0, 0.06, 0.69]
    assert [round(100 * value, 2) for value in table["high"]] == [8.76, 1.86, 2.09]
    assert table["denominator"].to_list() == ["audience"] * 3


def test_one_number_is_everybodys_audience() -> None:
    table = optkit.opt_out_rates(outs(A=10, B=20), audience=1000)
    assert table["n"].to_list() == [1000, 1000]
    assert table["rate"].to_list() == [0.01, 0.02]


def test_an_audience_that_lacks_senders_is_rejected_by_name() -> None:
    audience = pl.DataFrame({"from_phone": ["A"], "recipients": [40]})
    with pytest.raises(SettingsError, match=r"lacks senders.*B and C") as caught:
        optkit.opt_out_rates(outs(A=1, B=1, C=1), audience=audience)
    assert "+1202" not in str(caught.value)


def test_an_audience_smaller_than_its_opt_outs_is_rejected_by_name() -> None:
    audience = pl.DataFrame({"from_phone": ["A", "B"], "recipients": [40, 2]})
    with pytest.raises(SettingsError, match=r"audience of B is smaller"):
        optkit.opt_out_rates(outs(A=1, B=3), audience=audience)


def test_an_audience_may_be_empty() -> None:
    audience = pl.DataFrame({"from_phone": ["A", "B"], "recipients": [40, 0]})
    with pytest.warns(UserWarning, match="1 sender .* without an event"):
        last = optkit.opt_out_rates(outs(A=1), audience=audience).row(1, named=True)
    unknown = ("rate", "low", "high", "shrunk_rate", "limit_high", "signal")
    assert [last[name] for name in unknown] == [None] * 6


def test_signals() -> None:
    counts = dict.fromkeys("ABCDEFGHIJ", 20) | {"K": 100, "L": 0}
    audience = pl.DataFrame({"from_phone": list(counts), "recipients": [1000] * len(counts)})
    with pytest.warns(UserWarning, match=": L"):
        table = optkit.opt_out_rates(outs(**counts), audience=audience)
    assert table["signal"].to_list() == ["usual"] * 10 + ["high", "low"]
    assert table["shrunk_rate"].is_between(0.0, 0.1, closed="none").all()
    limits = funnel_limits(list(counts.values()), [1000] * len(counts))
    assert table["limit_low"].to_list() == limits.low.tolist()
    assert table["limit_high"].to_list() == limits.high.tolist()


def test_shares_of_an_observed_population_are_not_judged() -> None:
    table = optkit.opt_out_rates(outs(**dict.fromkeys("ABCDEFGHIJ", 20) | {"K": 100}))
    assert table.select("limit_low", "limit_high", "signal").null_count().row(0) == (11, 11, 11)


def test_four_groups_are_too_few_to_judge_one() -> None:
    for senders, signals in (("ABCD", [None] * 4), ("ABCDE", ["usual"] * 4 + ["high"])):
        counts = dict.fromkeys(senders, 20) | {senders[-1]: 200}
        assert optkit.opt_out_rates(outs(**counts), audience=1000)["signal"].to_list() == signals


@pytest.mark.parametrize("history", [frame([]), frame([Event("+12025550101", "A", 0, "opt-in")])])
def test_small_histories_have_the_same_columns(history: pl.DataFrame) -> None:
    table = optkit.opt_out_rates(history)
    assert table.height == history.height
    assert table.schema == optkit.opt_out_rates(outs(A=1, B=2)).schema


def test_wrong_arguments() -> None:
    with pytest.raises(SettingsError, match="by must name"):
        optkit.opt_out_rates(outs(A=1), by=[])
    with pytest.raises(SettingsError, match="confidence"):
        optkit.opt_out_rates(outs(A=1), confidence=95)
    with pytest.raises(
        HistoryError, match="no column 'country'; it has 'to_phone', 'from_phone', 'created_at' and 'status'"
    ):
        optkit.opt_out_rates(outs(A=1), by="country")
