"""Against phonenumbers, number by number."""

import phonenumbers
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import optkit
from optkit import phones
from optkit.errors import HistoryError

numbers = st.one_of(
    st.from_regex(r"\+1[2-9][0-9]{9}", fullmatch=True),
    st.from_regex(r"\+152[0-9]{8}", fullmatch=True),
    st.from_regex(r"\+(44|61|39|7|47|358|262|590)[1-9][0-9]{8}", fullmatch=True),
    st.from_regex(r"\+?[0-9]{1,16}", fullmatch=True),
    st.text(max_size=12),
)


@given(st.lists(st.none() | numbers, max_size=30))
def test_a_valid_number_has_the_country_of_phonenumbers(texts: list[str | None]) -> None:
    found = optkit.with_country(pl.DataFrame({"to_phone": texts}, schema={"to_phone": pl.String}))
    assert found["to_phone"].to_list() == texts
    for text, country in zip(texts, found["country"], strict=True):
        try:
            number = phonenumbers.parse(text or "", None)
        except phonenumbers.NumberParseException:
            assert country is None
            continue
        region = phonenumbers.region_code_for_number(number)
        if not phonenumbers.is_possible_number(number):
            assert country is None
        elif phonenumbers.is_valid_number(number) and text and text[1:].isascii() and text[1:].isdigit():
            assert country == (region if region != "001" else None)


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+12025550101", "US"),
        ("+16045550101", "CA"),
        ("+18765550101", "JM"),
        ("+12925550101", None),  # no such area code
        ("+447700900123", "GB"),  # reserved for fiction: held by nobody
        ("+353209100000", "IE"),
        ("+61491570156", "AU"),
        ("+80012345678", None),  # international freephone: of no country
        ("12025550101", None),
        ("+1202555", None),
        ("ACME", None),
        ("", None),
        (None, None),
    ],
)
def test_countries_of_unusual_numbers(number: str | None, country: str | None) -> None:
    frame = pl.DataFrame({"to_phone": [number]}, schema={"to_phone": pl.String})
    assert optkit.with_country(frame)["country"].to_list() == [country]


def test_with_country_stays_lazy_and_keeps_the_order() -> None:
    frame = pl.DataFrame({"to_phone": ["+33639980101", "+12025550101"] * 3, "x": range(6)})
    eager = optkit.with_country(frame)
    assert eager["country"].to_list() == ["FR", "US"] * 3
    assert eager["x"].to_list() == list(range(6))
    assert optkit.with_country(frame.lazy()).collect().equals(eager)
    assert optkit.with_country(frame.clear()).schema == eager.schema


def test_with_country_takes_other_frames() -> None:
    frame = pl.DataFrame({"to_phone": ["+12025550101", None]})
    for other in (frame.to_arrow(), frame.to_pandas()):
        assert optkit.with_country(other).equals(optkit.with_country(frame))


def test_a_frame_without_the_column_and_anything_else_are_rejected() -> None:
    with pytest.raises(HistoryError, match="to_phone"):
        optkit.with_country(pl.DataFrame({"phone": ["+12025550101"]}))
    with pytest.raises(HistoryError, match="not list"):
        optkit.with_country([])  # type: ignore[call-overload]


def test_names_of_countries_are_english() -> None:
    frame = pl.DataFrame({"to_phone": ["+33639980101", "+12025550101", "ACME", None]})
    named = optkit.with_country(frame, names=True)
    assert named.columns == ["to_phone", "country", "country_name"]
    assert named["country_name"].to_list() == ["France", "United States", None, None]


def test_every_country_with_phone_numbers_has_a_name() -> None:
    known = phones.country_names()
    assert set(known["country"]) == phonenumbers.SUPPORTED_REGIONS
    assert known["country_name"].is_unique().all()
    assert known["country_name"].str.len_chars().min() == 4
