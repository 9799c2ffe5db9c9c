"""Symbols and books: the state of the market as Foreshock sees it, of all symbols and of some."""

from .parts import (
    BPS,
    CANCELS,
    CHOSEN,
    CHOSEN_SYMBOLS,
    EACH_MINUTE,
    GREEN,
    ORANGE,
    RED,
    TIMES,
    TRADES,
    USABLE,
    Dashboard,
    extreme,
    gauge,
    graph,
    number,
    or_none,
    per_minute,
)

# The bands of `foreshock_depth_notional`, from the nearest.
BANDS_BPS = (5, 10, 25, 50, 100)


def build() -> Dashboard:
    """Makes the dashboard."""
    page = Dashboard(
        "symbols",
        "Symbols and books",
        "Depth, spread and pace by symbol. Symbols beyond metrics.symbols_max are shown as `other`, with the worst of each number.",
        symbols=True,
    )
    page.row("All symbols").add(
        number(
            "Books",
            "Symbols that have a book and had an event within the last hour.",
            "none",
            (gauge("foreshock_books", "sum"), "books"),
            width=6,
        ),
        number(
            "Books that can be used",
            "The share of books that do not contradict their feed.",
            "percentunit",
            (f"{gauge('foreshock_books', 'sum', '', USABLE)} / {gauge('foreshock_books', 'sum')}", "usable"),
            (0.9, GREEN),
            width=6,
            least=ORANGE,
            decimals=1,
        ),
        number(
            "Books that are thin",
            "The share of symbols in the lowest tenth of their own depth: a tenth is usual, 0.35 is a cluster.",
            "percentunit",
            (gauge("foreshock_thin_share", "max"), "thin"),
            (0.35, RED),
            width=6,
            decimals=1,
        ),
        number(
            "Symbols in a table",
            "Symbols with state.",
            "none",
            (gauge("foreshock_keys", "sum", "", 'kind="symbol"'), "symbols"),
            width=6,
        ),
    )
    page.add(
        graph(
            "Books that cannot be used, by cause",
            "Symbols by why their book cannot be used.",
            "none",
            (or_none(gauge("foreshock_books", "sum", "state", 'state!="usable"'), "state"), "{{state}}"),
            steps=True,
            stacked=True,
            wrong=("no_snapshot", "crossed", "broken"),
        ),
        graph(
            "Contradictions",
            "Contradictions between a book and its feed, by kind.",
            EACH_MINUTE,
            (or_none(per_minute("foreshock_book_faults_total", "fault"), "fault"), "{{fault}}"),
            stacked=True,
            bars=True,
            wrong=("broken", "crossed", "mismatch", "overfilled", "duplicate_order", "stuck_order"),
        ),
        graph(
            "Fastest cancels",
            "Orders withdrawn within ten seconds, as a multiple of the usual number.",
            TIMES,
            (extreme("max", "foreshock_pace_ratio", "symbol", CANCELS), "{{symbol}}"),
            usual=1,
            ranked="max",
            width=8,
        ),
        graph(
            "Fastest trades",
            "Orders that took within ten seconds, as a multiple of the usual number.",
            TIMES,
            (extreme("max", "foreshock_pace_ratio", "symbol", TRADES), "{{symbol}}"),
            usual=1,
            ranked="max",
            width=8,
        ),
        graph(
            "Widest spreads",
            "Spread in basis points of the middle.",
            BPS,
            (extreme("max", "foreshock_book_spread_bps", "symbol"), "{{symbol}}"),
            ranked="max",
            width=8,
        ),
    )
    page.row("The chosen symbols").add(
        graph(
            "Depth",
            "Notional of the thinner side within each distance from the middle, the least of the chosen symbols. Choose one symbol to see its own.",
            "short",
            *(
                (gauge("foreshock_depth_notional", "min", "", f'band_bps="{band}"', CHOSEN_SYMBOLS), f"{band} bps")
                for band in BANDS_BPS
            ),
            logarithmic=True,
        ),
        graph(
            "Spread",
            "Spread in basis points of the middle.",
            BPS,
            (extreme("max", "foreshock_book_spread_bps", "symbol", CHOSEN_SYMBOLS), "{{symbol}}"),
            ranked="max",
        ),
        graph(
            "Pace against usual",
            "Events of ten seconds as a multiple of the usual number, the fastest of the chosen symbols.",
            TIMES,
            (gauge("foreshock_pace_ratio", "max", "flow", CHOSEN_SYMBOLS), "{{flow}}"),
            usual=1,
        ),
        graph(
            "Books that cannot be used",
            "The chosen symbols whose books contradict the feed: their depth and spread are not judged.",
            "none",
            (
                or_none(f"max by (symbol) (foreshock_book_usable{{{CHOSEN},{CHOSEN_SYMBOLS}}} == bool 0)", "symbol"),
                "{{symbol}}",
            ),
            stacked=True,
            steps=True,
            wrong=(),
        ),
    )
    return page
