"""The token is in no log, exception, repr, cache file or page; numbers are in none but the cache."""

import logging
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from accounts import CLOCK, make_history

import optkit
from optkit import report
from optkit.config import resolve
from optkit.emulator import Emulator, Faults

HISTORY = make_history(400)


def test_a_load_its_errors_and_its_pages_keep_the_token(
    connect: Callable[[Emulator], None],
    quick_retries: None,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    with caplog.at_level(logging.DEBUG), Emulator(HISTORY, clock=CLOCK, faults=Faults(errors=0.1)) as server:
        connect(server)
        said += [repr(resolve()), str(optkit.settings()), repr(optkit.load()), repr(optkit.load_messages())]
        number = HISTORY["to_phone"][0]
        optkit.fetch(to_phone=number)
        monkeypatch.setenv("OPTKIT_TOKEN", server.token)
        monkeypatch.setenv("OPTKIT_BASE_URL", server.url)
        monkeypatch.setenv("OPTKIT_ACCOUNT", "tested")
        monkeypatch.setenv("OPTKIT_CACHE_DIR", str(tmp_path / "cache"))
        pages = report.run(["00_start_here"], out=tmp_path / "pages", parameters={"account": "tested"})
        assert [page.error for page in pages] == [None]
    with Emulator(HISTORY, clock=CLOCK, faults=Faults(forbidden=1)) as refusing:
        optkit.configure(base_url=refusing.url, token=refusing.token, account="refused")
        with pytest.raises(optkit.AuthenticationError) as caught:
            optkit.fetch(to_phone=number)
        said.append("".join(traceback.format_exception(caught.value)))
    text = caplog.text + "".join(said)
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 4
    for token in (server.token, refusing.token):
        assert token not in text
        assert not any(token.encode() in content for content in files)
    assert number not in caplog.text
    assert number not in said[-1]
    page = (tmp_path / "pages" / "00_start_here.html").read_text("utf-8")
    assert number not in page
