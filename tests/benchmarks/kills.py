"""Kill 100 loads at random moments and load again after each: what a test does with 10.

    uv run python tests/benchmarks/kills.py
    uv run python tests/benchmarks/kills.py --messages

Each load after a kill must be exact, read no window that was committed before it, and leave only whole files.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "emulated"))

from kills import kill_loads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--messages", action="store_true", help="of messages, not of events")
    given = parser.parse_args()
    dataset = "messages" if given.messages else "events"
    with tempfile.TemporaryDirectory() as cache:
        found = kill_loads(given.kills, Path(cache), given.seed, dataset)
    print(
        f"{found.total()} loads of {dataset} killed; every next load exact, no committed window read again, no file "
        "damaged"
    )
    print("| windows committed at the kill | kills |\n| ---: | ---: |")
    for windows, kills in sorted(found.items()):
        print(f"| {windows} of 8 | {kills} |")


if __name__ == "__main__":
    main()
