"""Whose windows a folder holds: the first one that says so."""

import errno
import os
from pathlib import Path

import pytest

from optkit.loading.identity import AccountIdentity

FIRST = AccountIdentity.of("https://cx.example", "first-token")
SECOND = AccountIdentity.of("https://cx.example", "second-token")


@pytest.fixture(params=["hard links", "no hard links"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new folder, on a file system with hard links or without them."""

    def reject(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    if request.param == "no hard links":
        # as link(2) fails on exFAT; to mount such a file system takes rights that a test does not have
        monkeypatch.setattr(os, "link", reject)
    return tmp_path


def test_the_first_identity_stays(folder: Path) -> None:
    assert AccountIdentity.read(folder) is None
    FIRST.write_first(folder)
    SECOND.write_first(folder)
    assert AccountIdentity.read(folder) == FIRST
    assert [path.name for path in folder.iterdir()] == ["account.json"]


def test_an_identity_knows_its_token(folder: Path) -> None:
    FIRST.write_first(folder)
    found = AccountIdentity.read(folder)
    assert found is not None
    assert found.has("first-token")
    assert not found.has("second-token")
