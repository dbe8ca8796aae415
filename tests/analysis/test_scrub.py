from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from histories import Event, events, frame, moment
from hypothesis import given

import optkit
from optkit.errors import SettingsError

ANN, BOB, CY, DEE = (f"+1202555010{number}" for number in range(1, 5))
HISTORY = frame(
    [
        Event(ANN, "24273", 1, "opt-out"),
        Event(BOB, "24273", 2, "opt-out"),
        Event(BOB, "24273", 3, "opt-in"),
        Event(CY, "+18335550142", 4, "opt-out"),
    ]
)
REASONS = ["opted out", "unreadable number", "no number"]


def test_each_contact_is_in_one_of_the_two_as_it_was() -> None:
    contacts = pl.DataFrame(
        {
            "id": [1, 2, 3, 4, 5, 6, 7],
            "phone": ["(202) 555-0101", BOB, "202.555.0103", " 1 202 555 0104", "call me", None, " "],
            "joined": pl.Series(["2026-01-01"] * 7).str.to_date(),
        }
    )
    keep, suppressed = optkit.scrub(contacts, HISTORY, region="us")
    assert keep.equals(contacts.filter(pl.col("id").is_in([2, 4])))
    assert suppressed.drop("reason").equals(contacts.filter(~pl.col("id").is_in([2, 4])))
    assert suppressed["reason"].to_list() == ["opted out"] * 2 + ["unreadable number"] + ["no number"] * 2


def test_without_a_region_a_number_without_country_code_is_not_let_through() -> None:
    keep, suppressed = optkit.scrub(pl.DataFrame({"phone": [DEE, "2025550104", "12025550104"]}), HISTORY)
    assert keep["phone"].to_list() == [DEE]
    assert suppressed["reason"].to_list() == ["unreadable number"] * 2


def test_the_list_is_as_of_a_moment() -> None:
    contacts = pl.DataFrame({"phone": [ANN, BOB, CY]})
    assert optkit.scrub(contacts, HISTORY, moment(2))[0]["phone"].to_list() == [CY]
    assert optkit.scrub(contacts, HISTORY, moment(0))[1].is_empty()
    assert optkit.scrub(contacts, HISTORY.clear())[1].is_empty()


def test_by_pair_only_the_sender_s_own_opt_outs_count() -> None:
    contacts = pl.DataFrame(
        {"from_phone": ["24273", "+1 833 555 0142", "24273", "+18335550142"], "phone": [ANN, ANN, CY, CY]}
    )
    keep, suppressed = optkit.scrub(contacts, HISTORY, scope="pair")
    assert keep.rows() == [contacts.row(1), contacts.row(2)]
    assert suppressed["reason"].to_list() == ["opted out"] * 2
    with pytest.raises(SettingsError, match="from_phone"):
        optkit.scrub(contacts.drop("from_phone"), HISTORY, scope="pair")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_file_is_read_as_text(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "people.csv"
    lines = [("zip", "Mobile", "name"), ("00501", ANN, "Ann"), ("02134", DEE, ""), ("007", "020255", "Eve")]
    path.write_text("\ufeff" + "\n".join(separator.join(line) for line in lines) + "\n", encoding="utf-8")
    for given_path in (path, str(path)):
        keep, suppressed = optkit.scrub(given_path, HISTORY)
        assert keep.rows() == [("02134", DEE, None)]
        assert keep.columns == ["zip", "Mobile", "name"]
        assert suppressed.rows() == [
            ("00501", ANN, "Ann", "opted out"),
            ("007", "020255", "Eve", "unreadable number"),
        ]


def test_a_file_that_is_none_is_refused_without_its_contents(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nobody\.csv cannot be opened"):
        optkit.scrub(tmp_path / "nobody.csv", HISTORY)
    path = tmp_path / "latin.csv"
    path.write_bytes("phone,name\n+12025550101,J\xf6rg\n".encode("latin-1"))
    with pytest.raises(SettingsError, match="UTF-8") as caught:
        optkit.scrub(path, HISTORY)
    assert "+1202" not in str(caught.value)


def test_other_frames_and_numbers_that_pandas_read_as_numbers() -> None:
    contacts = pd.DataFrame({"phone": [12025550101.0, None, 12025550104.0], "x": [1, 2, 3]})
    keep, suppressed = optkit.scrub(contacts, HISTORY, region="US")
    assert keep.rows() == [(12025550104.0, 3)]
    assert suppressed["reason"].to_list() == ["opted out", "no number"]
    whole = optkit.scrub(pl.DataFrame(contacts).lazy(), HISTORY.lazy(), region="US")
    assert whole[0].equals(keep)
    assert optkit.scrub(contacts.astype({"phone": "Int64"}), HISTORY, region="US")[0].height == 1


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["phone", "name"], "phone"),
        (["Phone Number", "name"], "Phone Number"),
        (["name", "cell"], "cell"),
        (["name", "to_phone", "phone"], "to_phone"),
        (["from_phone", "mobile"], "mobile"),
        (["a", "b"], "b"),
    ],
)
def test_the_column_is_found(columns: list[str], found: str) -> None:
    values = {name: [DEE, ANN] if name == found else ["x", "y"] for name in columns}
    assert optkit.scrub(pl.DataFrame(values), HISTORY)[0][found].to_list() == [DEE]


def test_an_unclear_column_is_asked_for() -> None:
    contacts = pl.DataFrame({"home phone": [ANN], "mobile": [DEE]})
    with pytest.raises(SettingsError, match=r"home phone, mobile.*phone="):
        optkit.scrub(contacts, HISTORY)
    assert optkit.scrub(contacts, HISTORY, phone="mobile")[0].height == 1
    with pytest.raises(SettingsError, match="no column"):
        optkit.scrub(contacts, HISTORY, phone="fax")
    with pytest.raises(SettingsError, match="holds any"):
        optkit.scrub(pl.DataFrame({"name": ["Ann"]}), HISTORY)
    with pytest.raises(SettingsError, match="reason"):
        optkit.scrub(contacts.with_columns(reason=pl.lit("")), HISTORY, phone="mobile")
    with pytest.raises(SettingsError, match="not int"):
        optkit.scrub(3, HISTORY)


def test_a_history_s_numbers_may_be_written_otherwise() -> None:
    odd = ["12025550101", " +12025550102", "+1 (202) 555-0103", "+4402079460101", "short"]
    history = frame([Event(to, "A", 1, "opt-out") for to in odd])
    contacts = pl.DataFrame({"phone": [ANN, BOB, CY, "+442079460101", DEE, "short"]})
    keep, suppressed = optkit.scrub(contacts, history)
    assert keep["phone"].to_list() == [DEE]
    assert suppressed["reason"].unique().to_list() == ["opted out"]


@given(events())
def test_whoever_is_on_the_list_is_suppressed(made: list[Event]) -> None:
    listed = optkit.suppression_list(frame(made), scope="recipient")["to_phone"]
    contacts = pl.DataFrame({"phone": [e.to_phone for e in made]}, schema={"phone": pl.String})
    keep, suppressed = optkit.scrub(contacts, frame(made))
    assert not set(keep["phone"]) & set(listed)
    assert len(keep) + len(suppressed) == len(made)
    assert set(suppressed["reason"]) <= set(REASONS)
