"""Countries against phonenumbers asked number by number; masks by hand."""

import phonenumbers
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import optkit
from optkit import phones
from optkit.errors import HistoryError, SettingsError

numbers = st.one_of(
    st.from_regex(r"\+1[2-9][0-9]{9}", fullmatch=True),
    st.from_regex(r"\+152[0-9]{8}", fullmatch=True),
    st.from_regex(r"\+(44|61|39|7|47|358|262|590)[1-9][0-9]{8}", fullmatch=True),
    st.from_regex(r"\+?[0-9]{1,16}", fullmatch=True),
    st.text(max_size=12),
)


@given(st.lists(st.none() | numbers, max_size=30))
def test_a_valid_number_has_the_country_that_phonenumbers_gives(texts: list[str | None]) -> None:
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


def test_with_country_asks_for_the_column() -> None:
    with pytest.raises(HistoryError, match="to_phone"):
        optkit.with_country(pl.DataFrame({"phone": ["+12025550101"]}))


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+12929929902", "+1292•••9902"),
        ("+447700900123", "+4477•••0123"),
        ("+4570123", "+•••0123"),
        ("+457012", "•••7012"),
        ("12345", "•••45"),
        ("911", "•••"),
        ("7", "•••"),
        (None, None),
    ],
)
def test_masks(number: str | None, shown: str | None) -> None:
    frame = pl.DataFrame({"to_phone": [number]}, schema={"to_phone": pl.String})
    assert optkit.mask(frame)["to_phone"].to_list() == [shown]


@given(st.text(st.characters(codec="utf-8", exclude_characters="•"), max_size=20))
def test_a_mask_hides_at_least_three_characters_and_masking_twice_hides_no_more(number: str) -> None:
    frame = pl.DataFrame({"to_phone": [number], "from_phone": [number]})
    once = optkit.mask(frame)
    shown = once["to_phone"][0]
    assert len(shown.replace("•", "")) <= max(0, len(number) - 3)
    assert optkit.mask(once).equals(once)
    assert once["from_phone"].to_list() == [number]
    assert optkit.mask(frame.lazy()).collect().equals(once)


def test_a_frame_without_recipients_has_nothing_to_mask() -> None:
    frame = pl.DataFrame({"from_phone": ["+18005550101"]})
    assert optkit.mask(frame) is frame


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("+1 (202) 555-0101", None, "+12025550101"),
        ("tel:+1-202-555-0101", None, "+12025550101"),
        ("'+12025550101", None, "+12025550101"),
        ("(202) 555-0101", "US", "+12025550101"),
        ("0044 7700 900123", "GB", "+447700900123"),
        ("(202) 555-0101", None, None),
        ("555-0101", "US", None),  # no area code
        ("1.202555E+10", "US", None),  # what a spreadsheet made of it
        ("202 555 0101 / 202 555 0102", "US", None),
        ("202 555 0101 ext 5", "US", None),
        ("1-800-FLOWERS", "US", None),
        ("call 202 555 0101", "US", None),
        ("", "US", None),
    ],
)
def test_one_number_is_read_and_anything_else_is_not(
    text: str, region: str | None, number: str | None
) -> None:
    assert phones.e164(text, region) == number


def test_a_region_is_a_country() -> None:
    assert phones.check_region(" us ") == "US"
    assert phones.check_region(None) is None
    with pytest.raises(SettingsError, match="ISO code"):
        phones.check_region("UK")
