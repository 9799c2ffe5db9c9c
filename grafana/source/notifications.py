"""Notifications: whether alerts reach their receivers, and how fast."""

from .parts import CHOSEN, EACH_MINUTE, GREEN, ORANGE, RED, TIMES, Dashboard, graph, number, or_none, per_minute, quantile

BUDGET = 0.01
RECEIVED = 'receiver!="kafka"'
OUTCOMES = {"delivered": GREEN, "repeated": "blue", "failed": RED, "refused": "purple", "evicted": ORANGE}
NONE = "no alert in this time"


def build() -> Dashboard:
    """Makes the dashboard."""
    page = Dashboard(
        "notifications",
        "Notifications",
        "Whether alerts reach their receivers, and how fast. Every process notifies: an alert counts once for each.",
        since="now-3h",
    )
    missed = "job_receiver:foreshock_notification_missed:ratio_rate"
    total = "foreshock_notifications_total"
    page.row("Now").add(
        number(
            "Committed, 1 h",
            "Revisions of alerts in the alerts topic: what was not sent is still there.",
            "none",
            (f'sum(increase({total}{{{CHOSEN},receiver="kafka",outcome="delivered"}}[1h]))', "alerts"),
            width=6,
            decimals=0,
        ),
        number(
            "Taken, 1 h",
            "Alerts that a receiver took for the first time, summed over receivers and processes.",
            "none",
            (f'sum(increase({total}{{{CHOSEN},{RECEIVED},outcome="delivered"}}[1h]))', "alerts"),
            width=6,
            decimals=0,
        ),
        number(
            "Failed, 1 h",
            "Alerts of requests that failed; they are tried again.",
            "none",
            (f'sum(increase({total}{{{CHOSEN},{RECEIVED},outcome="failed"}}[1h]))', "alerts"),
            (1, RED),
            width=6,
            decimals=0,
        ),
        number(
            "Refused, 1 h",
            "Alerts that a receiver refused as malformed, or that made room on a full board.",
            "none",
            (f'sum(increase({total}{{{CHOSEN},outcome=~"refused|evicted"}}[1h]))', "alerts"),
            (1, RED),
            width=6,
            decimals=0,
        ),
    )
    page.row("Receivers").add(
        graph(
            "Outcomes",
            "Alerts by receiver and outcome: delivered is new to the receiver, repeated lasts, failed is tried again.",
            EACH_MINUTE,
            (or_none(per_minute(total, "receiver, outcome", RECEIVED), "outcome"), "{{outcome}} {{receiver}}"),
            stacked=True,
            bars=True,
            colors=OUTCOMES,
        ),
        graph(
            "Failures",
            "Alerts that were not taken, by receiver.",
            EACH_MINUTE,
            (
                or_none(
                    per_minute(total, "receiver, outcome", f'{RECEIVED},outcome=~"failed|refused|evicted"'), "outcome"
                ),
                "{{outcome}} {{receiver}}",
            ),
            stacked=True,
            bars=True,
            colors=OUTCOMES,
        ),
        graph(
            "Emission to answer",
            "Quantiles of the time from the emission of an alert to the receiver's answer, over all receivers.",
            "s",
            *((quantile(q, "foreshock_notification_seconds"), f"p{q * 100:g}") for q in (0.5, 0.9, 0.99)),
            limit=0.1,
            empty=NONE,
        ),
        graph(
            "Burn rate",
            "How many times faster than permitted the budget is used: 1 of 100 alerts may take more than 0.1 s. ForeshockNotificationsLate fires where both are above the line.",
            TIMES,
            *(
                (f'max by (receiver) ({missed}{window}{{job=~"$job"}}) / {BUDGET}', f"{{{{receiver}}}} {window}")
                for window in ("30m", "6h")
            ),
            limit=6,
            empty=NONE,
        ),
        graph(
            "Commits of alerts",
            "Revisions of alerts that were committed to the alerts topic.",
            EACH_MINUTE,
            (per_minute(total, "", 'receiver="kafka"'), "committed"),
        ),
        graph(
            "Requests of Foreshock's own HTTP",
            "Answered requests by path and code.",
            EACH_MINUTE,
            (or_none(per_minute("foreshock_http_requests_total", "path, code"), "path"), "{{path}} {{code}}"),
        ),
    )
    return page
