"""Pipeline and objectives: from an event to its alert, and the resources that this takes."""

from .parts import (
    CHOSEN,
    EACH_MINUTE,
    EACH_SECOND,
    GREEN,
    ORANGE,
    RED,
    TIMES,
    TOTAL,
    Dashboard,
    extreme,
    gauge,
    graph,
    number,
    or_none,
    per_minute,
    quantile,
    rate,
    select,
)

# The share of alerts that may miss the objective.
BUDGET = 0.01
LATENCY = "foreshock_alert_latency_seconds"
STAGES = 'stage!="total"'
# Reasons of rejections, those of a changed format first. One that is missing here is drawn in a shade of orange.
REASONS = (
    "not_json", "missing_field", "wrong_type", "ts_unit", "ts_future", "unknown_word", "not_in_format", "out_of_range",
    "not_object", "not_utf8", "not_decimal", "bad_name", "duplicate_field", "empty", "too_large", "too_many", "poison",
)  # fmt: skip
NONE = "no alert in this time"


def build() -> Dashboard:
    """Makes the dashboard."""
    page = Dashboard(
        "pipeline",
        "Pipeline and objectives",
        "The time from an event to its alert against the objective, and where that time goes.",
        since="now-3h",
    )
    missed = "job:foreshock_alert_latency_missed:ratio_rate"
    page.row("Objective: 99 of 100 alerts are committed within 1 s of the event that completes them").add(
        number(
            "Within 1 s, last day",
            "The share of alerts of the last day that met the objective.",
            "percentunit",
            (f'1 - max({missed}1d{{job=~"$job"}})', "met"),
            (1 - BUDGET, GREEN),
            width=6,
            least=RED,
            decimals=2,
            empty="no alert",
        ),
        number(
            "Budget left, last day",
            "The share of the day's permitted misses that is not used. Of few alerts it says little: ForeshockAlertsLate asks for 20.",
            "percentunit",
            (f'clamp_min(1 - max({missed}1d{{job=~"$job"}}) / {BUDGET}, 0)', "left"),
            (0.001, ORANGE),
            (0.5, GREEN),
            width=6,
            least=RED,
            decimals=0,
            empty="no alert",
        ),
        number(
            "p99, last hour",
            "The 99th percentile of the time from event to commit.",
            "s",
            (f"histogram_quantile(0.99, sum by (le) (increase({LATENCY}_bucket{select(TOTAL)}[1h]))) >= 0", "p99"),
            (0.5, ORANGE),
            (1, RED),
            width=6,
            empty="no alert",
        ),
        number(
            "Alerts, last hour",
            "Revisions of alerts that were committed.",
            "short",
            (
                f'sum(increase(foreshock_notifications_total{{{CHOSEN},receiver="kafka",outcome="delivered"}}[1h]))',
                "alerts",
            ),
            width=6,
            decimals=0,
        ),
    )
    page.add(
        graph(
            "Burn rate",
            "How many times faster than permitted the budget is used. ForeshockAlertsLate pages above 14.4 over an hour (the line), or above 6 over six.",
            TIMES,
            *(
                (f'max by (job) ({missed}{window}{{job=~"$job"}}) / {BUDGET}', f"{window}")
                for window in ("5m", "30m", "1h", "6h")
            ),
            limit=14.4,
            empty=NONE,
        ),
        graph(
            "Event to commit",
            "Quantiles of the time from the event that completes an alert to its commit.",
            "s",
            *((quantile(q, LATENCY, TOTAL), f"p{q * 100:g}") for q in (0.5, 0.9, 0.99)),
            limit=1,
            empty=NONE,
        ),
        graph(
            "Where the time goes",
            "The mean time of an alert in each stage: feed from the event to its record, queue from there to the engine, engine, delivery to the commit.",
            "s",
            (
                f"{rate(f'{LATENCY}_sum', 'stage', STAGES)} / ({rate(f'{LATENCY}_count', 'stage', STAGES)} > 0)",
                "{{stage}}",
            ),
            stacked=True,
            bars=True,
            empty=NONE,
        ),
        graph(
            "Watermark",
            "How far the partitions' clocks are behind this machine's: the slowest ones.",
            "s",
            (extreme("max", "foreshock_watermark_lag_seconds", "topic, partition"), "{{topic}}:{{partition}}"),
            limit=60,
            logarithmic=True,
        ),
    )
    page.row("Throughput").add(
        graph(
            "Records",
            "Records read, by topic.",
            EACH_SECOND,
            (rate("foreshock_records_total", "topic"), "{{topic}}"),
            width=8,
        ),
        graph(
            "Records waiting",
            "Records that are not read yet: the partitions with the most.",
            "short",
            (extreme("max", "foreshock_consumer_lag_records", "topic, partition"), "{{topic}}:{{partition}}"),
            width=8,
            wide=True,
        ),
        graph(
            "Engine time of a record",
            "How long the engine takes for a record, of every 61st.",
            "s",
            *((quantile(q, "foreshock_engine_seconds"), f"p{q * 100:g}") for q in (0.5, 0.99)),
            logarithmic=True,
            width=8,
        ),
        graph(
            "Transactions",
            "Transactions that committed, and attempts that were repeated.",
            EACH_SECOND,
            (rate("foreshock_commits_total", "outcome"), "{{outcome}}"),
            width=8,
            colors={"retried": RED},
        ),
        graph(
            "Length of a transaction",
            "From its first attempt to its commit.",
            "s",
            *((quantile(q, "foreshock_commit_seconds"), f"p{q * 100:g}") for q in (0.5, 0.99)),
            width=8,
        ),
        graph(
            "Rejected records",
            "Rejected records by reason.",
            EACH_MINUTE,
            (or_none(per_minute("foreshock_rejected_total", "reason"), "reason"), "{{reason}}"),
            width=8,
            stacked=True,
            bars=True,
            wrong=REASONS,
        ),
    )
    page.row("State").add(
        graph(
            "Entries in tables",
            "Entries in the limited tables that hold the most.",
            "short",
            (extreme("max", "foreshock_keys", "kind"), "{{kind}}"),
            logarithmic=True,
            ranked="lastNotNull",
            width=8,
        ),
        graph(
            "Evictions",
            "Entries that made room in a full table.",
            EACH_MINUTE,
            (or_none(per_minute("foreshock_keys_evicted_total", "kind"), "kind"), "{{kind}}"),
            width=8,
            stacked=True,
            bars=True,
            wrong=("account", "order", "party", "symbol", "owner", "holder", "burst", "signal", "fact", "incident"),
        ),
        graph(
            "Age of the last snapshot",
            "A restart reads the input again from the last snapshot on.",
            "s",
            (f"time() - max(foreshock_snapshot_taken_seconds{{{CHOSEN}}} > 0)", "age"),
            limit=900,
            width=8,
        ),
        graph(
            "Size of a snapshot",
            "Bytes of the last snapshot, packed.",
            "bytes",
            (f"{gauge('foreshock_state_bytes', 'max', 'instance')} > 0", "{{instance}}"),
            width=8,
        ),
        graph(
            "Length of a snapshot",
            "The mean time: copy holds up the flow, write does not.",
            "s",
            (
                f"{rate('foreshock_snapshot_seconds_sum', 'stage')} / ({rate('foreshock_snapshot_seconds_count', 'stage')} > 0)",
                "{{stage}}",
            ),
            width=8,
            joined=True,
        ),
        graph(
            "Faults of sequences and clocks",
            "Gaps and restarts of sequences, events that were disordered, stamps that are not believed, and offsets that are missing.",
            EACH_MINUTE,
            (per_minute("foreshock_sequence_gaps_total"), "gaps"),
            (per_minute("foreshock_sequence_restarts_total"), "restarts"),
            (per_minute("foreshock_disordered_events_total"), "disordered"),
            (per_minute("foreshock_held_back_events_total"), "held back"),
            (per_minute("foreshock_records_lost_total"), "lost"),
            width=8,
        ),
        graph(
            "Snapshots",
            "Snapshots by outcome: of those that failed or were too large nothing is kept, and a restart reads more.",
            EACH_MINUTE,
            (or_none(per_minute("foreshock_snapshots_total", "outcome"), "outcome"), "{{outcome}}"),
            stacked=True,
            bars=True,
            colors={"written": GREEN, "failed": RED, "too_large": ORANGE},
        ),
        graph(
            "Who works",
            "Partitions that each process reads. One has all of them; a change of the colour is a take-over.",
            "none",
            (or_none(gauge("foreshock_partitions_read", "sum", "instance"), "instance"), "{{instance}}"),
            stacked=True,
            steps=True,
        ),
    )
    return page
