"""Shared by all notebooks: an account and its banner, headlines, tables, pictures, an export."""

from optkit.display import headlines as headlines
from optkit.display.account_data import AccountData, open_account
from optkit.display.account_messages import if_messages, leak_counts, per_thousand, worst_campaigns
from optkit.display.alerts import Alert, Alerts, find_alerts
from optkit.display.export import export
from optkit.display.figures import explore, show
from optkit.display.inputs import comparison_times, format_phone, local_day
from optkit.display.messaged import burn_in_since, churn, messaged, rates_since
from optkit.display.tables import as_text, style, table

__all__ = [
    "AccountData",
    "Alert",
    "Alerts",
    "as_text",
    "burn_in_since",
    "churn",
    "comparison_times",
    "explore",
    "export",
    "find_alerts",
    "format_phone",
    "headlines",
    "if_messages",
    "leak_counts",
    "local_day",
    "messaged",
    "open_account",
    "per_thousand",
    "rates_since",
    "show",
    "style",
    "table",
    "worst_campaigns",
]
