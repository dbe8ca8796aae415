"""Writes messages as the JSON entries of the insights endpoint."""

import json
from itertools import chain
from typing import Any, Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from optkit.emulator.interning import Interning, Phones
from optkit.emulator.message_rows import CHANNELS, FAILURES, STATUS_WORDS, TEAMS, Messages
from optkit.emulator.personal_data import content_json, user_json
from optkit.emulator.time_forms import TIME_FORMS
from optkit.emulator.variants import ApiVariant
from optkit.times import SECOND, to_ms

#: The vendor's words for each failure; every text goes on with the first digits of the number.
ERRORS: Final = {
    "unsubscribed": "Attempt to send to unsubscribed recipient",
    "landline": "Landline or unreachable carrier",
    "invalid number": "The 'To' number is not a valid mobile number",
    "unreachable": "Unreachable destination handset",
    "blocked": "Message blocked",
    "filtered": "Message filtered",
    "region": "Permission to send an SMS has not been enabled for the region",
    "queue": "The 'From' number's message queue is full",
    "rate limit": "Rate limit exceeded",
    "carrier": "Carrier congestion",
    "account": "Account suspended",
    "content": "The content of the message is too large",
    "unknown": "Unknown error",
}
#: The vendor's codes for failures; every other failed message has one.
ERROR_CODES: Final = {failure: f"AVM{1010 + number}" for number, failure in enumerate(ERRORS)}
_FORMS: Final = ("e164", "digits", "punctuated")
_DIGITS_SHOWN: Final = 7  # of a phone number, in the text of an error


class EntryWriter:
    """Writes entries.

    Parameters
    ----------
    phones, runs : Phones, Interning
        What the codes of the messages stand for.
    variant : ApiVariant
        How the API writes what the document leaves open.
    """

    def __init__(self, phones: Phones, runs: Interning, variant: ApiVariant) -> None:
        self._phones = phones
        self._runs = runs
        self._phone_form = variant.phone_form
        words = [word.capitalize() if variant.capitalized else word for word in STATUS_WORDS]
        self._statuses = np.array([word.encode() for word in words])
        form, self._convert = TIME_FORMS[variant.message_created_at]
        self._entry = (
            b'{"id":%%d,"recipient_uuid":"%%b","delivery_status":"%%b","message_uuid":null,"created_at":%b,'
            b'"content":%%b,"conversation_uuid":null,%%b,"delivery_channel":"%%b","from_phone":%%b,"filters":[],'
            b'"error":%%b,"error_code":%%b,"user":%%b%%b},'
        ) % form
        self._run_texts: list[bytes] = []
        self._campaigns: list[int | None] = []
        self._mentions_stop: list[bool] = []

    def write(self, messages: Messages, status: npt.NDArray[np.int8]) -> bytes:
        """Return entries as JSON, joined by commas; `status` is what their status is now."""
        self._write_runs()
        ids, failures = messages.message_id.tolist(), messages.failure.tolist()
        people = self._phones.texts[messages.to].tolist()
        senders = self._phones.texts[messages.sender].tolist()
        runs = messages.run.tolist()
        is_teams = (messages.channel == TEAMS).tolist()  # which knows people by their mail addresses
        texts = zip(
            people, messages.characters.tolist(), (self._mentions_stop[run] for run in runs), strict=True
        )
        columns = (
            ids,
            [recipient_uuid(self._campaigns[run], to) for run, to in zip(runs, people, strict=True)],
            self._statuses[status].tolist(),
            self._convert(messages.ms()).tolist(),
            [content_json(*text) for text in texts],
            [self._run_texts[run] for run in runs],
            [CHANNELS[channel].encode() for channel in messages.channel.tolist()],
            [
                b"null" if teams else self._phone(*sender)
                for teams, *sender in zip(is_teams, senders, ids, strict=True)
            ],
            [_error(failure, to) for failure, to in zip(failures, people, strict=True)],
            [_error_code(failure, number) for failure, number in zip(failures, ids, strict=True)],
            [user_json(to) for to in people],
            [
                b"" if teams else b',"to_phone":' + self._phone(*to)
                for teams, *to in zip(is_teams, people, ids, strict=True)
            ],
        )
        values = tuple(chain.from_iterable(zip(*columns, strict=True)))
        return (self._entry * len(ids))[:-1] % values  # one formatting for the whole page, as for events

    def _write_runs(self) -> None:
        for run in self._runs.values[len(self._run_texts) :].iter_rows(named=True):
            at = run["executed_at"]
            said = {
                "language": run["language"],
                "execution": _object(
                    run["execution_id"], created_at=None if at is None else to_ms(at) // SECOND
                ),
                "response_set": _object(run["response_set_id"], name=None),
                "campaign": _object(run["campaign_id"], name=run["campaign"]),
            }
            self._campaigns.append(run["campaign_id"])
            self._mentions_stop.append(run["mentions_stop"])
            self._run_texts.append(json.dumps(said, ensure_ascii=False)[1:-1].encode())

    def _phone(self, text: bytes, message_id: int) -> bytes:
        """Return the JSON text of a phone in one of the forms of the vendor's samples."""
        if self._phone_form == "e164" or not text.startswith(b'"+'):
            return text
        form = _FORMS[message_id % 3] if self._phone_form == "mixed" else self._phone_form
        phone = text[2:-1]
        if form == "punctuated" and phone.startswith(b"1") and len(phone) == len("15550100555"):
            return b'"+1(%b) %b-%b"' % (phone[1:4], phone[4:7], phone[7:])
        return text if form == "e164" else b'"%b"' % phone


def recipient_uuid(campaign_id: int | None, phone: bytes) -> bytes:
    """Return the same id for each message of one campaign to one recipient, by the JSON text of the phone."""
    return b"%08x-0000-4000-8000-%012x" % (campaign_id or 0, crc32(phone))


def _object(number: int | None, **more: Any) -> dict[str, Any] | None:
    return None if number is None else {"id": number, **more}


def _error(failure: int, phone: bytes) -> bytes:
    if not failure:
        return b"null"
    return f'"{ERRORS[FAILURES[failure]]} ({phone[1 : 1 + _DIGITS_SHOWN].decode()}...)"'.encode()


def _error_code(failure: int, message_id: int) -> bytes:
    return f'"{ERROR_CODES[FAILURES[failure]]}"'.encode() if failure and message_id % 2 else b"null"
