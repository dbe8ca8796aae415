"""The campaigns of the made-up account, and when each of them ran."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from optkit.demo import effects

_EPOCH: Final = date(1970, 1, 1)
_STOP_TEXT_EVERY: Final = 4  # every fourth text of a marketing campaign tells how to opt out


@dataclass(frozen=True)
class Campaign:
    """A campaign.

    Attributes
    ----------
    campaign_id : int
        Its id.
    name : str
        Its name.
    sender : int
        Place of its sender in `SENDERS`.
    kind : str
        A key of `effects.RATES`.
    every, phase : int
        It runs on days whose number since 1970-01-01 has the remainder `phase` when divided by `every`. Phase 0 of a
        multiple of 7 is a Thursday.
    hour : int
        The hour at which it runs, in the sender's local time.
    share : float
        Share of the sender's list that receives it each time.
    texts : int
        Number of response sets.
    language : str
        Language of its texts.
    characters : int
        Length of its texts without the name of the recipient and the words on how to opt out.
    """

    campaign_id: int
    name: str
    sender: int
    kind: str
    every: int
    phase: int
    hour: int
    share: float
    texts: int = 1
    language: str = "en-US"
    characters: int = 110

    @property
    def first_response_set(self) -> int:
        """Id of its first text; the other texts have the next ids."""
        return 10 * self.campaign_id + 1


@dataclass(frozen=True)
class Execution:
    """One run of a campaign: on which day since 1970-01-01, and whether its text tells how to opt out."""

    campaign: Campaign
    day: int
    mentions_stop: bool


_ONCE: Final = 10**6
CAMPAIGNS: Final = (
    Campaign(501, "Member offers", 0, "marketing", 14, 0, 11, 0.85, texts=2, characters=131),
    Campaign(502, "Flash sale", 0, "marketing", 28, 4, 10, 0.55, characters=96),
    Campaign(503, "Last call", 0, "marketing", 28, 6, 17, 0.55, characters=84),
    Campaign(
        504,
        effects.WENT_WRONG,
        0,
        "marketing",
        _ONCE,
        (effects.WENT_WRONG_ON - _EPOCH).days,
        12,
        0.9,
        characters=158,
    ),
    Campaign(505, "Appointment reminder", 1, "reminder", 7, 5, 10, 0.8, texts=2, characters=122),
    Campaign(506, "Visit feedback", 1, "reminder", 28, 1, 15, 0.5, characters=104),
    Campaign(507, "Delivery notice", 2, "reminder", 7, 6, 9, 0.6, characters=90),
    Campaign(508, "Offers UK", 3, "marketing", 14, 1, 12, 0.9, language="en-GB", characters=128),
    Campaign(509, "Weekend sale UK", 3, "marketing", 56, 2, 10, 0.8, language="en-GB", characters=101),
    Campaign(510, "Offers Canada", 4, "marketing", 14, 0, 11, 0.9, language="en-CA", characters=126),
    Campaign(511, "Offers Australia", 5, "marketing", 21, 4, 10, 0.9, language="en-AU", characters=119),
    Campaign(512, "Offres France", 6, "marketing", 14, 5, 11, 0.9, language="fr-FR", characters=140),
    Campaign(513, "Rechnungshinweis", 7, "reminder", 14, 4, 9, 0.9, language="de-DE", characters=117),
    Campaign(514, "Last-minute trips", 8, "marketing", 14, 6, 18, 0.9, characters=137),
)


def executions(sender: int, first_day: int, end_day: int) -> Iterator[Execution]:
    """Yield the executions of one sender's campaigns in [first_day, end_day), in order of time."""
    campaigns = [campaign for campaign in CAMPAIGNS if campaign.sender == sender]
    for day in range(first_day, end_day):
        for campaign in campaigns:
            if day % campaign.every == campaign.phase:
                nth = day // campaign.every
                mentions_stop = campaign.kind == "marketing" and nth % _STOP_TEXT_EVERY == 1
                yield Execution(campaign, day, mentions_stop)
