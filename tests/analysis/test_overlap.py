from itertools import combinations

import reference
from histories import INSTANTS, Event, events, frame, moment
from hypothesis import given
from hypothesis import strategies as st

import optkit


@given(events(30), st.none() | st.sampled_from(INSTANTS))
def test_overlap_matches_reference(made: list[Event], until: int | None) -> None:
    table = optkit.overlap(frame(made), until=None if until is None else moment(until))
    made = reference.cut(made, until)
    end = max((e.at for e in made), default=0)
    out = {
        sender: {e.to_phone for e in made if reference.pair_state(made, sender, e.to_phone, end) == "opt-out"}
        for sender in {e.from_phone for e in made}
    }
    rows = []
    for a, b in combinations(sorted(out), 2):
        both, either = len(out[a] & out[b]), len(out[a] | out[b])
        if both:
            rows.append((a, b, both, len(out[a]), len(out[b]), both / either, both / len(out[a])))
    assert table.rows() == rows


def test_pairs_of_senders_without_people_out_of_both_have_no_row() -> None:
    made = [
        Event(f"+1202555{number:04}", f"sender {number + other}", number, "opt-out")
        for number in range(5000)
        for other in (0, 1)
    ]
    table = optkit.overlap(frame(made))
    assert table.height == 5000
    assert set(table["both_out"]) == {1}
