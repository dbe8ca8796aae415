from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import matplotlib.pyplot as plt
import polars as pl
import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

from optkit import display, messages
from optkit.history import SCHEMA


@pytest.fixture
def shown() -> Iterator[list[dict[str, Any]]]:
    """What IPython was asked to display."""
    shell = InteractiveShell.instance()
    publisher, shell.display_pub = shell.display_pub, CapturingDisplayPublisher()
    yield shell.display_pub.outputs
    shell.display_pub = publisher
    InteractiveShell.clear_instance()
    plt.close("all")


@pytest.fixture
def account_data() -> display.AccountData:
    """An account with two events, without an audience."""
    history = pl.DataFrame(
        {
            "to_phone": ["+12025550101", "+12025550102"],
            "from_phone": ["72975", "72975"],
            "created_at": [datetime(2026, 1, 5, 10, tzinfo=UTC), datetime(2026, 1, 9, 11, tzinfo=UTC)],
            "status": ["opt-out", "opt-out"],
            "current_status": ["opt-out", "opt-out"],
        },
        schema=SCHEMA,
    )
    coverage = pl.DataFrame(
        {
            "window_start": [datetime(2026, 1, 5, tzinfo=UTC)],
            "window_end": [datetime(2026, 1, 12, tzinfo=UTC)],
            "rows": [2],
            "duplicates": [0],
            "pages": [1],
            "final": [False],
            "fetched_at": [datetime(2026, 1, 10, 8, tzinfo=UTC)],
        }
    )
    return display.AccountData(
        name="acme",
        history=history,
        audience=None,
        messages=messages.SCHEMA.to_frame(),
        no_messages="not requested",
        coverage=coverage,
        senders=None,
        since=None,
        until=datetime(2026, 1, 10, 8, tzinfo=UTC),
        opened_at=datetime(2026, 1, 10, 9, tzinfo=UTC),
    )
