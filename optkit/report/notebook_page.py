"""An executed notebook as a page: its question, its answer, its first picture, and its cells in HTML."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from nbformat import NotebookNode

_TEMPLATES: Final = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class NotebookPage:
    """A notebook that was run.

    Attributes
    ----------
    name : str
        Name of the notebook without its suffix.
    title : str
        Its H1: the question.
    headline : str
        The answer in one or two sentences: the output of the first cell tagged ``headline``; empty if there is none.
    picture : str
        Its first picture as a ``data:`` URL; empty if there is none.
    alt : str
        The alternative text of the picture.
    body : str
        Its cells in HTML; links to other notebooks are unchanged.
    alerts : list of (str, str) or None
        What needs action, the most urgent first: a line and the notebook with the details. None if the notebook does
        not look for alerts.
    about : mapping
        The subject of the page from the banner: account, demo, senders, since, until; empty without a banner.
    parameters : mapping of str to str
        The notebook's parameters and their values in this run.
    path : Path
        The file of the page.
    error : str or None
        The reason why the notebook stopped, in one line; None if it ran to its end.
    seconds : float
        The duration of the run.
    """

    name: str
    title: str
    headline: str
    picture: str
    alt: str
    body: str
    alerts: list[tuple[str, str]] | None
    about: Mapping[str, Any]
    parameters: Mapping[str, str]
    path: Path
    error: str | None
    seconds: float

    @property
    def demo(self) -> bool:
        """Whether it shows the made-up account."""
        return bool(self.about.get("demo"))


def make_page(
    path: Path,
    name: str,
    notebook: "NotebookNode",
    *,
    parameters: Mapping[str, str],
    error: str | None,
    seconds: float,
) -> NotebookPage:
    """Read an executed notebook and render its cells.

    Parameters
    ----------
    path : Path
        The file of the page.
    name : str
        Name of the notebook without its suffix.
    notebook : nbformat.NotebookNode
        The notebook with outputs. The alternative text of a picture without one is the heading above it. Sections whose
        code shows nothing are left out, because this account does not have the data for them.
    parameters, error, seconds
        See `NotebookPage`.

    Returns
    -------
    NotebookPage
    """
    if error is None:
        notebook.cells = [cell for section in _sections(notebook) if _shows(section) for cell in section]
    title = _title(notebook) or name
    pictures = list(_describe_pictures(notebook, title))
    body, _ = exporter().from_notebook_node(notebook)
    picture, alt = pictures[0] if pictures else ("", "")
    alerts = _metadata(notebook, "optkit_alerts")
    return NotebookPage(
        name,
        title,
        _headline(notebook),
        picture,
        alt,
        body,
        None if alerts is None else [(text, target) for text, target in alerts],
        _metadata(notebook, "optkit") or {},
        parameters,
        path,
        error,
        seconds,
    )


def exporter() -> Any:
    """Return nbconvert's exporter with the templates of this package."""
    from nbconvert import HTMLExporter

    return HTMLExporter(
        template_name="optkit",
        extra_template_basedirs=[str(_TEMPLATES)],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )


def _sections(notebook: "NotebookNode") -> Iterator[list["NotebookNode"]]:
    """Yield the cells of each section: a heading and what follows, up to the next heading."""
    section: list[NotebookNode] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("#") and section:
            yield section
            section = []
        section.append(cell)
    yield section


def _shows(section: list["NotebookNode"]) -> bool:
    """Return whether a section has no code, or code that shows something."""
    code = [cell for cell in section if cell.cell_type == "code"]
    return not code or any(cell.outputs for cell in code)


def _title(notebook: "NotebookNode") -> str:
    sources = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = (re.search(r"^# +(.+?)\s*$", source, re.MULTILINE) for source in sources)
    return next((match[1] for match in found if match), "")


def _describe_pictures(notebook: "NotebookNode", title: str) -> Iterator[tuple[str, str]]:
    """Yield each picture as a URL with its alternative text: its own, or else the heading above it."""
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


def _metadata(notebook: "NotebookNode", key: str) -> Any:
    """Return the metadata that an object of `optkit.display` added to its output; None if there is none."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    found = (output.get("metadata", {}).get("text/html", {}).get(key) for output in outputs)
    return next((value for value in found if value is not None), None)


def _text(output: "NotebookNode") -> str:
    """Return the text of an output without its markup."""
    data = output.get("data", {})
    if "text/html" in data:
        text = unescape(re.sub(r"<style.*?</style>|<[^>]+>", " ", data["text/html"], flags=re.DOTALL))
    else:
        text = data.get("text/markdown") or data.get("text/plain") or output.get("text", "")
        text = re.sub(r"[*_`]{1,2}(\S.*?)[*_`]{1,2}", r"\1", text)
    return " ".join(text.split())
