from itertools import combinations

import reference
from histories import INSTANTS, Event, events, frame, moment
from hypothesis import given
from hypothesis import strategies as st

import optkit


@given(events(30), st.none() | st.sampled_from(INSTANTS))
def test_overlap_is_the_reference_s(made: list[Event], until: int | None) -> None:
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
        jaccard = both / either if either else None
        share = both / len(out[a]) if out[a] else None
        rows.append((a, b, both, len(out[a]), len(out[b]), jaccard, share))
    assert table.rows() == rows
