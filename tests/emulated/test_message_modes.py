"""Messages from the emulator in every mode, alone and in pairs: exactly what was sent, or a documented error."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from accounts import CLOCK, make_history, make_messages
from mode_pairs import SEED, Modes, cover_pairs

import optkit
from optkit.emulator import ApiVariant, Arrivals, Emulator, Faults

pytestmark = pytest.mark.usefixtures("quick_retries", "quick_hashes")

ASKED = ("2026-03-10", "2026-03-12")
HISTORY = make_history(60)
MESSAGES = make_messages(300, days=2)
WITHHELD = (datetime(2026, 3, 10, 9, tzinfo=UTC), datetime(2026, 3, 10, 15, tzinfo=UTC))
#: Messages that were not there when reading began; which of them a load sees is chance.
LATE = make_messages(40, seed=7, days=2)

#: What the server may do, by what of it can only be done in one way at a time.
VARIANTS: tuple[dict[str, dict[str, Any]], ...] = (
    {"time in s": {"insights_unit": "s"}, "start in s, end in ms": {"insights_unit": "start s, end ms"}},
    {
        "phones as digits": {"phone_form": "digits"},
        "phones with punctuation": {"phone_form": "punctuated"},
        "phones in any form": {"phone_form": "mixed"},
    },
    {"capitalized": {"capitalized": True}},
    {
        "created_at ms": {"message_created_at": "ms"},
        "created_at iso": {"message_created_at": "iso"},
        "created_at s text": {"message_created_at": "s text"},
    },
    {"other channels": {"other_channels": 0.3, "ignores_channel": True}},
    {"statuses settle when shown": {"settle_when_shown": True}},
    {"oldest first": {"order": "oldest first"}, "shuffled": {"order": "shuffled"}},
    {
        "bounds exclusive": {"bounds": "exclusive"},
        "bounds start inclusive": {"bounds": "start inclusive"},
    },
    {
        "totals missing": {"totals": "missing"},
        "totals as in the sample": {"totals": "as in the sample"},
        "totals too low": {"totals": "too low"},
        "totals too high": {"totals": "too high"},
    },
    {"per_page ignored": {"per_page": 25}},
    {"gzip": {"gzip": True}},
    {"unknown fields": {"extra_fields": True}},
)
FAULTS: dict[str, dict[str, Any]] = {
    "errors 503": {"errors": 0.1},
    "resets": {"resets": 0.1},
    "resets in the body": {"resets_in_body": 0.1},
    "truncated": {"truncated": 0.1},
    "HTML with 200": {"html": 0.1},
    "cut JSON": {"cut_json": 0.1},
    "bad gzip": {"bad_gzip": 0.1},
    "hangs": {"hangs": 0.02, "hang_seconds": 20.0},
    "drips": {"drips": 0.02},
    "rate limit": {"rate_limit": 60},
    "four at once": {"capacity": 4, "when_full": "refuse", "retry_after": 1},
}
#: What can only be missed where it is counted: not together with other totals.
ALONE: dict[str, dict[str, Any]] = {"entries missing": {"empties": 11}}
#: What no load can survive, and what it must say then.
WRECKS: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[type[optkit.OptkitError], ...]]] = {
    "counted and not sent": ({"withheld": WITHHELD}, {}, (optkit.DriftError,)),
    "a page repeated": ({"stuck_page": 1, "per_page": 25}, {}, (optkit.ResponseError, optkit.DriftError)),
    "a status null": (
        {"damage": "null", "damaged_field": "delivery_status", "damaged_every": 50},
        {},
        (optkit.ResponseError,),
    ),
    "errors always": ({}, {"errors": 1}, (optkit.TransportError,)),
    "token revoked": ({}, {"revoked_after": 6}, (optkit.AuthenticationError,)),
    "redirect": ({}, {"redirect_to": "http://127.0.0.1:9"}, (optkit.ResponseError,)),
}
SETTINGS = {name: given for group in VARIANTS for name, given in group.items()}
#: A load that sees entries arrive, or that cannot compare its windows' totals, may say so.
MAY_DRIFT = {"entries missing", "rows arriving", "totals too low", "totals too high"}


def run(modes: Modes, cache: Path) -> str:
    """Load two days from an emulator in these modes; return how it ended, having checked that it may."""
    variant = ApiVariant(**{key: value for name in modes for key, value in SETTINGS.get(name, {}).items()})
    faults = {key: value for name in modes for key, value in (FAULTS | ALONE).get(name, {}).items()}
    arrivals = Arrivals(rows=LATE, per_request=0.5) if "rows arriving" in modes else None
    server = Emulator(
        HISTORY,
        MESSAGES,
        clock=CLOCK,
        variant=variant,
        faults=Faults(**faults, seed=SEED),
        message_arrivals=arrivals,
    )
    with server, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "this server's totals mean nothing")
        optkit.configure(
            base_url=server.url, token=server.token, cache_dir=cache, account="tested", timeout=1.5
        )
        try:
            loaded = optkit.load_messages(*ASKED)
        except optkit.DriftError:
            assert MAY_DRIFT & set(modes), modes
            return "DriftError"
    late = loaded.filter(~pl.col("message_id").is_in(MESSAGES["message_id"].implode()))["message_id"]
    assert late.is_in(LATE["message_id"].implode() if arrivals else []).all(), modes
    changing = ["delivery_status"] if variant.settle_when_shown else []
    found, sent = (
        frame.join(late.to_frame(), on="message_id", how="anti")
        .drop(changing)
        .with_columns(pl.col("to_phone", "from_phone").str.replace_all(r"\D", ""))
        for frame in (loaded, MESSAGES)
    )
    assert found.equals(sent), modes
    assert (optkit.coverage(dataset="messages")["dropped"].sum() > 0) == ("other channels" in modes), modes
    assert optkit.verify(dataset="messages")["ok"].all()
    return "exact"


@pytest.mark.parametrize("name", [*SETTINGS, *FAULTS, *ALONE, "rows arriving"])
def test_a_mode_alone_is_exact(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    outcome = run((name,), tmp_path)
    record_property("outcomes", [f"messages: {name}", {outcome: 1}])
    assert outcome == "exact" or name in MAY_DRIFT


@pytest.mark.parametrize("name", WRECKS)
def test_a_load_that_cannot_be_exact_is_an_error_and_leaves_only_whole_windows(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    variant, faults, errors = WRECKS[name]
    with Emulator(
        HISTORY, MESSAGES, clock=CLOCK, variant=ApiVariant(**variant), faults=Faults(**faults)
    ) as server:
        optkit.configure(base_url=server.url, token=server.token, cache_dir=tmp_path, account="tested")
        with pytest.raises(errors) as caught:
            optkit.load_messages(*ASKED)
    assert server.token not in str(caught.value)
    assert "1212555" not in str(caught.value)
    for start, end, rows in (
        optkit.coverage(dataset="messages").select("window_start", "window_end", "rows").rows()
    ):
        assert rows == MESSAGES.filter(pl.col("sent_at").is_between(start, end, closed="left")).height
    record_property("outcomes", [f"messages: {name}", {type(caught.value).__name__: 1}])


GROUPS: list[Modes] = [*map(tuple, VARIANTS), tuple(FAULTS)]


def with_arrivals() -> Iterator[tuple[Modes, int]]:
    """Yield sets that each begin with rows arriving, where no other pair counts: such a load may end with an error."""
    for number in range(max(map(len, GROUPS))):
        others = [group[number % len(group)] for group in GROUPS]
        yield ("rows arriving", *others), sum(number < len(group) for group in GROUPS)


SETS = [*cover_pairs(GROUPS), *with_arrivals()]


@pytest.mark.parametrize("part", range(8))
def test_each_pair_of_modes_is_exact_or_a_documented_error(
    part: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    endings: Counter[str] = Counter()
    for number, (modes, pairs) in enumerate(SETS):
        if number % 8 == part:
            endings[run(modes, tmp_path / str(number))] += pairs
    record_property("outcomes", [f"messages: pairs of modes, part {part + 1} of 8", dict(endings)])
