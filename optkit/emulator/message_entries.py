"""Writes messages as the JSON entries of the insights endpoint."""

import json
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from optkit.emulator.code_books import CodeBook, Codes, Phones
from optkit.emulator.message_rows import CHANNELS, FAILURES, STATUS_WORDS, TEAMS, Messages
from optkit.emulator.personal_data import NAMES, content_text, person_numbers, user_texts
from optkit.emulator.time_forms import TIME_FORMS
from optkit.emulator.variants import ApiVariant
from optkit.times import SECOND, to_ms

#: The vendor's text for each failure; the first digits of the number follow.
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
_CHANNELS: Final = np.array([channel.encode() for channel in CHANNELS])
_VALUES: Final = 12  # in an entry
_FORMS: Final = ("e164", "digits", "punctuated")
_DIGITS_SHOWN: Final = 7  # of a phone number, in the text of an error


class EntryWriter:
    """Writes messages as JSON entries.

    Parameters
    ----------
    phones, runs : Phones, CodeBook
        What the codes of the messages stand for.
    variant : ApiVariant
        How entries are written where the document leaves it open.
    """

    def __init__(self, phones: Phones, runs: CodeBook, variant: ApiVariant) -> None:
        self._phones = phones
        self._runs = runs
        self._phone_form = variant.phone_form
        words = [word.capitalize() if variant.capitalized else word for word in STATUS_WORDS]
        self._statuses = np.array([word.encode() for word in words])
        form, self._convert = TIME_FORMS[variant.message_created_at]
        self._entry = (
            b'{"id":%%d,"recipient_uuid":%%b,"delivery_status":"%%b","message_uuid":null,"created_at":%b,'
            b'"content":%%b,"conversation_uuid":null,%%b,"delivery_channel":"%%b","from_phone":%%b,"filters":[],'
            b'"error":%%b,"error_code":%%b,"user":%%b%%b},'
        ) % form
        # by code of the phone: who it belongs to
        self._numbers = np.empty(0, np.int64)
        self._users: list[bytes] = []
        # by code of the run
        self._run_texts: list[bytes] = []
        self._campaigns: list[int | None] = []
        self._mentions_stop: list[bool] = []

    def write(self, messages: Messages, status: npt.NDArray[np.int8]) -> bytes:
        """Return entries as JSON, joined by commas; `status` is what their status is now."""
        if len(self._users) < len(self._phones.texts):
            self._write_people()
        if len(self._run_texts) < self._runs.values.height:
            self._write_runs()
        ids, runs, failures = messages.message_id.tolist(), messages.run.tolist(), messages.failure.tolist()
        people, numbers = messages.to.tolist(), self._numbers[messages.to]
        to_phones, senders = (self._phone_texts(codes, ids) for codes in (messages.to, messages.sender))
        names = (numbers % NAMES).tolist()
        values: list[Any] = [None] * (_VALUES * len(ids))
        values[0::_VALUES] = ids
        values[1::_VALUES] = map(recipient_uuid, [self._campaigns[run] for run in runs], numbers.tolist())
        values[2::_VALUES] = self._statuses[status].tolist()
        values[3::_VALUES] = self._convert(messages.ms()).tolist()
        stops = [self._mentions_stop[run] for run in runs]
        values[4::_VALUES] = map(content_text, names, messages.characters.tolist(), stops)
        values[5::_VALUES] = [self._run_texts[run] for run in runs]
        values[6::_VALUES] = _CHANNELS[messages.channel].tolist()
        values[7::_VALUES] = senders
        values[8::_VALUES] = map(_error, failures, to_phones)
        values[9::_VALUES] = map(_error_code, failures, ids)
        values[10::_VALUES] = [self._users[person] for person in people]
        values[11::_VALUES] = [b',"to_phone":' + phone for phone in to_phones]
        # Teams knows people by their mail addresses
        for place in np.flatnonzero(messages.channel == TEAMS).tolist():
            values[_VALUES * place + 7], values[_VALUES * place + 11] = b"null", b""
        # one formatting for the whole page, as for events
        return (self._entry * len(ids))[:-1] % tuple(values)

    def _write_people(self) -> None:
        new = self._phones.texts[len(self._users) :].tolist()
        numbers = person_numbers(new)
        self._numbers = np.concatenate((self._numbers, numbers))
        self._users += user_texts(new, numbers)

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

    def _phone_texts(self, codes: Codes, ids: list[int]) -> list[bytes]:
        """Return phones as entries have them."""
        texts: list[bytes] = self._phones.texts[codes].tolist()
        if self._phone_form == "e164":
            return texts
        forms = (_FORMS[number % 3] if self._phone_form == "mixed" else self._phone_form for number in ids)
        return list(map(_in_form, texts, forms))


def recipient_uuid(campaign_id: int | None, number: int) -> bytes:
    """Return the same id for each message of one campaign to one person."""
    return b'"%08x-0000-4000-8000-%012x"' % (campaign_id or 0, number)


def _in_form(text: bytes, form: str) -> bytes:
    """Return the JSON text of a phone in one of the forms of the vendor's samples."""
    if form == "e164" or not text.startswith(b'"+'):
        return text
    phone = text[2:-1]
    if form == "punctuated" and phone.startswith(b"1") and len(phone) == len("15550100555"):
        return b'"+1(%b) %b-%b"' % (phone[1:4], phone[4:7], phone[7:])
    return b'"%b"' % phone


def _object(number: int | None, **more: Any) -> dict[str, Any] | None:
    return None if number is None else {"id": number, **more}


def _error(failure: int, phone: bytes) -> bytes:
    if not failure:
        return b"null"
    return f'"{ERRORS[FAILURES[failure]]} ({phone[1 : 1 + _DIGITS_SHOWN].decode()}...)"'.encode()


def _error_code(failure: int, message_id: int) -> bytes:
    return f'"{ERROR_CODES[FAILURES[failure]]}"'.encode() if failure and message_id % 2 else b"null"
