"""The recipients of the made-up account, their numbers, and the senders whose lists they are on."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from optkit.demo import effects
from optkit.demo.rng import Floats, Ints, Rng

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
    """A country: its share of the recipients, hours from UTC, number blocks (first, size), shares of its senders."""

    share: float
    hours: int
    blocks: tuple[tuple[int, int], ...]
    senders: tuple[tuple[int, float], ...]


def _nanp(areas: str) -> tuple[tuple[int, int], ...]:
    return tuple((int(f"1{area}5550100"), 100) for area in areas.split())


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
_SECOND_SENDER: Final = (
    0.4  # probability of drawing a second list; about half of the time it is the first one again
)
_JOINED_BEFORE: Final = 0.6  # share of pairs that are on the list at the beginning


@dataclass(frozen=True)
class Population:
    """Recipients and pairs.

    Attributes
    ----------
    numbers : numpy.ndarray of int64
        Phone number of each recipient.
    recipient, sender : numpy.ndarray of int64
        Of each pair: places in `numbers` and `SENDERS`.
    hours : numpy.ndarray of int64
        Of each pair: hours from UTC where the recipient lives.
    joined : numpy.ndarray of float64
        Of each pair: when it joined the sender's list, as a share of the simulated time; 0: at the beginning.
    frailty : numpy.ndarray of float64
        Of each pair: how easily the recipient opts out, one of `effects.FRAILTY`.
    """

    numbers: Ints
    recipient: Ints
    sender: Ints
    hours: Ints
    joined: Floats
    frailty: Floats


def draw_population(recipients: int, rng: Rng) -> Population:
    """Draw recipients and the lists that they are on."""
    country, _ = rng.choose([country.share for country in COUNTRIES], recipients)
    numbers, first = np.empty(recipients, np.int64), np.empty(recipients, np.int64)
    second = np.full(recipients, -1)
    has_second = rng(recipients) < _SECOND_SENDER
    spilled = 0
    for code, here in enumerate(COUNTRIES):
        people = np.flatnonzero(country == code)
        numbers[people], overflow = _numbers(here.blocks, len(people), spilled)
        spilled += overflow
        names, shares = zip(*here.senders, strict=True)
        first[people] = np.asarray(names)[rng.choose(shares, len(people))[0]]
        second[people] = np.asarray(names)[rng.choose(shares, len(people))[0]]
    twice = np.flatnonzero(has_second & (first != second))
    recipient = np.concatenate((np.arange(recipients), twice))
    joined = np.maximum(0, (rng(len(recipient)) - _JOINED_BEFORE) / (1 - _JOINED_BEFORE))
    return Population(
        numbers,
        recipient,
        sender=np.concatenate((first, second[twice])),
        hours=np.asarray([country.hours for country in COUNTRIES])[country[recipient]],
        joined=joined,
        frailty=rng.pick(effects.FRAILTY, recipients)[recipient],
    )


def _numbers(blocks: tuple[tuple[int, int], ...], count: int, spilled: int) -> tuple[Ints, int]:
    """Return distinct numbers from the blocks, and how many of them are unassignable because the blocks are used up."""
    firsts, sizes = np.asarray(blocks, dtype=np.int64).T
    ends = np.cumsum(sizes)
    inside = min(count, int(ends[-1]))
    # the prime does not divide any capacity, so each place occurs once, in a scattered order
    place = np.arange(inside) * 7919 % ends[-1]
    block = np.searchsorted(ends, place, "right")
    known = firsts[block] + place - (ends - sizes)[block]
    spill = np.arange(spilled, spilled + count - inside)
    areas = np.asarray(_US_AREAS.split(), dtype=np.int64)
    area, line = areas[spill % len(areas)], spill // len(areas)
    return np.concatenate((known, (1000 + area) * 10_000_000 + line)), count - inside
