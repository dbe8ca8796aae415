from pathlib import Path

import pytest
from kills import kill_loads


@pytest.mark.parametrize("dataset", ["events", "messages"])
def test_the_load_after_a_kill_is_exact_and_reads_no_window_again_that_was_committed(
    dataset: str, tmp_path: Path
) -> None:
    assert kill_loads(10, tmp_path, 0, dataset).total() == 10
