"""Overview: is the flow watched, what is found, and does it reach anybody."""

from .parts import (
    CAUSES,
    CHOSEN,
    DETECTORS,
    EACH_MINUTE,
    EACH_SECOND,
    FATES,
    GREY,
    JUDGED,
    MODES,
    ORANGE,
    RED,
    SEVERITIES,
    Dashboard,
    backlog,
    gauge,
    graph,
    mode,
    number,
    or_none,
    per_minute,
    rate,
    shares,
)

# What the feed carries, in groups that are told apart at a glance, by the types of their events.
GROUPS = {
    "orders: new": "order_new|order_replace",
    "orders: cancelled": "order_cancel",
    "orders: rejected": "order_reject",
    "trades": "trade",
    "books": "book_.+",
    "accounts": "balance|leverage|position",
    "heartbeats": "heartbeat",
}
REST = "|".join(GROUPS.values())
# Eight colours that are told apart.
GROUP_COLORS = {
    "orders: new": "blue",
    "orders: cancelled": ORANGE,
    "orders: rejected": RED,
    "trades": "green",
    "books": "purple",
    "accounts": "yellow",
    "heartbeats": GREY,
    "prices and the rest": "#2dd4bf",
}


def build() -> Dashboard:
    """Makes the dashboard."""
    page = Dashboard("overview", "Overview", "Whether the flow is watched, what is found, and what needs attention.")
    page.row("Now").add(
        number(
            "Mode",
            "How far findings are to be trusted: degraded means that a part of the input is bad, blind that nothing usable comes.",
            "none",
            (mode(), "mode"),
            words=MODES,
        ),
        number(
            "Working",
            "Processes that read the input. One works, others stand by; none means that nobody watches the flow.",
            "none",
            (f"sum(foreshock_partitions_read{{{CHOSEN}}} > bool 0)", "work"),
            words={"0": ("nobody", RED), "1": ("1", "green")},
        ),
        number(
            "Critical",
            "Open incidents that page.",
            "none",
            (gauge("foreshock_incidents", "sum", "", 'severity="critical"'), "critical"),
            (1, RED),
        ),
        number(
            "Warnings",
            "Open incidents that are tickets.",
            "none",
            (gauge("foreshock_incidents", "sum", "", 'severity="warning"'), "warning"),
            (1, ORANGE),
        ),
        backlog(width=4),
        number(
            "Service alerts",
            "Alerts of Prometheus about the service that fire now. Each has a runbook.",
            "none",
            # ForeshockAbsent is of no job.
            ('count(ALERTS{alertname=~"Foreshock.+",alertstate="firing",job=~"$job|"}) or vector(0)', "alerts"),
            (1, RED),
        ),
    )
    page.row("Found").add(
        graph(
            "Open incidents",
            "Incidents that are open, by severity.",
            "none",
            (or_none(gauge("foreshock_incidents", "sum", "severity"), "severity"), "{{severity}}"),
            stacked=True,
            steps=True,
            colors=SEVERITIES,
        ),
        graph(
            "Findings a minute",
            "Findings that opened or rose, by detector. A single one is spread over the minute after it.",
            EACH_MINUTE,
            (or_none(per_minute("foreshock_signals_total", "detector"), "detector"), "{{detector}}"),
            stacked=True,
            bars=True,
            colors=DETECTORS,
        ),
    )
    page.row("Input").add(
        graph(
            "Records",
            "Records by what became of them. Rejected ones are in the dead letters.",
            EACH_SECOND,
            (or_none(rate("foreshock_records_total", "fate"), "fate"), "{{fate}}"),
            stacked=True,
            colors={"accepted": "blue"} | FATES,
        ),
        graph(
            "Events",
            "Accepted events by what they are about: what the feed carries.",
            EACH_SECOND,
            *((rate("foreshock_events_total", "", f'type=~"{types}"'), name) for name, types in GROUPS.items()),
            (rate("foreshock_events_total", "", f'type!~"{REST}"'), "prices and the rest"),
            stacked=True,
            colors=GROUP_COLORS,
        ),
        graph(
            "Troubles of the input",
            "Partitions, producers and symbols with something wrong, by what it is.",
            "none",
            (or_none(gauge("foreshock_feed_troubles", "sum", "cause"), "cause"), "{{cause}}"),
            stacked=True,
            steps=True,
            width=8,
            wrong=CAUSES,
        ),
        graph(
            "Watermark",
            "How far the slowest partition is behind the clock: an alert waits for it. ForeshockWatermarkBehind fires above the line.",
            "s",
            (gauge("foreshock_watermark_lag_seconds", "max", "topic"), "{{topic}}"),
            limit=60,
            width=8,
            logarithmic=True,
        ),
        shares(
            "Subjects that are judged, now",
            "The share of symbols, accounts and markets that each detector can judge. A detector that judges nothing finds nothing. stale_book judges only symbols whose feed sends books.",
            (
                f"{gauge('foreshock_coverage', 'sum', 'detector', JUDGED)} / ({gauge('foreshock_coverage', 'sum', 'detector')} > 0)",
                "{{detector}}",
            ),
            width=8,
        ),
    )
    return page
