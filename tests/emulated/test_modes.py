"""The emulator in every mode, alone and in pairs: a load gives exactly the window's events or a documented error."""

import itertools
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from accounts import CLOCK, distinct, events_of, make_history
from mode_pairs import SEED, cover_pairs

import optkit
from optkit.emulator import ApiVariant, Arrivals, Emulator, Faults
from optkit.errors import (
    AuthenticationError,
    DriftError,
    OptkitError,
    RateLimitError,
    ResponseError,
    TransportError,
)

pytestmark = pytest.mark.usefixtures("quick_retries", "quick_hashes")

HISTORY = make_history(600)
#: Events inside the window that were not there when reading began; which of them a load sees is chance.
LATE = make_history(60, seed=7)


#: A day of the first week.
WITHHELD = (datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC))


@dataclass(frozen=True)
class Mode:
    """A mode of the server, the errors that it may cause (none: the load must be exact), and the words of a warning."""

    variant: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, Any] = field(default_factory=dict)
    arrivals: bool = False
    errors: tuple[type[OptkitError], ...] = ()
    warns: str = ""


MODES = {
    "as documented": Mode(),
    "created_at s": Mode({"created_at": "s"}),
    "created_at s float": Mode({"created_at": "s float"}),
    "created_at us": Mode({"created_at": "us"}),
    "created_at ms text": Mode({"created_at": "ms text"}),
    "created_at s float text": Mode({"created_at": "s float text"}),
    "created_at iso": Mode({"created_at": "iso"}),
    "oldest first": Mode({"order": "oldest first"}),
    "shuffled": Mode({"order": "shuffled"}),
    "bounds exclusive": Mode({"bounds": "exclusive"}),
    "bounds start inclusive": Mode({"bounds": "start inclusive"}),
    "totals missing": Mode({"totals": "missing"}),
    "totals as in the sample": Mode({"totals": "as in the sample"}),
    "totals too low": Mode({"totals": "too low"}, errors=(DriftError,), warns="totals mean nothing"),
    "totals too high": Mode({"totals": "too high"}, errors=(DriftError,), warns="totals mean nothing"),
    "totals 15,000": Mode({"totals": "15,000"}, errors=(DriftError,), warns="totals mean nothing"),
    # what is not sent can only be missed where it is counted
    "counted and not sent": Mode({"withheld": WITHHELD, "totals": "true"}, errors=(DriftError,)),
    "entries missing": Mode({"totals": "true"}, {"empties": 11}, errors=(DriftError,)),
    "filters ignored": Mode({"ignores_filters": True}),
    "per_page ignored": Mode({"per_page": 25}),
    "a page repeated": Mode({"stuck_page": 2}, errors=(ResponseError, DriftError)),
    "only without .json": Mode({"paths": "without .json"}),
    "gzip": Mode({"gzip": True}),
    "unknown fields": Mode({"extra_fields": True}),
    "a status null": Mode({"damage": "null", "damaged_every": 50}, errors=(ResponseError,)),
    "latency": Mode(faults={"latency": 0.002}),
    "rate limit": Mode(faults={"rate_limit": 60, "retry_after_form": "missing"}, errors=(RateLimitError,)),
    "errors 503": Mode(faults={"errors": 0.1}),
    "resets": Mode(faults={"resets": 0.1}),
    "resets in the body": Mode(faults={"resets_in_body": 0.1}),
    "truncated": Mode(faults={"truncated": 0.1}),
    "HTML with 200": Mode(faults={"html": 0.1}),
    "cut JSON": Mode(faults={"cut_json": 0.1}),
    "bad gzip": Mode(faults={"bad_gzip": 0.1}),
    "hangs": Mode(faults={"hangs": 0.02, "hang_seconds": 20.0}),
    "drips": Mode(faults={"drips": 0.02}),
    "token revoked": Mode(faults={"revoked_after": 9}, errors=(AuthenticationError,)),
    "redirect": Mode(faults={"redirect_to": "http://127.0.0.1:9"}, errors=(ResponseError,)),
    "rows arriving": Mode(arrivals=True, errors=(DriftError,)),
}
#: A fault that hits one request in ten hits six of them in a row once in a million; together with another, more often.
UNLUCKY = (TransportError, ResponseError, RateLimitError)


def run(names: tuple[str, ...], folder: Path) -> str:
    """Load two weeks from an emulator in these modes; return how it ended, having checked that it may."""
    modes = [MODES[name] for name in names]
    variant = {key: value for mode in modes for key, value in mode.variant.items()}
    faults = {key: value for mode in modes for key, value in mode.faults.items()}
    arrivals = Arrivals(rows=LATE, per_request=0.5) if any(mode.arrivals for mode in modes) else None
    server = Emulator(
        HISTORY,
        clock=CLOCK,
        variant=ApiVariant(**variant),
        faults=Faults(**faults, seed=SEED),
        arrivals=arrivals,
    )
    whole_seconds = variant.get("created_at") == "s"
    with server:
        optkit.configure(
            base_url=server.url, token=server.token, cache_dir=folder, account="tested", timeout=1.5
        )
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                loaded, failure = optkit.load("2026-03-02", "2026-03-16"), None
        except OptkitError as error:
            failure = error
    expected_warnings = [mode.warns for mode in modes if mode.warns]
    for warning in caught:
        assert any(words in str(warning.message) for words in expected_warnings), warning.message
    if failure is not None:
        allowed = tuple(kind for mode in modes for kind in mode.errors)
        unlucky = UNLUCKY if sum(bool(mode.faults) for mode in modes) > 1 else ()
        assert isinstance(failure, allowed + unlucky), f"{names}: {failure!r}"
        assert server.token not in str(failure)
        assert "1212555" not in str(failure)
        return type(failure).__name__
    expected, late = events_served(whole_seconds)
    events, possible = events_of(loaded), expected | late if arrivals else expected
    assert len(events) == len(set(events)), f"{names}: an event came twice"
    assert expected <= set(events) <= possible, f"{names}: {len(events)} events of {len(expected)}"
    assert optkit.verify()["ok"].all()
    return "exact"


@cache
def events_served(whole_seconds: bool) -> tuple[set[tuple[object, ...]], ...]:  # noqa: FBT001 - what the mode says
    """Return the events of the history and the late ones, as they remain if the server cuts times to whole seconds."""
    unit = "1s" if whole_seconds else "1ms"
    served = (frame.with_columns(pl.col("created_at").dt.truncate(unit)) for frame in (HISTORY, LATE))
    return tuple(set(distinct(frame)) for frame in served)


def compatible(one: str, other: str) -> bool:
    keys = [set(MODES[name].variant) | set(MODES[name].faults) for name in (one, other)]
    return not keys[0] & keys[1]


@pytest.mark.parametrize("name", MODES)
def test_a_mode_alone_is_exact_or_a_documented_error(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    outcome = run((name,), tmp_path)
    record_property("outcomes", [name, {outcome: 1}])
    certain = {"a status null", "token revoked", "redirect", "a page repeated", "counted and not sent"}
    assert (outcome != "exact") == (name in certain) or name == "rows arriving"


#: Modes in which every load is exact, by what of the server they change.
EXACT: dict[str, list[str]] = {}
for _name, _mode in MODES.items():
    if _mode.variant and not (_mode.errors or _mode.faults):
        EXACT.setdefault(min(_mode.variant), []).append(_name)
#: Faults, and modes that a load may not survive. Several at once would hide each other: they meet two at a time.
OTHERS = tuple(name for name in MODES if name not in {"as documented", *itertools.chain(*EXACT.values())})
SETS = list(cover_pairs([*map(tuple, EXACT.values()), OTHERS], compatible))


@pytest.mark.parametrize("part", range(8))
def test_each_pair_with_exact_modes_is_exact_or_a_documented_error(
    part: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    endings: Counter[str] = Counter()
    for number, (names, pairs) in enumerate(SETS[part::8]):
        endings[run(names, tmp_path / str(number))] += pairs
    record_property("outcomes", [f"pairs with exact modes, part {part + 1} of 8", dict(endings)])


@pytest.mark.parametrize("name", OTHERS[:-1])
def test_a_mode_with_each_later_one_is_exact_or_a_documented_error(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    later = [other for other in OTHERS[OTHERS.index(name) + 1 :] if compatible(name, other)]
    endings = Counter(run((name, other), tmp_path / str(number)) for number, other in enumerate(later))
    record_property("outcomes", [f"{name}, with later ones", dict(endings)])
