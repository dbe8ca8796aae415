"""Answers do not depend on how many threads polars has, nor on how many rows each step of a thread has."""

import os
import subprocess
import sys
from pathlib import Path

import answers
import polars as pl
from histories import MAY_BEGIN_AFTER_THE_DATA
from polars.testing import assert_frame_equal


@MAY_BEGIN_AFTER_THE_DATA
def test_several_threads_give_the_same_answers(tmp_path: Path) -> None:
    # with so few rows per step, all threads have many steps of each frame
    several = {"POLARS_MAX_THREADS": "4", "POLARS_IDEAL_MORSEL_SIZE": "50"}
    subprocess.run([sys.executable, answers.__file__, tmp_path], env=os.environ | several, check=True)
    expected = answers.answers()
    assert {path.name for path in tmp_path.iterdir()} == set(expected)
    for name, answer in expected.items():
        found = pl.read_ipc(tmp_path / name)
        assert_frame_equal(found, answer, rel_tol=1e-12)
