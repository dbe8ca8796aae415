"""Write pages to files: one per notebook and an index, or all in one file."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from optkit.private_files import PrivateFile
from optkit.report.notebook_page import NotebookPage, exporter

INDEX = "index.html"
SINGLE_FILE = "report.html"


def write_pages(folder: Path, pages: Sequence[NotebookPage]) -> Path:
    """Write a file for each page, and an index with the question, answer and first picture of each.

    Links between notebooks become links between pages; links to notebooks without a page are removed.

    Returns
    -------
    Path
        The index.
    """
    names = {page.name for page in pages}
    for page in pages:
        body = _relink(page.body, lambda name: f"{name}.html" if name in names else None)
        write(page.path, _render("page.html.j2", page=page, body=body))
    index = folder / INDEX
    write(index, _render("contents.html.j2", pages=pages))
    return index


def write_single_file(folder: Path, pages: Sequence[NotebookPage]) -> Path:
    """Write one self-contained file with all pages.

    Returns
    -------
    Path
        The file.
    """
    names = {page.name for page in pages}
    bodies = [
        # several pages have the same headings, but an id may occur only once in a file
        re.sub(
            r'(<h\d) id="[^"]*"',
            r"\1",
            _relink(page.body, lambda name: f"#{name}" if name in names else None),
        )
        for page in pages
    ]
    path = folder / SINGLE_FILE
    write(path, _render("single.html.j2", pages=pages, bodies=bodies))
    return path


def write(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    with PrivateFile(path, remedy="give another folder with --out") as file:
        file.write(text.encode())


def _render(template: str, **values: object) -> str:
    import optkit

    environment = exporter().environment
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, optkit {optkit.__version__}"
    html: str = environment.get_template(template).render(made=made, **values)
    return html


def _relink(html: str, target: Callable[[str], str | None]) -> str:
    """Replace links to notebooks by links to their targets; a link without a target becomes text."""

    def link(match: re.Match[str]) -> str:
        name, label = match[1], match[2]
        address = target(name)
        return label if address is None else f'<a href="{escape(address)}">{label}</a>'

    return re.sub(r'<a href="([^":/]+)\.ipynb">(.*?)</a>', link, html, flags=re.DOTALL)
