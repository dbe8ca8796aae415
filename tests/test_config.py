import contextlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import optkit
from optkit.config import resolve


def test_argument_before_configure_before_environment_before_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve().workers == 32
    monkeypatch.setenv("OPTKIT_WORKERS", "3")
    assert resolve().workers == 3
    optkit.configure(workers=5)
    assert resolve().workers == 5
    assert resolve(workers=2).workers == 2
    optkit.configure(workers=None)
    assert resolve().workers == 3


def test_settings_say_where_values_came_from_and_hide_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTKIT_TOKEN", "s3cret")
    optkit.configure(look_back="36h")
    table = {name: (value, source) for name, value, source in optkit.settings().iter_rows()}
    assert table["token"] == ("(set, not shown)", "OPTKIT_TOKEN")
    assert table["look_back"] == ("1 day, 12:00:00", "configure")
    assert table["base_url"] == ("https://cx.avaamo.com", "default")
    assert table["max_rps"] == (None, "default")
    assert "s3cret" not in repr(resolve()) + str(optkit.settings())


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("token", "a b", "token"),
        ("token", "täglich", "token"),
        ("base_url", "cx.avaamo.com", "origin"),
        ("base_url", "https://cx.avaamo.com/api/v2", "leave out the path"),
        ("base_url", "http://cx.avaamo.com", "https"),
        ("base_url", "https://user:pass@cx.avaamo.com", "origin"),
        ("base_url", "https://cx.avaamo.com:port", "URL"),
        ("base_url", "https://cx.avaamo.com:0", "URL"),
        ("base_url", "https://cx.avaamo.com x", "URL"),
        ("base_url", "https://cx.avaamo\n.com", "URL"),
        ("base_url", "https://<b>", "origin"),
        ("account", "../other", "folder"),
        ("account", "", "folder"),
        ("account", "x" * 65, "folder"),
        ("account", "acme.", "folder"),
        ("account", "acme\n", "folder"),
        ("account", "\x1b[2J", "folder"),
        ("account", "Demo", "case"),
        ("account", "con", "Windows"),
        ("account", "NUL.txt", "Windows"),
        ("cache_dir", "", "path"),
        ("cache_dir", "a\0b", "path"),
        ("cache_dir", 5, "path"),
        ("cache_dir", "~nobody-of-that-name/cache", "path"),
        ("token", b"bytes", "token"),
        ("workers", 0, "1 to 64"),
        ("workers", "many", "1 to 64"),
        ("timeout", -1, "above 0"),
        ("timeout", "nan", "above 0"),
        ("timeout", 1e300, "at most a day"),
        ("max_rps", 0, "above 0"),
        ("max_rps", 1e-300, "one request per day"),
        ("look_back", "999999999999d", "too long"),
        ("look_back", "two days", "duration"),
        ("look_back", timedelta(days=-1), "below zero"),
        ("colour", "red", "no setting"),
    ],
)
def test_a_bad_value_is_rejected_in_one_sentence(name: str, value: object, says: str) -> None:
    changes: Any = {name: value}
    with pytest.raises(optkit.SettingsError, match=says):
        optkit.configure(**changes)


@given(
    st.sampled_from(
        ["token", "base_url", "account", "cache_dir", "workers", "timeout", "max_rps", "look_back"]
    ),
    st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.binary(), st.lists(st.none())),
)
def test_any_value_is_accepted_or_rejected_with_a_typed_error(name: str, value: object) -> None:
    changes: Any = {name: value}
    with contextlib.suppress(optkit.SettingsError):
        optkit.configure(**changes)
        assert optkit.settings().height == 8
    back: Any = {name: None}
    optkit.configure(**back)


def test_a_bad_environment_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTKIT_TIMEOUT", "soon")
    with pytest.raises(optkit.SettingsError, match="OPTKIT_TIMEOUT: timeout"):
        resolve()


def test_configure_changes_nothing_when_one_value_is_bad() -> None:
    with pytest.raises(optkit.SettingsError):
        optkit.configure(workers=2, timeout=-1)
    assert resolve().workers == 32


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://cx.avaamo.com/", "https://cx.avaamo.com"),
        ("https://CX.avaamo.com:8443", "https://cx.avaamo.com:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_base_url_is_an_origin(url: str, origin: str) -> None:
    assert resolve(base_url=url).base_url == origin


def test_the_cache_of_a_checkout_is_its_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPTKIT_CACHE_DIR")
    assert resolve().cache_dir == Path(optkit.__file__).parents[1] / "data"


def test_settings_table_has_documented_dtypes() -> None:
    assert set(optkit.settings().dtypes) == {pl.String}


def test_a_misspelt_variable_gives_one_warning_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPTKIT_CACHE", "somewhere")
    monkeypatch.setenv("OPTKIT_REQUIRE_ALL", "1")  # resembles no setting
    with pytest.warns(
        UserWarning, match="OPTKIT_CACHE is ignored: the setting is OPTKIT_CACHE_DIR"
    ) as caught:
        resolve()
    assert len(caught) == 1
    resolve()  # a second warning would be an error
