"""Incident response: where the link of a page lands, at its time and symbols."""

from .parts import (
    CANCELS,
    CHOSEN,
    CHOSEN_SYMBOLS,
    MODES,
    ORANGE,
    RED,
    SEVERITIES,
    TOP,
    TRADES,
    Dashboard,
    gauge,
    graph,
    mode,
    number,
    rate,
)

WITHIN_50 = 'band_bps="50"'


def build() -> Dashboard:
    """Makes the dashboard."""
    page = Dashboard(
        "incident",
        "Incident response",
        "What happens on the symbols of a page, and whether it can be believed. A link sets the symbols with `var-symbol=` (repeated) and the time with `from=` and `to=`.",
        since="now-30m",
        symbols=True,
    )
    page.row("What").add(
        graph(
            "Open incidents",
            "Incidents that are open, by severity. A mark shows where a critical one opened.",
            "none",
            (gauge("foreshock_incidents", "sum", "severity"), "{{severity}}"),
            stacked=True,
            steps=True,
            width=8,
            colors=SEVERITIES,
        ),
        graph(
            "Findings",
            "Findings that opened or rose, by detector: which came first says how it began.",
            "none",
            (f"{rate('foreshock_signals_total', 'detector', over='increase')} > 0", "{{detector}}"),
            stacked=True,
            width=8,
        ),
        graph(
            "Books that are thin",
            "The share of symbols whose books are in the lowest tenth of their own depth. A tenth is usual; the line is where a cluster begins.",
            "percentunit",
            (gauge("foreshock_thin_share", "max"), "thin"),
            width=8,
            most=1,
            limit=0.35,
        ),
    )
    page.row("The symbols").add(
        graph(
            "Cancels against usual",
            "Orders withdrawn within ten seconds, as a multiple of the usual number: the fastest of the chosen symbols.",
            "none",
            (f"topk({TOP}, {gauge('foreshock_pace_ratio', 'max', 'symbol', CANCELS, CHOSEN_SYMBOLS)})", "{{symbol}}"),
            limit=1,
        ),
        graph(
            "Trades against usual",
            "Orders that took within ten seconds, as a multiple of the usual number: the fastest of the chosen symbols.",
            "none",
            (f"topk({TOP}, {gauge('foreshock_pace_ratio', 'max', 'symbol', TRADES, CHOSEN_SYMBOLS)})", "{{symbol}}"),
            limit=1,
        ),
        graph(
            "Depth within 50 bps",
            "Notional of the thinner side within 50 basis points of the middle: the thinnest of the chosen symbols.",
            "short",
            (
                f"bottomk({TOP}, {gauge('foreshock_depth_notional', 'min', 'symbol', WITHIN_50, CHOSEN_SYMBOLS)})",
                "{{symbol}}",
            ),
            logarithmic=True,
        ),
        graph(
            "Spread",
            "Spread in basis points of the middle: the widest of the chosen symbols.",
            "none",
            (f"topk({TOP}, {gauge('foreshock_book_spread_bps', 'max', 'symbol', CHOSEN_SYMBOLS)})", "{{symbol}}"),
        ),
    )
    page.row("Can it be believed?").add(
        number("Mode", "Blind or degraded: look at the input first.", "none", (mode(), "mode"), words=MODES, width=6),
        number(
            "Watermark",
            "How far the slowest partition is behind the clock.",
            "s",
            (gauge("foreshock_watermark_lag_seconds", "max"), "behind"),
            (5, ORANGE),
            (60, RED),
            width=6,
        ),
        number(
            "Books that cannot be used",
            "Of the chosen symbols: their books contradict the feed, so depth and spread are not judged.",
            "none",
            (f"count(foreshock_book_usable{{{CHOSEN},{CHOSEN_SYMBOLS}}} == 0) or vector(0)", "books"),
            (1, ORANGE),
            width=6,
        ),
        number(
            "Records waiting",
            "Records of the input that are not read yet.",
            "short",
            (gauge("foreshock_consumer_lag_records", "sum"), "records"),
            (10_000, ORANGE),
            width=6,
        ),
    )
    page.add(
        graph(
            "Troubles of the input",
            "Partitions, producers and symbols with something wrong, by what it is.",
            "none",
            (f"{gauge('foreshock_feed_troubles', 'sum', 'cause')} > 0", "{{cause}}"),
            steps=True,
        ),
        graph(
            "Records that were not accepted",
            "Records by what became of them, without those that were accepted.",
            "cps",
            (rate("foreshock_records_total", "fate", 'fate!="accepted"'), "{{fate}}"),
            stacked=True,
        ),
    )
    return page
