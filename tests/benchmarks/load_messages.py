"""Measure what loading messages costs, beside a naive loop and dlt: rate, processor time, memory, bytes on disk.

    uv run --group bench python tests/benchmarks/load_messages.py
    uv run --group bench python tests/benchmarks/load_messages.py --latency 0.05 --repeat 1

As in loading.py, whose contenders they are: the emulator answers from a process of its own, and every contender runs in
another. All of them load 100,000 messages of two weeks; optkit loads as many messages a day of 20 weeks as well,
because neither its cost per message nor its memory may grow.
"""

import argparse

from loading import OPTKIT, Case, measure

CONTENDERS = ("naive loop", "dlt rest_api, 8 windows in parallel", OPTKIT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    print("| messages | by | messages/s | CPU s per million | peak MB beyond imports | bytes per message |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |", flush=True)
    for rows, days, names in ((100_000, 14, CONTENDERS), (1_000_000, 140, (OPTKIT,))):
        case = Case(rows, days, given.latency, names, dataset="messages")
        for name, found in measure(case, list(names), given.repeat).items():
            rate, cpu = rows / found["seconds"], found["cpu"] / rows * 1e6
            cells = (f"{rows:,}", name, f"{rate:,.0f}", f"{cpu:.1f}", f"{found['memory']:.0f}")
            print(f"| {' | '.join(cells)} | {found['bytes'] / rows:.1f} |", flush=True)


if __name__ == "__main__":
    main()
