"""The public names: complete as in the contract, and light to import."""

import subprocess
import sys

import pytest

import optkit

CONTRACT = set(
    """
    load scan load_messages scan_messages fetch coverage verify clear configure settings
    demo_history demo_messages demo_audience with_country with_local_time
    mask compare export history_from messages_from
    transitions spells churn opt_out_rates cycles return_curve cohorts status_at suppression_list suppression_diff
    audience attribution campaign_rates opt_out_hazard fatigue leaks leak_curve list_growth
    scrub overlap timeline spikes quality plots emulator
    OptkitError SettingsError AuthenticationError RateLimitError TransportError ResponseError DriftError
    LoadInterrupted CacheError MissingWindowsError HistoryError
    """.split()  # noqa: SIM905 - easier to compare with the contract than a column of strings
)
#: What the notebooks share: they are written with it, and so may users' own.
NOTEBOOKS = {"display"}

HEAVY = [
    "matplotlib",
    "requests",
    "pandas",
    "pyspark",
    "polars",
    "pyarrow",
    "scipy",
    "IPython",
    "jupyter_core",
    "starlette",
]


@pytest.mark.parametrize("name", sorted(CONTRACT))
def test_a_name_of_the_contract_is_there(name: str) -> None:
    assert getattr(optkit, name).__doc__
    assert name in dir(optkit)


def test_dir_is_the_contract() -> None:
    assert set(dir(optkit)) == CONTRACT | NOTEBOOKS | {"__version__"}


def test_an_unknown_name_says_so() -> None:
    with pytest.raises(AttributeError, match="loads"):
        _ = optkit.loads  # type: ignore[attr-defined]


def test_importing_it_imports_nothing_heavy() -> None:
    code = f"import sys, optkit; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_loading_imports_neither_matplotlib_nor_notebooks() -> None:
    code = (
        "import sys, tempfile, optkit; optkit.configure(cache_dir=tempfile.mkdtemp());"
        "optkit.load('2026-05-04', '2026-05-11', account='demo');"
        "print([name for name in ('matplotlib', 'pandas', 'pyspark', 'scipy', 'IPython') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
