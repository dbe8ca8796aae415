"""Tables of a small made-up account as the analyses of messages return them, to draw pictures of."""

import optkit

_ACCOUNT = optkit.demo_history(recipients=4000), optkit.demo_messages(recipients=4000)

AUDIENCE = optkit.audience(_ACCOUNT[1])
LIST_GROWTH = optkit.list_growth(*_ACCOUNT)
ATTRIBUTION = optkit.attribution(*_ACCOUNT)
CAMPAIGNS = optkit.campaign_rates(*_ACCOUNT)
HAZARD = optkit.opt_out_hazard(*_ACCOUNT)
HAZARD_BY_SENDER = optkit.opt_out_hazard(*_ACCOUNT, by="from_phone")
FATIGUE = optkit.fatigue(*_ACCOUNT)
LEAKS = optkit.leaks(*_ACCOUNT)
LEAK_CURVE = optkit.leak_curve(*_ACCOUNT)

OF_MESSAGES = [
    ("audience", AUDIENCE),
    ("list_growth", LIST_GROWTH),
    ("attribution", ATTRIBUTION),
    ("campaign_rates", CAMPAIGNS),
    ("opt_out_hazard", HAZARD),
    ("fatigue", FATIGUE),
    ("leaks", LEAKS),
    ("leak_curve", LEAK_CURVE),
]
