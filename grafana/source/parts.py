"""Parts of which every dashboard is made: variables, graphs, numbers, rows.

A dashboard follows the conventions of mixins: the variables `datasource`, `job` and `instance` choose what is shown, rates are over
`$__rate_interval`, and every panel has a unit and a description.

A number is asked for now, not over the range: of a service that is dead it shows "no data", not the last that it said. Where
nothing is wrong a graph shows a line `none` at 0, so that an empty graph always means that no metrics came.
"""

from itertools import cycle
from typing import Literal, Self, Union

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import bargauge, prometheus, stat, timeseries
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

PROMETHEUS = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
# What every query selects.
CHOSEN = 'job=~"$job",instance=~"$instance"'

CHOSEN_SYMBOLS = 'symbol=~"$symbol"'
CANCELS, TRADES = 'flow="cancels"', 'flow="trades"'
JUDGED, USABLE, TOTAL = 'state="judged"', 'state="usable"', 'stage="total"'
# Causes of troubles of the input. One that is missing here is drawn in a shade of orange.
CAUSES = (
    "silence", "gap", "late", "lag", "rejected", "skew", "silent_symbols", "unusable", "book",
    "silent_producer", "nothing_usable", "behind", "duplicates", "machine_clock", "unknown_type", "poison", "new_log",
)  # fmt: skip
# How many series a ranking shows: Grafana's palette has six hues and then their shades.
TOP = 6

# A query and the name of its series.
Query = tuple[str, str]
Panel = Union[timeseries.Panel, stat.Panel, bargauge.Panel]

GREEN, ORANGE, RED, GREY = "green", "orange", "red", "#8e8e8e"
# Units with a scale: 15000 is `15.0K /s`.
EACH_SECOND, EACH_MINUTE = "count:/s", "count:/min"
TIMES, BPS = "suffix:×", "suffix: bps"
# The colour of a detector is the same everywhere, and no two share one.
DETECTORS = {
    "cancel_burst": ORANGE,
    "trade_burst": "yellow",
    "thin_book": "blue",
    "thin_book_cluster": "dark-blue",
    "spread_widening": "#2dd4bf",
    "one_sided_book": "#f472b6",
    "stale_book": "#a16207",
    "price_shock": "purple",
    "leverage_jump": "light-green",
    "insolvent": RED,
    "feed": "#e5e7eb",
}
# Colours of what should not be, without green: names that are seldom seen together may share one.
ALARMING = (ORANGE, RED, "yellow", "purple", "#f472b6", "blue", "#a16207", "#2dd4bf", "#e5e7eb")
# The colours of fates of records.
FATES = {"rejected": RED, "late": ORANGE, "duplicate": "yellow", "shed": "purple"}
# The colour of a severity is the same everywhere.
SEVERITIES = {"critical": RED, "warning": ORANGE, "info": "blue"}
MODES = {"0": ("normal", GREEN), "1": ("degraded", ORANGE), "2": ("blind", RED)}


def _target(query: Query, nth: int, now: bool = False) -> prometheus.Dataquery:
    expr, legend = query
    target = prometheus.Dataquery().instant() if now else prometheus.Dataquery().range()
    return target.expr(expr).legend_format(legend).ref_id(chr(ord("A") + nth)).datasource(PROMETHEUS)


def _thresholds(*steps: tuple[float | None, str]) -> builders.ThresholdsConfig:
    made = [dashboard.Threshold(value=value, color=color) for value, color in steps]
    return builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(made)


def _fixed(color: str) -> dashboard.DynamicConfigValue:
    return dashboard.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})


def graph(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    width: int = 12,
    stacked: bool = False,
    logarithmic: bool = False,
    wide: bool = False,
    steps: bool = False,
    limit: float | None = None,
    usual: float | None = None,
    most: float | None = None,
    bars: bool = False,
    wrong: tuple[str, ...] | None = None,
    ranked: Literal["max", "min", "lastNotNull"] | None = None,
    joined: bool = False,
    empty: str = "",
    colors: dict[str, str] | None = None,
) -> timeseries.Panel:
    """Lines over time.

    `limit` draws a red line at an objective or an alert's limit, `usual` a grey one at what is normal. `ranked` lists the series
    beside the graph, the worst first. `bars` shows single points too. `wrong` names the series of what should not be:
    none of them is green, nor any that is not named.
    `wide` keeps small values readable beside large ones, 0 included. `joined` draws over gaps. `empty` is shown where nothing is,
    if that is no fault.
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .span(width)
        .height(8)
        .datasource(PROMETHEUS)
        .targets([_target(query, nth) for nth, query in enumerate(queries)])
        .color_scheme(
            builders.FieldColor().mode(dashboard.FieldColorModeId.SHADES).fixed_color(ORANGE)
            if wrong is not None
            else builders.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC)
        )
        # A series at 0 has no line on top of those below it.
        .line_width(0 if stacked else 1)
        .fill_opacity(80 if bars else 60 if stacked else 0)
        # Only what comes seldom has points that no line leads to.
        .show_points(common.VisibilityMode.AUTO if empty or joined else common.VisibilityMode.NEVER)
        .point_size(4)
        .span_nulls(joined)
        .no_value(empty or "No data")
        .legend(_legend(ranked))
        .tooltip(
            common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
        )
    )
    if stacked:
        panel = panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
    if logarithmic:
        scale = common_builders.ScaleDistributionConfig().type(common.ScaleDistribution.LOG).log(10)
        panel = panel.scale_distribution(scale)
    else:
        panel = panel.axis_soft_min(0)
        # An axis of zeros does not go to 100.
        if unit in ("none", "short", EACH_SECOND, EACH_MINUTE):
            panel = panel.axis_soft_max(1)
    if limit is not None:
        panel = panel.axis_soft_max(limit)
    if wide:
        scale = common_builders.ScaleDistributionConfig().type(common.ScaleDistribution.SYMLOG).log(10)
        panel = panel.scale_distribution(scale.linear_threshold(1))
    if unit == "none":
        panel = panel.decimals(0)
    if bars:
        panel = panel.draw_style(common.GraphDrawStyle.BARS).bar_width_factor(1)
    if steps:
        panel = panel.line_interpolation(common.LineInterpolation.STEP_AFTER)
    line = (limit, RED) if limit is not None else (usual, GREY)
    if line[0] is not None:
        panel = panel.thresholds(_thresholds((None, "transparent"), line)).thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    if most is not None:
        panel = panel.max(most)
    colors = dict(zip(wrong or (), cycle(ALARMING), strict=False)) | (colors or {})
    if '"none"' in queries[0][0]:
        colors = {"none": GREY} | colors
    # The name of a series may go on behind the word that has the colour.
    for word, color in colors.items():
        panel = panel.override_by_regexp(f"/^{word}( |$)/", [_fixed(color)])
    return panel


def _legend(ranked: str | None) -> common_builders.VizLegendOptions:
    legend = common_builders.VizLegendOptions().show_legend(True)
    if ranked is None:
        return legend.display_mode(common.LegendDisplayMode.LIST).placement(common.LegendPlacement.BOTTOM)
    names = {"max": "Max", "min": "Min", "lastNotNull": "Last *"}
    return (
        legend.display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.RIGHT)
        .calcs([ranked])
        .sort_by(names[ranked])
        .sort_desc(ranked != "min")
    )


def shares(title: str, description: str, query: Query, width: int = 12) -> bargauge.Panel:
    """A bar for each series, of a share that it has now."""
    return (
        bargauge.Panel()
        .title(title)
        .description(description)
        .unit("percentunit")
        .min(0)
        .max(1)
        .decimals(0)
        .span(width)
        .height(8)
        .datasource(PROMETHEUS)
        .targets([_target(query, 0, now=True)])
        .thresholds(_thresholds((None, "blue")))
        .color_scheme(builders.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .orientation(common.VizOrientation.HORIZONTAL)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .no_value("no data")
    )


def number(
    title: str,
    description: str,
    unit: str,
    query: Query,
    *steps: tuple[float, str],
    width: int = 4,
    least: str = GREEN,
    words: dict[str, tuple[str, str]] | None = None,
    decimals: int | None = None,
    empty: str = "no data",
) -> stat.Panel:
    """The value of one query now. Below the first of `steps` it has the colour `least`; `words` replaces values by words and colours."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .span(width)
        .height(4)
        .datasource(PROMETHEUS)
        .targets([_target(query, 0, now=True)])
        .thresholds(_thresholds((None, least), *steps))
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .no_value(empty)
    )
    if decimals is not None:
        panel = panel.decimals(decimals)
    # Without it the colour is that of a number below all steps.
    nothing = dashboard.DashboardSpecialValueMapOptions(
        match=dashboard.SpecialValueMatch.NULL,
        result=dashboard.ValueMappingResult(text=empty, color=RED if words else GREY),
    )
    mappings: list[dashboard.ValueMapping] = [dashboard.SpecialValueMap(options=nothing)]
    if words is not None:
        options = {
            value: dashboard.ValueMappingResult(text=text, color=color) for value, (text, color) in words.items()
        }
        mappings.append(dashboard.ValueMap(options=options))
    return panel.mappings(mappings)


class Dashboard:
    """A dashboard under way. Panels have ids in the order in which they are added, so that a change of one moves no other's."""

    def __init__(self, name: str, title: str, description: str, since: str = "now-1h", symbols: bool = False) -> None:
        self.name = f"foreshock-{name}"
        self._panels = 0
        link = builders.DashboardLink("Foreshock").type(dashboard.DashboardLinkType.DASHBOARDS).tags(["foreshock"])
        self._builder = (
            builders.Dashboard(f"Foreshock / {title}")
            .uid(self.name)
            .description(description)
            .tags(["foreshock"])
            .timezone("utc")
            .readonly()
            .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
            .time(since, "now")
            .refresh("30s")
            .link(link.as_dropdown(True).keep_time(True).include_vars(True))
            .with_variable(builders.DatasourceVariable("datasource").label("Data source").type("prometheus"))
            .with_variable(_variable("job", "Job", "label_values(foreshock_build_info, job)"))
            .with_variable(
                _variable("instance", "Instance", 'label_values(foreshock_build_info{job=~"$job"}, instance)')
            )
            .annotation(_incidents())
        )
        if symbols:
            query = f'label_values({{__name__=~"foreshock_book_usable|foreshock_pace_ratio",{CHOSEN}}}, symbol)'
            self._builder = self._builder.with_variable(_variable("symbol", "Symbol", query))

    def row(self, title: str) -> Self:
        """Begins a row."""
        self._panels += 1
        self._builder = self._builder.with_row(builders.Row(title).id(self._panels))
        return self

    def add(self, *panels: Panel) -> Self:
        """Adds panels to the row, from left to right."""
        for panel in panels:
            self._panels += 1
            self._builder = self._builder.with_panel(panel.id(self._panels))
        return self

    def build(self) -> dashboard.Dashboard:
        """The dashboard as Grafana's types describe it."""
        return self._builder.build()


def _variable(name: str, label: str, query: str) -> builders.QueryVariable:
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(PROMETHEUS)
        .query(query)
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".+")
        .current(dashboard.VariableOption(selected=True, text="All", value="$__all"))
    )


def _incidents() -> builders.AnnotationQuery:
    """A mark where an incident opened that pages, or began to."""
    critical = f'foreshock_incidents{{severity="critical",{CHOSEN}}}'
    expr = f"sum by (job) ({critical}) - sum by (job) ({critical} offset 1m) > 0"
    return (
        builders.AnnotationQuery()
        .name("Critical incidents")
        .datasource(PROMETHEUS)
        .enable(True)
        .icon_color(RED)
        .expr(expr)
        .step("15s")
        .title_format("an incident became critical")
    )


def select(*where: str) -> str:
    """The selector of what is chosen, and of more."""
    return "{" + ",".join([CHOSEN, *where]) + "}"


def rate(metric: str, by: str = "", *where: str, over: Literal["rate", "increase"] = "rate") -> str:
    """The rate of a counter of what is chosen, summed by labels."""
    selector = select(*where)
    return f"sum by ({by}) ({over}({metric}{selector}[$__rate_interval]))"


def gauge(metric: str, aggregate: str, by: str = "", *where: str) -> str:
    """A gauge of what is chosen, aggregated by labels."""
    return f"{aggregate} by ({by}) ({metric}{select(*where)})"


def per_minute(metric: str, by: str = "", *where: str) -> str:
    """The rate of a counter that seldom counts: per minute."""
    return f"60 * {rate(metric, by, *where)}"


def or_none(query: str, label: str) -> str:
    """The series that are above 0, or one at 0 whose `label` is `none`. No metrics, no series."""
    return f'{query} > 0 or label_replace(sum({query}) == 0, "{label}", "none", "", "")'


def extreme(which: Literal["max", "min"], metric: str, by: str, *where: str) -> str:
    """A gauge of those that were highest or lowest within the hour before the end: the same ones over the whole range."""
    rank = "topk" if which == "max" else "bottomk"
    over = f"{which}_over_time({metric}{select(*where)}[1h] @ end())"
    return f"{gauge(metric, which, by, *where)} and on ({by}) {rank}({TOP}, {which} by ({by}) ({over}))"


def quantile(q: float, histogram: str, *where: str) -> str:
    """A quantile of a histogram of what is chosen."""
    # Where nothing was observed the quantile is no number, and the comparison leaves it out.
    return f"histogram_quantile({q}, {rate(f'{histogram}_bucket', 'le', *where)}) >= 0"


def mode() -> str:
    """The worst mode of a process: 0 is normal, 1 degraded, 2 blind."""
    blind, degraded = (gauge("foreshock_mode", "max", "instance", f'mode="{name}"') for name in ("blind", "degraded"))
    return f"max(2 * {blind} + {degraded})"


def backlog(width: int) -> stat.Panel:
    """How long the flow is that waits."""
    waiting, flow = gauge("foreshock_consumer_lag_records", "sum"), rate("foreshock_records_total")
    return number(
        "Backlog",
        "How long the flow is that is not read yet, at the rate at which it is read. ForeshockLag fires above a minute, from 1000 records on.",
        "s",
        (f"{waiting} / clamp_min({flow}, 1)", "backlog"),
        (5, ORANGE),
        (60, RED),
        width=width,
        decimals=0,
    )
