"""How the emulator deviates from the documented API."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from served_events import CLOCK, FIRST, PATH, START, events, get, raw, times

import optkit
from optkit.emulator import ApiVariant, Arrivals, Emulator, Faults


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("ms", 1780272000250),
        ("s", 1780272000),
        ("s float", 1780272000.25),
        ("us", 1780272000250000),
        ("ms text", "1780272000250"),
        ("s text", "1780272000"),
        ("s float text", "1780272000.250"),
        ("us text", "1780272000250000"),
        ("iso", "2026-06-01T00:00:00.250+00:00"),
    ],
)
def test_created_at_has_the_form_of_the_variant(form: Any, written: object) -> None:
    with Emulator(events(1), clock=CLOCK, variant=ApiVariant(created_at=form)) as server:
        answered = times(server)
    assert answered == [written]
    assert type(answered[0]) is type(written)


def test_order_is_newest_first_oldest_first_or_shuffled_but_stable() -> None:
    newest = [FIRST + 1000 * i for i in reversed(range(50))]
    seen = {}
    for order in ("newest first", "oldest first", "shuffled"):
        with Emulator(events(50), clock=CLOCK, variant=ApiVariant(order=order)) as server:
            pages = [times(server, page=page) for page in (1, 2)]
            assert pages == [times(server, page=page) for page in (1, 2)]
        seen[order] = pages[0] + pages[1]
    assert seen["newest first"] == newest
    assert seen["oldest first"] == newest[::-1]
    assert sorted(seen["shuffled"], reverse=True) == newest
    assert seen["shuffled"] not in (newest, newest[::-1])


@pytest.mark.parametrize(
    ("bounds", "seconds"),
    [
        ("inclusive", [4, 3, 2, 1]),
        ("exclusive", [3, 2]),
        ("start inclusive", [3, 2, 1]),
        ("end inclusive", [4, 3, 2]),
    ],
)
def test_bounds(bounds: Any, seconds: list[int]) -> None:
    with Emulator(events(9), clock=CLOCK, variant=ApiVariant(bounds=bounds)) as server:
        answered = times(server, start_time=FIRST + 1000, end_time=FIRST + 4000)
    assert answered == [FIRST + 1000 * second for second in seconds]


@pytest.mark.parametrize(
    ("totals", "answered"),
    [
        ("true", (9, 9)),
        ("missing", (None, None)),
        ("as in the sample", (9, 5)),
        ("too low", (4, 4)),
        ("too high", (19, 19)),
    ],
)
def test_totals(totals: Any, answered: tuple[int | None, int | None]) -> None:
    with Emulator(events(9), clock=CLOCK, variant=ApiVariant(totals=totals)) as server:
        page = get(server, per_page=1).json()
    assert (page.get("total_entries"), page.get("total_pages")) == answered


def test_per_page_may_be_ignored() -> None:
    with Emulator(events(60), clock=CLOCK, variant=ApiVariant(per_page=25)) as server:
        pages = [get(server, per_page=100, page=page).json() for page in (1, 3)]
    assert [(page["per_page"], len(page["entries"]), page["total_pages"]) for page in pages] == [
        (25, 25, 3),
        (25, 10, 3),
    ]


def test_pages_may_be_stuck() -> None:
    with Emulator(events(60), clock=CLOCK, variant=ApiVariant(stuck_page=2)) as server:
        assert (
            times(server, page=1) != times(server, page=2) == times(server, page=3) == times(server, page=9)
        )


@pytest.mark.parametrize(("paths", "there"), [("with .json", [200, 404]), ("without .json", [404, 200])])
def test_one_of_the_paths_may_be_missing(paths: Any, there: list[int]) -> None:
    with Emulator(events(1), clock=CLOCK, variant=ApiVariant(paths=paths)) as server:
        assert [get(server, PATH + end).status_code for end in (".json", "")] == there


def test_responses_are_compressed_for_clients_that_accept_gzip() -> None:
    with Emulator(events(30), clock=CLOCK, variant=ApiVariant(gzip=True)) as server:
        assert get(server).headers["content-encoding"] == "gzip"
        assert len(times(server)) == 25
        with raw(server) as connection:
            assert b"content-encoding" not in connection.recv(10_000)


def test_unknown_fields() -> None:
    with Emulator(events(1), clock=CLOCK, variant=ApiVariant(extra_fields=True)) as server:
        page = get(server).json()
    assert page["server"] == {"version": None}
    assert page["entries"][0].keys() > {"to_phone", "from_phone", "created_at", "status", "current_status"}
    assert page["entries"][0]["created_at"] == FIRST


@pytest.mark.parametrize("field", ["to_phone", "created_at", "status", "current_status"])
def test_corrupt_entries(field: str) -> None:
    for damage, seen in (("null", None), ("missing", "(none)"), ("unknown", "perhaps")):
        variant = ApiVariant(damage=damage, damaged_field=field, damaged_every=4)  # type: ignore[arg-type]
        with Emulator(events(8), clock=CLOCK, variant=variant) as server:
            values = [entry.get(field, "(none)") for entry in get(server).json()["entries"]]
        assert [value in {None, "(none)", "perhaps"} for value in values] == [*[False] * 3, True] * 2
        assert values[3] == values[7] == seen


def test_late_events_become_visible_as_the_clock_moves_on() -> None:
    late = ApiVariant(late_by=timedelta(hours=6))
    with Emulator(events(10), clock=START + timedelta(hours=1), variant=late) as server:
        assert get(server).json()["total_entries"] == 0
        server.clock = START + timedelta(hours=6, seconds=3)
        assert times(server) == [FIRST + 1000 * second for second in (3, 2, 1, 0)]
        server.clock = CLOCK
        assert get(server).json()["total_entries"] == 10


def test_a_share_of_the_events_may_be_late() -> None:
    late = ApiVariant(late_by=timedelta(hours=6), late_share=0.3)
    with Emulator(events(1000), clock=START + timedelta(hours=1), variant=late) as server:
        assert 600 < get(server).json()["total_entries"] < 800
        server.clock = CLOCK
        assert get(server).json()["total_entries"] == 1000


def test_events_arrive_with_each_requested_page() -> None:
    arriving = Arrivals(rows=events(3, after=timedelta(milliseconds=500)), per_request=0.5)
    with Emulator(events(10), clock=CLOCK, arrivals=arriving) as server:
        totals = [get(server).json()["total_entries"] for _ in range(8)]
        assert totals == [10, 11, 11, 12, 12, 13, 13, 13]
        assert times(server)[-3:] == [FIRST + 1000, FIRST + 500, FIRST]  # inside the window


def test_events_arrive_as_time_passes() -> None:
    arriving = Arrivals(rows=events(5, after=timedelta(days=1)), per_second=200)
    with Emulator(events(10), clock=CLOCK, arrivals=arriving) as server:
        deadline = time.monotonic() + 10
        while get(server).json()["total_entries"] < 15:
            assert time.monotonic() < deadline
        assert times(server)[0] == FIRST + 86_400_000 + 4000  # at the newest end


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ApiVariant(order="sideways"), "order must be 'newest first' or"),  # type: ignore[arg-type]
        (lambda: ApiVariant(damage="total"), "damage must be 'null' or"),  # type: ignore[arg-type]
        (lambda: ApiVariant(per_page=0), "per_page must be"),
        (lambda: ApiVariant(damaged_every=0), "damaged_every must be"),
        (lambda: ApiVariant(damaged_field="colour"), "damaged_field must be"),
        (lambda: Faults(retry_after_form="soon"), "retry_after_form"),  # type: ignore[arg-type]
        (lambda: Faults(errors=-1), "errors must not be below zero"),
        (lambda: Faults(capacity=0), "capacity must be at least 1"),
        (lambda: Faults(when_full="leave"), "when_full must be 'wait' or 'refuse'"),  # type: ignore[arg-type]
    ],
)
def test_invalid_settings_are_errors(make: Callable[[], object], says: str) -> None:
    with pytest.raises(optkit.SettingsError, match=says):
        make()
