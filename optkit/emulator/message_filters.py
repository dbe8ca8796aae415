"""The filters of the insights endpoint, one function each."""

import json
from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from optkit.emulator.message_entries import ERROR_CODES, recipient_uuid
from optkit.emulator.message_rows import CHANNELS, FAILURES, STATUS_WORDS, TEAMS
from optkit.emulator.message_snapshot import MessageSnapshot
from optkit.emulator.parameters import ParameterError, Params, check_choices, read_ids
from optkit.emulator.personal_data import USER_FIELDS, make_people, person_numbers
from optkit.emulator.rows import Index, as_index, where, where_in

#: Ids of the account's one agent and of its channels.
AGENT_ID: Final = 77
CHANNEL_IDS: Final = {"sms": 301, "voice": 302, "ms_teams": 303}

Places = range | Index
#: Returns those of the places whose messages match the value of a parameter, at a time in epoch ms.
Filter = Callable[[MessageSnapshot, Places, str, int], Places]


def apply_filters(snapshot: MessageSnapshot, places: Places, params: Params, now: int) -> Places:
    """Return those of the places whose messages match all filters in `params`."""
    if "channel_id" in params and "delivery_channel" not in params:
        raise ParameterError("channel_id", "given together with delivery_channel")
    for name, value in params.items():
        if (matching := FILTERS.get(name.removesuffix("[]"))) is not None:
            places = matching(snapshot, places, value, now)
    return places


def _of_channel(snapshot: MessageSnapshot, places: Places, value: str, _: int) -> Places:
    check_choices("delivery_channel", [value], CHANNELS)
    if snapshot.book.variant.ignores_channel:
        return places
    return where(places, snapshot.rows.channel, CHANNELS.index(value))


def _of_channel_id(snapshot: MessageSnapshot, places: Places, value: str, _: int) -> Places:
    ids = read_ids("channel_id", value)
    channels = [place for place, channel in enumerate(CHANNELS) if CHANNEL_IDS[channel] in ids]
    return where_in(places, snapshot.rows.channel, channels)


def _of_agent(_snapshot: MessageSnapshot, places: Places, value: str, _: int) -> Places:
    return places if AGENT_ID in read_ids("agent_id", value) else places[:0]


def _of_status(snapshot: MessageSnapshot, places: Places, value: str, now: int) -> Places:
    words = value.split(",")
    check_choices("delivery_status", words, STATUS_WORDS)
    index = as_index(places)
    status = snapshot.book.statuses(snapshot.rows.take(index), now)
    kept: Index = index[np.isin(status, [STATUS_WORDS.index(word) for word in words])]
    return kept


def _to_phone(snapshot: MessageSnapshot, places: Places, value: str, _: int) -> Places:
    return where(places, snapshot.rows.to, snapshot.book.phones.code(value))


def _from_phone(snapshot: MessageSnapshot, places: Places, value: str, _: int) -> Places:
    return where(places, snapshot.rows.sender, snapshot.book.phones.code(value))


def _of_run(column: str, snapshot: MessageSnapshot, places: Places, value: str, _: int) -> Places:
    return where_in(places, snapshot.rows.run, snapshot.book.runs_where(column, read_ids(column, value)))


def _of_language(snapshot: MessageSnapshot, places: Places, value: str, _: int) -> Places:
    return where_in(places, snapshot.rows.run, snapshot.book.runs_where("language", value.split(",")))


def _with_error(snapshot: MessageSnapshot, places: Places, value: str, _: int) -> Places:
    codes = value.split(",")
    failures = [number for number, failure in enumerate(FAILURES) if ERROR_CODES.get(failure) in codes]
    has_code = snapshot.rows.message_id % 2
    return where_in(places, snapshot.rows.failure * has_code, failures)


def _of_recipient(snapshot: MessageSnapshot, places: Places, value: str, _: int) -> Places:
    index = as_index(places)
    rows = snapshot.rows.take(index)
    campaigns = snapshot.book.runs.values["campaign_id"].gather(rows.run)
    numbers = person_numbers(snapshot.book.phones.texts[rows.to].tolist()).tolist()
    kept: Index = index[[json.loads(uuid) == value for uuid in map(recipient_uuid, campaigns, numbers)]]
    return kept


def _of_user(field: str, snapshot: MessageSnapshot, places: Places, value: str, _: int) -> Places:
    people = make_people(person_numbers(snapshot.book.phones.texts.tolist()))
    return where_in(places, snapshot.rows.to, (people[field] == value).arg_true().to_numpy())


def _to_email(snapshot: MessageSnapshot, places: Places, value: str, now: int) -> Places:
    return _of_user("email", snapshot, where(places, snapshot.rows.channel, TEAMS), value, now)


def _none(_snapshot: MessageSnapshot, places: Places, _value: str, _: int) -> Places:
    return places[:0]  # no message of this account has one


FILTERS: Final[dict[str, Filter]] = {
    "delivery_channel": _of_channel,
    "channel_id": _of_channel_id,
    "agent_id": _of_agent,
    "delivery_status": _of_status,
    "to_phone": _to_phone,
    "from_phone": _from_phone,
    "campaign_id": partial(_of_run, "campaign_id"),
    "execution_id": partial(_of_run, "execution_id"),
    "response_set_id": partial(_of_run, "response_set_id"),
    "language": _of_language,
    "error_code": _with_error,
    "recipient_uuid": _of_recipient,
    "to_email": _to_email,
    "filter_id": _none,
    "message_uuid": _none,
    "conversation_uuid": _none,
    "user[phone]": _to_phone,
    **{f"user[{field}]": partial(_of_user, field) for field in USER_FIELDS},
}
