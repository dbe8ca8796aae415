"""What notebooks share: an account and its banner, answers in words, tables, pictures with controls."""

from optkit.display import answers as answers
from optkit.display.answers import denominator
from optkit.display.figures import explore, show
from optkit.display.handing import export, moments, phone
from optkit.display.opening import Extract, open_account
from optkit.display.tables import style, table, tidy

__all__ = [
    "Extract",
    "answers",
    "denominator",
    "explore",
    "export",
    "moments",
    "open_account",
    "phone",
    "show",
    "style",
    "table",
    "tidy",
]
