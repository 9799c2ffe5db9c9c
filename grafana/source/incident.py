"""Incident response: where the link of a page lands, at its time and symbols."""

from .parts import (
    BPS,
    CANCELS,
    CAUSES,
    CHOSEN,
    CHOSEN_SYMBOLS,
    DETECTORS,
    EACH_MINUTE,
    FATES,
    MODES,
    ORANGE,
    RED,
    SEVERITIES,
    TIMES,
    TRADES,
    Dashboard,
    backlog,
    extreme,
    gauge,
    graph,
    mode,
    number,
    or_none,
    per_minute,
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
    page.row("What was found").add(
        graph(
            "Open incidents",
            "Incidents that are open, by severity. A mark shows where a critical one opened.",
            "none",
            (or_none(gauge("foreshock_incidents", "sum", "severity"), "severity"), "{{severity}}"),
            stacked=True,
            steps=True,
            width=8,
            colors=SEVERITIES,
        ),
        graph(
            "Findings a minute",
            "Findings that opened or rose, by detector: which came first says how it began. A single one is spread over the minute after it.",
            EACH_MINUTE,
            (or_none(per_minute("foreshock_signals_total", "detector"), "detector"), "{{detector}}"),
            stacked=True,
            bars=True,
            width=8,
            colors=DETECTORS,
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
            TIMES,
            (extreme("max", "foreshock_pace_ratio", "symbol", CANCELS, CHOSEN_SYMBOLS), "{{symbol}}"),
            usual=1,
            ranked="max",
        ),
        graph(
            "Trades against usual",
            "Orders that took within ten seconds, as a multiple of the usual number: the fastest of the chosen symbols.",
            TIMES,
            (extreme("max", "foreshock_pace_ratio", "symbol", TRADES, CHOSEN_SYMBOLS), "{{symbol}}"),
            usual=1,
            ranked="max",
        ),
        graph(
            "Notional within 50 bps",
            "Notional of the thinner side within 50 basis points of the middle: the thinnest of the chosen symbols.",
            "short",
            (extreme("min", "foreshock_depth_notional", "symbol", WITHIN_50, CHOSEN_SYMBOLS), "{{symbol}}"),
            logarithmic=True,
            ranked="min",
        ),
        graph(
            "Spread",
            "Spread in basis points of the middle: the widest of the chosen symbols.",
            BPS,
            (extreme("max", "foreshock_book_spread_bps", "symbol", CHOSEN_SYMBOLS), "{{symbol}}"),
            ranked="max",
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
            (f"sum(foreshock_book_usable{{{CHOSEN},{CHOSEN_SYMBOLS}}} == bool 0)", "books"),
            (1, ORANGE),
            width=6,
        ),
        backlog(width=6),
    )
    page.add(
        graph(
            "Troubles of the input",
            "Partitions, producers and symbols with something wrong, by what it is.",
            "none",
            (or_none(gauge("foreshock_feed_troubles", "sum", "cause"), "cause"), "{{cause}}"),
            stacked=True,
            steps=True,
            wrong=CAUSES,
        ),
        graph(
            "Records that were not accepted",
            "Records by what became of them, without those that were accepted.",
            EACH_MINUTE,
            (or_none(per_minute("foreshock_records_total", "fate", 'fate!="accepted"'), "fate"), "{{fate}}"),
            stacked=True,
            bars=True,
            colors=FATES,
        ),
    )
    return page
