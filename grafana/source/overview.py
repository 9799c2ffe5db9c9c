"""Overview: is the flow watched, what is found, and does it reach anybody."""

from .parts import CHOSEN, JUDGED, MODES, ORANGE, RED, SEVERITIES, Dashboard, gauge, graph, mode, number, rate


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
        number(
            "Waiting",
            "Records of the input that are not read yet.",
            "short",
            (gauge("foreshock_consumer_lag_records", "sum"), "records"),
            (10_000, ORANGE),
        ),
        number(
            "Service alerts",
            "Alerts of Prometheus about the service that fire now. Each has a runbook.",
            "none",
            ('count(ALERTS{alertname=~"Foreshock.+",alertstate="firing",job=~"$job"}) or vector(0)', "alerts"),
            (1, RED),
        ),
    )
    page.row("Found").add(
        graph(
            "Open incidents",
            "Incidents that are open, by severity.",
            "none",
            (gauge("foreshock_incidents", "sum", "severity"), "{{severity}}"),
            stacked=True,
            steps=True,
            colors=SEVERITIES,
        ),
        graph(
            "Findings",
            "Findings that opened or rose, by detector.",
            "none",
            (f"{rate('foreshock_signals_total', 'detector', over='increase')} > 0", "{{detector}}"),
            stacked=True,
        ),
    )
    page.row("Input").add(
        graph(
            "Records",
            "Records by what became of them. Rejected ones are in the dead letters.",
            "cps",
            (rate("foreshock_records_total", "fate"), "{{fate}}"),
            stacked=True,
            colors={"accepted": "green", "rejected": RED, "late": ORANGE},
        ),
        graph(
            "Events",
            "Accepted events by type: what the feed carries.",
            "cps",
            (f"{rate('foreshock_events_total', 'type')} > 0", "{{type}}"),
            stacked=True,
        ),
        graph(
            "Troubles of the input",
            "Partitions, producers and symbols with something wrong, by what it is.",
            "none",
            (f"{gauge('foreshock_feed_troubles', 'sum', 'cause')} > 0", "{{cause}}"),
            steps=True,
            width=8,
        ),
        graph(
            "Watermark",
            "How far the slowest partition is behind the clock: an alert waits for it.",
            "s",
            (gauge("foreshock_watermark_lag_seconds", "max", "topic"), "{{topic}}"),
            limit=60,
            width=8,
        ),
        graph(
            "Subjects that are judged",
            "The share of symbols, accounts and markets that each detector can judge. A detector that judges nothing finds nothing.",
            "percentunit",
            (
                f"{gauge('foreshock_coverage', 'sum', 'detector', JUDGED)} / ({gauge('foreshock_coverage', 'sum', 'detector')} > 0)",
                "{{detector}}",
            ),
            width=8,
            most=1,
        ),
    )
    return page
