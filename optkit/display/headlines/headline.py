"""Sentences as notebooks show them."""

from html import escape


class Headline(str):
    """The answer of a page in one or two sentences, shown large."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return (
            '<p style="font-size:1.25em;line-height:1.5;max-width:40em;margin:0.4em 0">'
            f"<strong>{escape(self)}</strong></p>"
        )


class Note(str):
    """A sentence, shown as a paragraph."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return f"<p>{escape(self)}</p>"
