"""What notebooks share: an account and its banner, headlines in words, tables, pictures with controls."""

from optkit.display import headlines as headlines
from optkit.display.account import Extract, open_account
from optkit.display.export import export, moments, phone
from optkit.display.figures import explore, show
from optkit.display.headlines import denominator
from optkit.display.tables import style, table, tidy

__all__ = [
    "Extract",
    "denominator",
    "explore",
    "export",
    "headlines",
    "moments",
    "open_account",
    "phone",
    "show",
    "style",
    "table",
    "tidy",
]
