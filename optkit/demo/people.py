"""Who is in the made-up account: recipients with their numbers, senders with their habits."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from optkit.demo.draws import Draws, Floats, Ints
from optkit.errors import SettingsError

_US_AREAS: Final = """
201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251
252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318
319 320 321 323 325 330 334 336 337 339 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413
414 415 417 419 423 425 432 434 435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513
515 516 517 518 520 530 540 541 551 559 561 562 563 567 570 571 573 574 580 585 586 601 602 603 605 606 607
608 609 610 612 614 615 616 617 618 619 620 623 626 630 631 636 641 646 650 651 660 661 662 678 682 701 702
703 704 706 707 708 712 713 714 715 716 717 718 719 720 724 727 731 732 734 740 754 757 760 763 765 770 772
773 774 775 781 785 786 801 802 803 804 805 806 808 810 812 813 814 815 816 817 818 828 830 831 832 843 845
847 848 850 856 857 858 859 860 862 863 864 865 870 878 901 903 904 906 908 909 910 912 913 914 915 916 917
918 919 920 925 928 931 936 937 940 941 947 949 951 952 954 956 970 971 972 973 978 979 980 985 989
"""
_CA_AREAS: Final = (
    "204 226 250 289 306 403 416 418 438 450 506 514 519 604 613 647 705 709 778 780 807 819 867"
)
_GB_LANDLINES: Final = """
2079460000 1134960000 1144960000 1164960000 1174960000 1184960000 1214960000 1314960000
1414960000 1514960000 1614960000 1914980000 2896496000 2920180000
"""


@dataclass(frozen=True)
class _Country:
    """Where recipients live: share, hours from UTC, number blocks (first, size), shares of its senders."""

    share: float
    hours: int
    blocks: tuple[tuple[int, int], ...]
    senders: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class _Sender:
    """A sender's habits: how many of its audience ever act, and what they do then."""

    name: str
    acting: float  # share of its audience that is in the history
    returning: float  # of opt-outs that come back
    quick: float  # of returns that come within minutes
    relapsing: float  # of returns that opt out again
    weekend: float  # weight of a Saturday or Sunday against a weekday
    campaign: int  # days between its campaigns
    boost: float  # weight of a campaign's day


def _nanp(areas: str) -> tuple[tuple[int, int], ...]:
    return tuple((int(f"1{area}5550100"), 100) for area in areas.split())


SENDERS: Final = (
    _Sender("18181", 0.041, 0.22, 0.08, 0.40, 0.60, 14, 3.0),  # short code: the shop's marketing
    _Sender("+18335550142", 0.029, 0.55, 0.62, 0.30, 0.15, 7, 1.2),  # appointments: CANCEL means the visit
    _Sender("NORTHWIND", 0.016, 0.16, 0.05, 0.30, 0.80, 28, 2.2),  # alphanumeric: delivery notices abroad
    _Sender("+447700900142", 0.024, 0.27, 0.10, 0.42, 0.50, 21, 2.6),
    _Sender("+19025550107", 0.022, 0.30, 0.12, 0.35, 0.55, 14, 2.0),
    _Sender("+61491570156", 0.019, 0.30, 0.15, 0.24, 0.70, 28, 2.4),
    _Sender("+33639980142", 0.034, 0.19, 0.06, 0.45, 0.40, 21, 2.8),
    _Sender("+491713920042", 0.012, 0.10, 0.05, 0.20, 0.35, 28, 1.8),
    _Sender("+19075550107", 0.096, 0.06, 0.04, 0.45, 0.90, 10, 3.4),  # small, and people want out
)
WENT_WRONG: Final = 0  # the short code, on one day
COUNTRIES: Final = (
    _Country(0.62, -6, _nanp(_US_AREAS), ((0, 0.62), (1, 0.27), (8, 0.04), (2, 0.07))),
    _Country(0.08, -5, _nanp(_CA_AREAS), ((4, 0.66), (1, 0.24), (0, 0.10))),
    _Country(
        0.12,
        0,
        (*((int(f"44{first}"), 1000) for first in _GB_LANDLINES.split()), (447700900200, 800)),
        ((3, 0.68), (2, 0.32)),
    ),
    _Country(0.08, 10, tuple((int(f"61{area}55500000"), 10_000) for area in "2378"), ((5, 0.80), (2, 0.20))),
    _Country(
        0.06,
        1,
        tuple((first, 10_000) for first in (33199000000, 33261910000, 33353010000, 33465710000, 33536490000)),
        ((6, 0.70), (2, 0.30)),
    ),
    _Country(
        0.04,
        1,
        ((493023125000, 1000), (496990009000, 1000), (494066969000, 1000), (498999998000, 1000)),
        ((7, 0.75), (2, 0.25)),
    ),
)
_SECOND_SENDER: Final = 0.24  # of recipients act towards two senders


def habit(name: str) -> Floats:
    """Return one habit of every sender."""
    return np.asarray([getattr(sender, name) for sender in SENDERS], dtype=np.float64)


@dataclass(frozen=True)
class Pairs:
    """Who acts towards whom: the recipients' numbers, and of each pair its recipient, sender and country."""

    numbers: Ints
    recipient: Ints
    sender: Ints
    country: Ints


def pairs_of(recipients: int, seed: int) -> Pairs:
    """Draw who acts towards whom, the same for the same seed."""
    if recipients < 1:
        raise SettingsError("recipients must be a whole number from 1")
    draw = Draws(seed)
    country, _ = draw.choose([country.share for country in COUNTRIES], recipients)
    numbers, senders = np.empty(recipients, np.int64), np.empty(recipients, np.int64)
    spilled = 0
    for code, here in enumerate(COUNTRIES):
        people = np.flatnonzero(country == code)
        numbers[people], overflow = _numbers(here.blocks, len(people), spilled)
        spilled += overflow
        place, _ = draw.choose([share for _, share in here.senders], len(people))
        senders[people] = np.asarray([sender for sender, _ in here.senders])[place]
    twice = np.flatnonzero(draw(recipients) < _SECOND_SENDER)
    second = np.empty(len(twice), np.int64)
    for code, here in enumerate(COUNTRIES):
        those = np.flatnonzero(country[twice] == code)
        others = np.asarray([sender for sender, _ in here.senders])
        place, _ = draw.choose(np.ones(len(others)), len(those))
        second[those] = others[place]
    differs = second != senders[twice]
    recipient = np.concatenate((np.arange(recipients), twice[differs]))
    return Pairs(numbers, recipient, np.concatenate((senders, second[differs])), country[recipient])


def _numbers(blocks: tuple[tuple[int, int], ...], count: int, spilled: int) -> tuple[Ints, int]:
    """Return different numbers from the blocks, and how many had to come from the numbers nobody can have."""
    firsts, sizes = np.asarray(blocks, dtype=np.int64).T
    ends = np.cumsum(sizes)
    inside = min(count, int(ends[-1]))
    place = np.arange(inside) * 7919 % ends[-1]  # a prime that divides no capacity: each place once, no order
    block = np.searchsorted(ends, place, "right")
    known = firsts[block] + place - (ends - sizes)[block]
    spill = np.arange(spilled, spilled + count - inside)
    areas = np.asarray(_US_AREAS.split(), dtype=np.int64)
    area, line = areas[spill % len(areas)], spill // len(areas)
    return np.concatenate((known, (1000 + area) * 10_000_000 + line)), count - inside
