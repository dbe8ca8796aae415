"""Senders as people write them: how they are compared with those of the data."""

from collections.abc import Iterable

from optkit.formatting import join_names
from optkit.phones import e164
from optkit.warn import warn


def canonical_sender(text: str, region: str | None = None) -> str:
    """Return a sender in the form in which senders are compared.

    Phone numbers are returned in E.164, also those without their plus sign, which spreadsheets drop; short codes and
    alphanumeric senders as they are, trimmed.

    Examples
    --------
    >>> from optkit.sender_names import canonical_sender
    >>> canonical_sender("+1 (833) 555-0142"), canonical_sender("18335550142")
    ('+18335550142', '+18335550142')
    >>> canonical_sender(" 24273"), canonical_sender("NORTHWIND")
    ('24273', 'NORTHWIND')
    """
    return e164(text, region) or e164("+" + text.strip()) or text.strip()


def find_senders(senders: Iterable[str], known: Iterable[str]) -> dict[str, list[str]]:
    """Return the known senders that each of the given ones may be: those with the same canonical form.

    Parameters
    ----------
    senders : iterable of str
        Senders as somebody wrote them.
    known : iterable of str
        The senders of the data.

    Examples
    --------
    >>> from optkit.sender_names import find_senders
    >>> find_senders(["18335550142", "24237"], ["+18335550142", "24273"])
    {'18335550142': ['+18335550142'], '24237': []}
    """
    same: dict[str, list[str]] = {}
    for sender in sorted(set(known)):
        same.setdefault(canonical_sender(sender), []).append(sender)
    return {sender: same.get(canonical_sender(sender), []) for sender in senders}


def unknown_senders(senders: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return those that are not among the known senders, in any spelling; see `find_senders`."""
    return [sender for sender, same in find_senders(senders, known).items() if not same]


def warn_of_unknown_senders(senders: Iterable[str], known: Iterable[str], what: str = "event") -> None:
    """Warn about senders that the data does not have, which may be misspelt, and name the senders it has.

    Parameters
    ----------
    senders, known
        See `find_senders`.
    what : str
        The name of one row of the data: "event" or "message".
    """
    known = sorted(set(known))
    unknown = unknown_senders(senders, known)
    if unknown:
        warn(
            f"no {what} has the sender {join_names(unknown)}; the account's senders are {join_names(known, 20)}"
        )
