"""How numbers are read and shown, by hand."""

import phonenumbers
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import optkit
from optkit import phones
from optkit.errors import HistoryError, SettingsError


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
def test_a_mask_hides_at_least_three_characters_and_masking_twice_changes_nothing(number: str) -> None:
    frame = pl.DataFrame({"to_phone": [number], "from_phone": [number]})
    once = optkit.mask(frame)
    shown = once["to_phone"][0]
    assert len(shown.replace("•", "")) <= max(0, len(number) - 3)
    assert optkit.mask(once).equals(once)
    assert once["from_phone"].to_list() == [number]
    assert optkit.mask(frame.lazy()).collect().equals(once)


def test_a_mask_takes_other_frames() -> None:
    frame = pl.DataFrame({"to_phone": ["+12025550101"], "n": [1]})
    for other in (frame.to_pandas(), frame.to_arrow()):
        assert optkit.mask(other).equals(optkit.mask(frame))
    with pytest.raises(HistoryError, match="not list"):
        optkit.mask([])


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
        ("0044 7700 900123", None, "+447700900123"),
        ("0012025550101", "US", "+12025550101"),  # where 011 is dialled for the plus sign
        ("0012025550101", "JP", "+12025550101"),
        ("011 44 7700 900123", "US", "+447700900123"),
        ("+44 (0)20 7946 0101", None, "+442079460101"),
        ("12025550101", None, None),  # a country code, or not
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
def test_one_number_is_read_and_other_texts_are_not(
    text: str, region: str | None, number: str | None
) -> None:
    assert phones.e164(text, region) == number


@pytest.mark.parametrize("text", ["+1 (201) 555-0100", "0012015550100", "+1.201.555.0100", "+12015550100 "])
def test_a_typed_number_has_one_canonical_form(text: str) -> None:
    assert phones.canonical(text) == "+12015550100"


@pytest.mark.parametrize("text", ["garbage", "", "24273", "(201) 555-0100", "+1 555-0100", None])
def test_a_text_that_is_not_a_phone_number_is_rejected_and_not_quoted(text: str | None) -> None:
    with pytest.raises(SettingsError, match="phone is not a phone number") as caught:
        phones.canonical(text, name="phone")  # type: ignore[arg-type]
    assert not text or text not in str(caught.value)


def test_a_region_is_a_country() -> None:
    assert phones.check_region(" us ") == "US"
    assert phones.check_region(None) is None
    with pytest.raises(SettingsError, match="ISO code"):
        phones.check_region("UK")


@given(
    st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)),
    st.from_regex(r"[0-9]{3,13}", fullmatch=True),
)
def test_numbers_in_e164_are_read_like_parsed_ones(code: int, rest: str) -> None:
    text = f"+{code}{rest}"
    plain = phones._plain(text)
    if plain is None:
        return
    parsed = phones._parse(text, None)
    assert plain.possible == (parsed is not None)
    if parsed is not None:
        assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == text
        assert plain.country in {None, phonenumbers.region_code_for_number(parsed)}
