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


def test_each_contact_is_unchanged_in_one_of_the_two_tables() -> None:
    contacts = pl.DataFrame(
        {
            "id": [1, 2, 3, 4, 5, 6, 7],
            "phone": ["(202) 555-0101", BOB, "202.555.0103", " 1 202 555 0104", "call me", None, " "],
            "joined": pl.Series(["2026-01-01"] * 7).str.to_date(),
        }
    )
    keep, suppressed = optkit.scrub(contacts, HISTORY, region="us")
    assert keep.equals(contacts.filter(pl.col("id").is_in([2, 4])))
    assert suppressed.select(contacts.columns).equals(contacts.filter(~pl.col("id").is_in([2, 4])))
    assert suppressed.columns == [*contacts.columns, "reason", "e164", "from_phone", "opted_out_at"]
    assert suppressed["reason"].to_list() == ["opted out"] * 2 + ["unreadable number"] + ["no number"] * 2


def test_without_a_region_a_number_without_a_country_code_is_suppressed() -> None:
    contacts = pl.DataFrame({"phone": [DEE, "2025550104", "12025550104"]})
    with pytest.warns(UserWarning, match="2 numbers without a country code could not be read; give"):
        keep, suppressed = optkit.scrub(contacts, HISTORY)
    assert keep["phone"].to_list() == [DEE]
    assert suppressed["reason"].to_list() == ["unreadable number"] * 2


@pytest.mark.parametrize("region", ["DE", "GB", "AU", "IT"])
def test_with_a_wrong_region_an_opted_out_number_is_suppressed_with_a_warning(region: str) -> None:
    out = ["(202) 555-0101", "202.555.0101", "2025550103.0", "0202 5550101"]
    read = [text for text in out if optkit.phones.e164(text.removesuffix(".0"), region)]
    assert read, "the wrong region reads some of them"
    says = f"{len(read)} number.* without a country code had to be suppressed: the same digits are opted out"
    with pytest.warns(UserWarning, match=says):
        keep, suppressed = optkit.scrub(pl.DataFrame({"phone": [*out, DEE]}), HISTORY, region=region)
    assert keep["phone"].to_list() == [DEE]
    assert set(suppressed["reason"]) <= {"opted out", "unreadable number"}
    assert suppressed.filter(pl.col("phone").is_in(read))["reason"].unique().to_list() == ["opted out"]


def test_digits_with_another_country_code_are_not_in_doubt() -> None:
    contacts = pl.DataFrame({"phone": ["+49 2025550101", "0049 202 5550101", "+492025550103"]})
    keep, _ = optkit.scrub(contacts, HISTORY, region="DE")
    assert keep.equals(contacts)


def test_the_list_is_that_of_a_given_time() -> None:
    contacts = pl.DataFrame({"phone": [ANN, BOB, CY]})
    assert optkit.scrub(contacts, HISTORY, moment(2))[0]["phone"].to_list() == [CY]
    assert optkit.scrub(contacts, HISTORY, moment(0))[1].is_empty()
    assert optkit.scrub(contacts, HISTORY.clear())[1].is_empty()


def test_by_pair_only_opt_outs_of_the_same_sender_count() -> None:
    contacts = pl.DataFrame(
        {"from_phone": ["24273", "+1 833 555 0142", "24273", "+18335550142"], "phone": [ANN, ANN, CY, CY]}
    )
    keep, suppressed = optkit.scrub(contacts, HISTORY, scope="pair")
    assert keep.rows() == [contacts.row(1), contacts.row(2)]
    assert suppressed["reason"].to_list() == ["opted out"] * 2
    with pytest.raises(SettingsError, match="from_phone"):
        optkit.scrub(contacts.drop("from_phone"), HISTORY, scope="pair")


@pytest.mark.parametrize("dtype", [pl.Int64, pl.Float64, pl.String])
def test_senders_of_contacts_may_be_numbers(dtype: type[pl.DataType]) -> None:
    senders = pl.Series("from_phone", [18_335_550_142, 24_273]).cast(dtype)
    contacts = pl.DataFrame([senders, pl.Series("phone", [CY, CY])])
    keep, suppressed = optkit.scrub(contacts, HISTORY, scope="pair")
    assert keep.rows() == [contacts.row(1)]
    assert suppressed["reason"].to_list() == ["opted out"]


def test_a_sender_without_events_gives_a_warning() -> None:
    contacts = pl.DataFrame({"from_phone": ["24237", "24273"], "phone": [ANN, BOB]})
    with pytest.warns(
        UserWarning, match=r"no event has the sender 24237; .* are \+18335550142 and 24273"
    ) as caught:
        optkit.scrub(contacts, HISTORY, scope="pair")
    assert caught[0].filename == __file__


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_file_is_read_as_text(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "people.csv"
    lines = [("zip", "Mobile", "name"), ("00501", ANN, "Ann"), ("02134", DEE, ""), ("007", "020255", "Eve")]
    path.write_text("\ufeff" + "\n".join(separator.join(line) for line in lines) + "\n", encoding="utf-8")
    for given_path in (path, str(path)):
        keep, suppressed = optkit.scrub(given_path, HISTORY)
        assert keep.rows() == [("02134", DEE, None)]
        assert keep.columns == ["zip", "Mobile", "name"]
        assert suppressed.drop("from_phone", "opted_out_at").rows() == [
            ("00501", ANN, "Ann", "opted out", ANN),
            ("007", "020255", "Eve", "unreadable number", None),
        ]


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_csv_file_of_another_system_is_read(tmp_path: Path, ends: str, encoding: str) -> None:
    path = tmp_path / "people.csv"
    text = ends.join(["Name;Mobile", f"Jörg;{ANN}", f"Zoë;{DEE}", ""])
    path.write_bytes(text.encode(encoding))
    keep, suppressed = optkit.scrub(path, HISTORY)
    assert keep["Name"].to_list() == ["Zoë"]
    assert suppressed["Name"].to_list() == ["Jörg"]


def test_excel_and_parquet_files_are_read(tmp_path: Path) -> None:
    people = pl.DataFrame({"name": ["Ann", "Dee"], "Mobile": [ANN, DEE]})
    numbers = pl.DataFrame({"name": ["Ann", "Dee"], "Mobile": [12025550101, 12025550104]})
    for table, ending in ((people, "xlsx"), (people, "parquet"), (numbers, "xlsx"), (numbers, "parquet")):
        optkit.export(table, tmp_path / f"people.{ending}")
        keep, suppressed = optkit.scrub(tmp_path / f"people.{ending}", HISTORY, region="US")
        assert keep["name"].to_list() == ["Dee"]
        assert suppressed["e164"].to_list() == [ANN]


def test_a_file_without_column_names_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    for first in (ANN, "(202) 555-0101", "12025550101"):
        path.write_text(f"{first}\n{DEE}\n")
        with pytest.raises(SettingsError, match=r"people\.csv has a phone number in its first row") as caught:
            optkit.scrub(path, HISTORY)
        assert first not in str(caught.value)


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nobody\.csv' cannot be opened"):
        optkit.scrub(tmp_path / "nobody.csv", HISTORY)


def test_a_list_of_numbers_is_a_contact_list() -> None:
    for contacts in ([ANN, DEE, None, "?"], (ANN, DEE, None, "?"), pl.Series([ANN, DEE, None, "?"])):
        keep, suppressed = optkit.scrub(contacts, HISTORY)
        assert keep["phone"].to_list() == [DEE]
        assert suppressed["reason"].to_list() == ["opted out", "no number", "unreadable number"]
    assert optkit.scrub([12025550101], HISTORY, region="US")[1]["e164"].to_list() == [ANN]


def test_names_of_columns_match_in_any_case() -> None:
    contacts = pl.DataFrame(
        {"MOBILE": [ANN, DEE], "Other phone": ["x", "y"], "From_Phone": ["24273", "24273"]}
    )
    assert optkit.scrub(contacts, HISTORY, phone="mobile")[0]["MOBILE"].to_list() == [DEE]
    keep, suppressed = optkit.scrub(contacts, HISTORY, scope="pair", phone="Mobile")
    assert keep["MOBILE"].to_list() == [DEE]
    assert suppressed["reason"].to_list() == ["opted out"]


def test_each_contact_may_have_its_own_region() -> None:
    history = frame([Event("+442079460101", "24273", 1, "opt-out"), Event(ANN, "24273", 1, "opt-out")])
    contacts = pl.DataFrame(
        {
            "phone": [
                "020 7946 0101",
                "(202) 555-0101",
                "(202) 555-0104",
                "(202) 555-0101",
                ANN,
                "020 7946 0102",
            ],
            "Country": ["gb", " US", "US", None, None, "UK"],
        }
    )
    with pytest.warns(UserWarning, match="2 numbers without a country code could not be read"):
        keep, suppressed = optkit.scrub(contacts, history, region="country")
    assert keep["phone"].to_list() == ["(202) 555-0104"]
    assert suppressed["e164"].to_list() == ["+442079460101", ANN, None, ANN, None]
    with pytest.raises(SettingsError, match=r"no country 'land'.*or the name of a column"):
        optkit.scrub(contacts, history, region="land")


def test_the_earliest_opt_out_in_force_is_named() -> None:
    history = frame(
        [
            Event(ANN, "A", 1, "opt-out"),
            Event(ANN, "B", 2, "opt-out"),
            Event(ANN, "C", 3, "opt-out"),
            Event(ANN, "A", 4, "opt-in"),
        ]
    )
    _, suppressed = optkit.scrub([ANN, "no"], history)
    assert suppressed.select("from_phone", "opted_out_at").rows() == [("B", moment(2)), (None, None)]
    assert optkit.scrub([ANN], history, moment(2))[1]["from_phone"].to_list() == ["A"]
    own = pl.DataFrame({"phone": [ANN], "from_phone": ["mine"]})
    assert optkit.scrub(own, history)[1]["from_phone"].to_list() == ["mine"]


def test_other_frames_and_numbers_that_pandas_read_as_numbers() -> None:
    contacts = pd.DataFrame({"phone": [12025550101.0, None, 12025550104.0, 12025550104.5], "x": [1, 2, 3, 4]})
    keep, suppressed = optkit.scrub(contacts, HISTORY, region="US")
    assert keep.rows() == [(12025550104.0, 3)]
    assert suppressed["reason"].to_list() == ["opted out", "no number", "unreadable number"]
    as_text = pl.DataFrame({"phone": ["12025550101.0", "12025550104.0"]})
    assert optkit.scrub(as_text, HISTORY, region="US")[0].height == 1
    whole = optkit.scrub(pl.DataFrame(contacts).lazy(), HISTORY.lazy(), region="US")
    assert whole[0].equals(keep)
    assert optkit.scrub(contacts.head(3).astype({"phone": "Int64"}), HISTORY, region="US")[0].height == 1


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
    with pytest.raises(SettingsError, match=r"no column 'fax'; they have 'home phone' and 'mobile'$"):
        optkit.scrub(contacts, HISTORY, phone="fax")
    with pytest.raises(SettingsError, match="no column has such a name or contains"):
        optkit.scrub(pl.DataFrame({"name": ["Ann"]}), HISTORY)
    with pytest.raises(SettingsError, match="reason"):
        optkit.scrub(contacts.with_columns(reason=pl.lit("")), HISTORY, phone="mobile")
    with pytest.raises(SettingsError, match="not int"):
        optkit.scrub(3, HISTORY)  # type: ignore[arg-type]


def test_numbers_of_a_history_may_be_written_differently() -> None:
    odd = ["12025550101", " +12025550102", "+1 (202) 555-0103", "+4402079460101", "short"]
    history = frame([Event(to, "A", 1, "opt-out") for to in odd])
    contacts = pl.DataFrame({"phone": [ANN, BOB, CY, "+442079460101", DEE, "short"]})
    keep, suppressed = optkit.scrub(contacts, history)
    assert keep["phone"].to_list() == [DEE]
    assert suppressed["reason"].unique().to_list() == ["opted out"]


@pytest.mark.filterwarnings("ignore:.* without a country code could not be read")
@given(events())
def test_everybody_on_the_list_is_suppressed(made: list[Event]) -> None:
    listed = optkit.suppression_list(frame(made), scope="recipient")["to_phone"]
    contacts = pl.DataFrame({"phone": [e.to_phone for e in made]}, schema={"phone": pl.String})
    keep, suppressed = optkit.scrub(contacts, frame(made))
    assert not set(keep["phone"]) & set(listed)
    assert len(keep) + len(suppressed) == len(made)
    assert set(suppressed["reason"]) <= set(REASONS)
