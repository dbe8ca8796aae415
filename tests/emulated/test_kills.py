from pathlib import Path

from kills import kill_loads


def test_the_load_after_a_kill_is_exact_and_reads_no_window_again_that_was_committed(tmp_path: Path) -> None:
    assert kill_loads(10, tmp_path, seed=0).total() == 10
