import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optkit.engine.canonical import canonical_column, canonical_phone, canonical_recipient, canonical_sender
from optkit.engine.packing import Codes, Interning

#: Numbers in E.164, other spellings of them, short codes, names, and what only looks like a number.
TEXTS = [
    *("+12025550101", "12025550101", "+1 (202) 555-0101", "2025550101", " +12025550101", "+12025550101\n"),
    *(
        "+11025550101",
        "012025550101",
        "+1202555010",
        "+120255501011",
        "+-2025550101",
        "++2025550101",
        "+1_025550101",
    ),
    *("+447700900001", "+4407700900001", "+4915112345678", "+49015112345678", "24273", "ACME", "", "+"),
]

phones = st.lists(st.sampled_from(TEXTS) | st.text("+-_ 0129\u0662", max_size=13) | st.none(), max_size=8)
regions = st.sampled_from([None, "US", "GB"])


def written(text: str | None, region: str | None) -> str | None:
    """One text at a time; a North American number in E.164 is unchanged."""
    if text is None or re.fullmatch(r"\+1[2-9][0-9]{9}", text):
        return text
    return canonical_phone(text, region)


@given(phones, regions)
def test_a_column_is_canonicalized_like_its_texts(texts: list[str | None], region: str | None) -> None:
    frame = pl.DataFrame({"phone": texts}, schema={"phone": pl.String})
    expected = [written(text, region) for text in texts]
    assert frame.select(canonical_column("phone", region))["phone"].to_list() == expected


@given(phones, regions)
def test_a_code_stands_for_the_canonical_text(texts: list[str | None], region: str | None) -> None:
    odd = Interning()
    frame = pl.DataFrame({"to_phone": texts}, schema={"to_phone": pl.String})
    codes = frame.select(code=canonical_recipient(region, odd))
    read = Codes(pl.DataFrame({"from_phone": []}), odd.words(), []).recipient(pl.col("code"))
    assert codes.select(read).to_series().to_list() == [written(text, region) for text in texts]


@given(phones, regions)
def test_the_code_of_a_sender_stands_for_the_canonical_text(
    texts: list[str | None], region: str | None
) -> None:
    names = Interning()
    frame = pl.DataFrame({"from_phone": texts}, schema={"from_phone": pl.String})
    codes = frame.select(canonical_sender(region, names)).to_series()
    assert names.words().gather(codes).to_list() == [written(text, region) for text in texts]


@pytest.mark.parametrize("texts", [["+12025550101"], ["+12025550101", "12025550101"]])
def test_spellings_of_one_number_have_one_code(texts: list[str]) -> None:
    codes = pl.DataFrame({"to_phone": texts}).select(canonical_recipient(None, Interning()))
    assert set(codes.to_series()) == {12_025_550_101}
