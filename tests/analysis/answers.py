"""Answers of all analyses about two accounts; as a script it writes them to a folder, with the threads it is given."""

import random
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import polars as pl
from histories import INSTANTS, RECIPIENTS, SENDERS, Event, frame
from made_messages import CAMPAIGNS, SENT, SPELLED, STATUSES, Message, message_frame

import optkit

#: A recipient of the account, for `timeline`.
NUMBER = "+12025550101"

_CAMPAIGN = ["campaign_id", "campaign"]

#: Each analysis of messages, with arguments under which made-up accounts of a few rows have an answer.
OF_MESSAGES: dict[str, Callable[[Any, Any], pl.DataFrame]] = {
    "audience": lambda _, messages: optkit.audience(messages, by=["from_phone", *_CAMPAIGN]),
    "list_growth": partial(optkit.list_growth, every="1mo", by="from_phone"),
    "attribution": optkit.attribution,
    "attribution of recipients": partial(optkit.attribution, scope="recipient"),
    "campaign_rates": optkit.campaign_rates,
    "opt_out_hazard": partial(optkit.opt_out_hazard, by="from_phone"),
    "fatigue": partial(optkit.fatigue, burn_in="0d", by="campaign"),
    "leaks": optkit.leaks,
    "leaks of recipients": partial(optkit.leaks, scope="recipient"),
    "leak_curve": partial(optkit.leak_curve, by="from_phone"),
    "spikes": lambda history, messages: optkit.spikes(history, messages=messages),
    "compare": lambda history, messages: optkit.compare(
        history, "2026-03-17", messages=messages, by="from_phone"
    ),
    "quality": lambda history, messages: optkit.quality(history, messages, now="2027-01-01"),
    "timeline": lambda history, messages: optkit.timeline(history, NUMBER, messages),
}

#: Each analysis of a history alone.
OF_A_HISTORY: dict[str, Callable[[Any], pl.DataFrame]] = {
    "churn": optkit.churn,
    "churn of recipients": partial(optkit.churn, scope="recipient"),
    "opt_out_rates": partial(optkit.opt_out_rates, by="from_phone"),
    "cycles": optkit.cycles,
    "return_curve": partial(optkit.return_curve, by="from_phone"),
    "cohorts": optkit.cohorts,
    "overlap": optkit.overlap,
    "transitions": optkit.transitions,
    "spells": optkit.spells,
    "status_at": partial(optkit.status_at, at="2026-05-01"),
    "suppression_list": optkit.suppression_list,
    "suppression_diff": partial(optkit.suppression_diff, before="2026-03-01", after="2026-05-01"),
    "with_country": optkit.with_country,
    "with_local_time": optkit.with_local_time,
}


@cache
def account() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a history and messages; one recipient has the number of `timeline`."""
    history, sent = optkit.demo_history(recipients=600), optkit.demo_messages(recipients=600)
    renamed = pl.col("to_phone").replace(optkit.leaks(history, sent)["to_phone"][0], NUMBER)
    return history.with_columns(renamed), sent.with_columns(renamed)


def awkward_account() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a history and messages with ties, and with phones that are spelled in many ways or are none."""
    choice = random.Random(0).choice
    events = [
        Event(choice(RECIPIENTS), choice(SENDERS), choice(INSTANTS), choice(["opt-in", "opt-out"]))
        for _ in range(1_000)
    ]
    messages = [
        Message(
            number,
            choice(SPELLED),
            choice([*SENDERS, None]),
            choice(SENT),
            choice(STATUSES),
            None,
            *choice(CAMPAIGNS),
        )
        for number in range(1_000)
    ]
    return frame(events), message_frame(messages)


def answers() -> dict[str, pl.DataFrame]:
    """Return the answer of each analysis about each account."""
    found: dict[str, pl.DataFrame] = {}
    for name, (history, messages) in {"usual": account(), "awkward": awkward_account()}.items():
        found |= {f"{question}, {name}": ask(history) for question, ask in OF_A_HISTORY.items()}
        found |= {
            f"{question} with messages, {name}": ask(history, messages)
            for question, ask in OF_MESSAGES.items()
        }
    return found


def write(folder: Path) -> None:
    """Write each answer into a file of its name."""
    for name, answer in answers().items():
        answer.write_ipc(folder / name)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
