"""Symbols and books: the state of the market as Foreshock sees it, of all symbols and of some."""

from .parts import (
    CANCELS,
    CHOSEN,
    CHOSEN_SYMBOLS,
    GREEN,
    ORANGE,
    RED,
    TOP,
    TRADES,
    USABLE,
    Dashboard,
    gauge,
    graph,
    number,
    rate,
)


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
            "Books that cannot be used",
            "Symbols by why their book cannot be used.",
            "none",
            (gauge("foreshock_books", "sum", "state", 'state!="usable"'), "{{state}}"),
            steps=True,
            stacked=True,
        ),
        graph(
            "Contradictions",
            "Contradictions between a book and its feed, by kind.",
            "cps",
            (rate("foreshock_book_faults_total", "fault"), "{{fault}}"),
            stacked=True,
        ),
        graph(
            "Fastest cancels",
            "Orders withdrawn within ten seconds, as a multiple of the usual number.",
            "none",
            (f"topk({TOP}, {gauge('foreshock_pace_ratio', 'max', 'symbol', CANCELS)})", "{{symbol}}"),
            width=8,
        ),
        graph(
            "Fastest trades",
            "Orders that took within ten seconds, as a multiple of the usual number.",
            "none",
            (f"topk({TOP}, {gauge('foreshock_pace_ratio', 'max', 'symbol', TRADES)})", "{{symbol}}"),
            width=8,
        ),
        graph(
            "Widest spreads",
            "Spread in basis points of the middle.",
            "none",
            (f"topk({TOP}, {gauge('foreshock_book_spread_bps', 'max', 'symbol')})", "{{symbol}}"),
            width=8,
        ),
    )
    page.row("The chosen symbols").add(
        graph(
            "Depth",
            "Notional of the thinner side within each distance from the middle, the least of the chosen symbols. Choose one symbol to see its own.",
            "short",
            (gauge("foreshock_depth_notional", "min", "band_bps", CHOSEN_SYMBOLS), "{{band_bps}} bps"),
            logarithmic=True,
        ),
        graph(
            "Spread",
            "Spread in basis points of the middle.",
            "none",
            (gauge("foreshock_book_spread_bps", "max", "symbol", CHOSEN_SYMBOLS), "{{symbol}}"),
        ),
        graph(
            "Pace against usual",
            "Events of ten seconds as a multiple of the usual number, the fastest of the chosen symbols.",
            "none",
            (gauge("foreshock_pace_ratio", "max", "flow", CHOSEN_SYMBOLS), "{{flow}}"),
            limit=1,
        ),
        graph(
            "Whether the book can be used",
            "1 where the symbol's book can be used, else 0.",
            "none",
            (f"min by (symbol) (foreshock_book_usable{{{CHOSEN},{CHOSEN_SYMBOLS}}})", "{{symbol}}"),
            steps=True,
            most=1,
        ),
    )
    return page
