from datetime import UTC, datetime

import polars as pl
import pytest

from optkit.datasets.timestamps import read_timestamps
from optkit.errors import ResponseError

#: The vendor's own sample of a time_token is 1675410047.186922.
MOMENT = datetime(2023, 2, 3, 7, 40, 47, 186_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1675410047, MOMENT.replace(microsecond=0)),
        (1675410047.186922, MOMENT),
        (1675410047186, MOMENT),
        (1675410047186.9, MOMENT),
        (1675410047186922, MOMENT),
        ("1675410047", MOMENT.replace(microsecond=0)),
        ("1675410047.186922", MOMENT),
        ("1675410047186", MOMENT),
        ("1675410047186922", MOMENT),
        (" 1675410047186 ", MOMENT),
        ("2023-02-03T07:40:47.186Z", MOMENT),
        ("2023-02-03T08:40:47.186922+01:00", MOMENT),
        ("2023-02-03 07:40:47.186999+00:00", MOMENT),
        # floats of seconds are not exact: .186 s must not become 185 ms
        (1675410047.186, MOMENT),
        (1675410047.999, MOMENT.replace(microsecond=999_000)),
    ],
)
def test_every_form_of_a_timestamp_is_read_down_to_the_millisecond(
    value: float | str, moment: datetime
) -> None:
    assert read_timestamps([value], "created_at").to_list() == [moment]
    assert read_timestamps([value], "created_at").dtype == pl.Datetime("ms", "UTC")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "2023-02-03T07:40:47",
        "2023-02-03",
        0,
        -1,
        10**17,
        12345,
        "1e9",
        float("inf"),
        float("nan"),
        "NaN",
    ],
)
def test_anything_else_is_an_error(value: float | str) -> None:
    with pytest.raises(ResponseError, match="created_at"):
        read_timestamps([value], "created_at")


def test_whole_numbers_are_read_alike_all_at_once_and_one_by_one() -> None:
    seconds, milliseconds, microseconds = [1675410047], [1675410047186], [1675410047186922]
    for values in (seconds, milliseconds, microseconds):
        several = [values[0], values[0] + 1]
        assert read_timestamps(several, "created_at").to_list() == [
            read_timestamps([value], "created_at").item() for value in several
        ]


@pytest.mark.parametrize("value", [1675410047, "2023-02-03T07:40:47Z"])
def test_missing_values_stay_null(value: float | str) -> None:
    moment = MOMENT.replace(microsecond=0)
    assert read_timestamps([None, value, None], "created_at").to_list() == [None, moment, None]
    assert read_timestamps([None], "created_at").to_list() == [None]
