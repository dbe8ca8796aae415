"""The rates of false alarms in the notebooks are those of the simulations."""

import json
from pathlib import Path

import pytest

from optkit.report.notebooks import find

#: What a page claims, and where that is tested: (notebook, words, test).
CLAIMS = [
    ("00_start_here", "about one in fifty is nevertheless reported to have silent days", "test_quality"),
    ("01_churn", "one last week in 13 is called the highest and one the lowest", "test_churn"),
    ("02_re_opt_in_cycles", "misses the true value up to about one time in ten", "test_returns"),
    ("03_opt_out_rates_by_sender", "up to one page in ten has a false alarm", "test_senders"),
    ("04_what_happened_that_day", "one page in ten shows a day above the limits", "test_days"),
    ("07_where_they_live", "one page in a hundred says that they do", "test_returns"),
]


@pytest.mark.parametrize(("notebook", "words", "test"), CLAIMS)
def test_each_page_states_its_error_rates(notebook: str, words: str, test: str) -> None:
    page = next(path for path in find() if path.stem == notebook)
    cells = json.loads(page.read_text())["cells"]
    assert words in "".join(cells[-1]["source"])
    assert (Path(__file__).parent / f"{test}.py").is_file()
