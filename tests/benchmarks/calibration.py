"""How often the pages say something false, or miss something true: the full tables behind tests/calibration.

    python tests/benchmarks/calibration.py
    python tests/benchmarks/calibration.py --pages 2000 --only senders days

Every row is a simulation with a known truth and a fixed seed. The tests run the same simulations with fewer
pages. The default takes about ten minutes on two cores.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "calibration" / "shared"))

import simulated_days as days
import simulated_quality as quality
import simulated_returns as returns
import simulated_senders as senders
import simulated_weeks as weeks

Row = tuple[str, str, str, float]  # section, what is simulated, what is wanted, what was found


def of_senders(pages: int) -> Iterator[Row]:
    for count in (5, 9, 20):
        for cv, law in ((0.0, "gamma"), (0.3, "gamma"), (0.6, "gamma"), (0.3, "lognormal")):
            wanted = "<= 0.15" if law == "lognormal" else "<= 0.10"
            share = senders.pages_with_false_alarms(pages, count, cv, law)
            yield "senders", f"{count} usual senders, cv {cv:g} {law}: false alarm", wanted, share
    for cv, wanted in ((0.0, ">= 0.90"), (0.2, ">= 0.70")):
        share = senders.found_bad_sender(pages, 9, cv, 3)
        yield "senders", f"1 of 9 at three times the rate, cv {cv:g}: found", wanted, share
    for times in (2, 3):
        share = senders.found_bad_sender(pages, 9, 0, times, half=True)
        yield "senders", f"half of all recipients, {times} times the rate: found", ">= 0.90", share
    for count in (2, 3, 4):
        share = senders.said_to_differ(pages, count, 1, 0.01)
        yield "senders", f"{count} equal senders: said to differ", "<= 0.02", share
        share = senders.said_to_differ(pages, count, 2, 0.01)
        yield "senders", f"{count} senders, one twice the rate: said to differ", ">= 0.90", share
    share = senders.order_called_chance_although_rejected(pages)
    yield "senders", "order called chance although chi-square rejects equality", "0", share


def of_days(pages: int) -> Iterator[Row]:
    for rate in (0.02, 0.1, 0.3, 1, 3, 10, 100, 1000):
        share = days.pages_with_spikes(pages, lambda _, rate=rate: days.flat(rate))
        yield "days", f"{rate:g} opt-outs a day: a false spike in the year", "<= 0.10", share
    for rate in (30, 300, 1000):
        share = days.pages_with_spikes(pages, lambda _, rate=rate: days.fourfold(rate), last=7)
        yield "days", f"fourfold in a year, {rate} a day: in the last 7 days", "<= 0.10", share
        share = days.pages_with_spikes(pages, lambda rng, rate=rate: days.season(rate, rng.random()), last=7)
        yield "days", f"season of 30 %, {rate} a day: in the last 7 days", "<= 0.10", share
    yield "days", "twice the opt-outs on a day, 100 a day: found", ">= 0.95", days.found_days(pages, 100, 2)
    share = days.found_days(pages, 100, 2, day=days.DAYS - 1)
    yield "days", "twice the opt-outs on the last day, 100 a day: found", ">= 0.95", share
    yield "days", "nine lanes: false marks a page", "<= 1", days.marks_per_page(max(1, pages // 5), 9)


def of_returns(pages: int) -> Iterator[Row]:
    for count, share_back in ((30, 0.06), (30, 0.25), (100, 0.06), (400, 0.25)):
        held, flat = returns.coverage(pages, count, share_back)
        what = f"{count} opt-outs, {share_back:.0%} come back"
        yield "returns", f"{what}: interval of 95 % holds the truth", ">= 0.88", held
        yield "returns", f"{what}: interval without width", "0", flat
    for people in (60, 300):
        share = returns.coverage_of_restless_people(max(1, pages // 3), people)
        yield "returns", f"{people} people, some come and go: interval holds the truth", ">= 0.88", share
    for countries in (3, 6, 12):
        share = returns.equal_countries_said_to_differ(max(1, pages // 3), countries, 0.01)
        yield "returns", f"{countries} equal countries: said to differ", "<= 0.03", share
    for observed in (365, 60, 30):
        row = returns.cycles_observed(observed)
        yield "returns", f"observed {observed} days: relapses / cycles", "(grows)", row["relapse_rate"]
        truth = returns.truth_of_relapses(min(30, observed))
        yield "returns", f"observed {observed} days: relapse_30d", f"= {truth:.2f}", row["relapse_30d"]


def of_quality(pages: int) -> Iterator[Row]:
    for account in quality.ACCOUNTS:
        for rate in (0.3, 3.0, 30.0, 100.0):
            share = quality.accounts_with_silent_days(max(1, pages // 3), account, rate)
            yield "quality", f"{account}, {rate:g} events a day: told of silent days", "<= 0.02", share
    for account, rate, length in (
        ("weekly", 30, 1),
        ("workdays", 30, 1),
        ("weekly", 10, 1),
        ("weekly", 4, 7),
    ):
        share = quality.missing_days_found(max(1, pages // 3), account, rate, length)
        yield "quality", f"{account}, {rate} events a day, {length} days missing: found", ">= 0.90", share


def of_weeks(pages: int) -> Iterator[Row]:
    with_audience, observed = weeks.growth_of_constant_churn()
    yield "weeks", "constant churn, last 4 weeks / first 4, with an audience", "= 1", with_audience
    yield "weeks", "the same of the people seen (no longer given)", "", observed
    more, fewer = weeks.said_unusual(pages)
    yield "weeks", "nothing changes: called the highest of 13 weeks", "= 0.08", more
    yield "weeks", "nothing changes: called the lowest of 13 weeks", "= 0.08", fewer


SECTIONS: dict[str, Callable[[int], Iterator[Row]]] = {
    "senders": of_senders,
    "days": of_days,
    "returns": of_returns,
    "quality": of_quality,
    "weeks": of_weeks,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=400, help="simulated pages per row")
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=list(SECTIONS))
    arguments = parser.parse_args()
    print("| section | simulated | wanted | found |\n|---|---|---|---|")
    for section in arguments.only:
        for row in SECTIONS[section](arguments.pages):
            name, what, wanted, found = row
            print(f"| {name} | {what} | {wanted} | {found:.3f} |", flush=True)


if __name__ == "__main__":
    main()
