"""An executed notebook as a page that needs nothing else, and the page of contents."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from optkit.private_files import PrivateFile

if TYPE_CHECKING:
    from nbformat import NotebookNode

_TEMPLATES: Final = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Page:
    """A notebook that was run.

    Attributes
    ----------
    name : str
        Of the notebook, without its suffix.
    title : str
        Its H1: the question.
    headline : str
        The answer in a sentence: what its first cell tagged ``headline`` shows; empty if there is none.
    picture : str
        Its first picture, as a ``data:`` URL; empty if there is none.
    alt : str
        What the picture shows, in words.
    path : Path
        The page.
    demo : bool
        Whether it shows the made-up account.
    error : str or None
        What stopped the notebook, in a line; None if it ran to its end.
    seconds : float
        How long it took.
    """

    name: str
    title: str
    headline: str
    picture: str
    alt: str
    path: Path
    demo: bool
    error: str | None
    seconds: float


def write_page(
    folder: Path,
    name: str,
    notebook: "NotebookNode",
    *,
    error: str | None,
    links: Sequence[str],
    seconds: float,
) -> Page:
    """Write an executed notebook as ``<name>.html``.

    Parameters
    ----------
    folder : Path
        Where to; it exists.
    name : str
        The notebook's, without its suffix.
    notebook : nbformat.NotebookNode
        With outputs; alternative texts of its pictures are filled in where they are missing.
    error : str or None
        What stopped it.
    links : sequence of str
        Names of the notebooks that become pages: links to them lead to the pages, links to others are
        taken off.
    seconds : float
        How long it took.

    Returns
    -------
    Page
        What was written.
    """
    title = _title(notebook) or name
    pictures = list(_describe_pictures(notebook, title))
    html, _ = _exporter().from_notebook_node(notebook, resources={"title": title, "error": error})
    path = folder / f"{name}.html"
    _write(path, _relink(html, links))
    picture, alt = pictures[0] if pictures else ("", "")
    return Page(name, title, _headline(notebook), picture, alt, path, _is_demo(notebook), error, seconds)


def write_contents(folder: Path, pages: Sequence[Page]) -> Path:
    """Write ``index.html``: of each page its question, its answer and its first picture.

    Above them it says whether any shows the made-up account, and when and with what they were made.

    Returns
    -------
    Path
        The page of contents.
    """
    import optkit

    environment = _exporter().environment
    html = environment.get_template("contents.html.j2").render(
        pages=pages,
        style=environment.get_template("page.css").render(),
        made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, optkit {optkit.__version__}",
    )
    path = folder / "index.html"
    _write(path, html)
    return path


def _exporter() -> Any:
    from nbconvert import HTMLExporter

    return HTMLExporter(
        template_name="optkit",
        extra_template_basedirs=[str(_TEMPLATES)],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )


def _title(notebook: "NotebookNode") -> str:
    sources = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = (re.search(r"^# +(.+?)\s*$", source, re.MULTILINE) for source in sources)
    return next((match[1] for match in found if match), "")


def _describe_pictures(notebook: "NotebookNode", title: str) -> Iterator[tuple[str, str]]:
    """Yield each picture as a URL with its alternative text; without one, the heading above it will do."""
    heading = title
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = ([heading, *re.findall(r"^#+ +(.+?)\s*$", cell.source, re.MULTILINE)])[-1]
        for output in cell.get("outputs", []):
            for kind in ("image/png", "image/jpeg"):
                if kind in output.get("data", {}):
                    metadata = output.metadata.setdefault(kind, {})
                    alt = metadata.setdefault("alt", f"Picture: {heading}")
                    yield f"data:{kind};base64,{output.data[kind].strip()}", alt


def _headline(notebook: "NotebookNode") -> str:
    for cell in notebook.cells:
        if "headline" in cell.metadata.get("tags", []):
            texts = (_text(output) for output in cell.get("outputs", []))
            return next((text for text in texts if text), "")
    return ""


def _is_demo(notebook: "NotebookNode") -> bool:
    """Return whether a cell shows the made-up account: the banner of an account says so in its metadata."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    banners = (output.get("metadata", {}).get("text/html", {}).get("optkit", {}) for output in outputs)
    return any(banner.get("demo") for banner in banners)


def _text(output: "NotebookNode") -> str:
    """Return what an output says, without its markup."""
    data = output.get("data", {})
    if "text/html" in data:
        text = unescape(re.sub(r"<style.*?</style>|<[^>]+>", " ", data["text/html"], flags=re.DOTALL))
    else:
        text = data.get("text/markdown") or data.get("text/plain") or output.get("text", "")
        text = re.sub(r"[*_`]{1,2}(\S.*?)[*_`]{1,2}", r"\1", text)
    return " ".join(text.split())


def _relink(html: str, names: Sequence[str]) -> str:
    def link(match: re.Match[str]) -> str:
        name, label = match[1], match[2]
        return f'<a href="{escape(name)}.html">{label}</a>' if name in names else label

    return re.sub(r'<a href="([^":/]+)\.ipynb">(.*?)</a>', link, html, flags=re.DOTALL)


def _write(path: Path, html: str) -> None:
    with PrivateFile(path, remedy="give another folder with --out") as file:
        file.write(html.encode())
