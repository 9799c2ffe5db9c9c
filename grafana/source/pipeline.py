"""Pipeline and objectives: from an event to its alert, and the resources that this takes."""

from .parts import CHOSEN, GREEN, ORANGE, RED, TOTAL, Dashboard, gauge, graph, number, quantile, rate

# The share of alerts that may miss the objective.
BUDGET = 0.01
LATENCY = "foreshock_alert_latency_seconds"
STAGES = 'stage!="total"'


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
        ),
        number(
            "Budget left, last day",
            "The share of the day's permitted misses that is not used.",
            "percentunit",
            (f'1 - max({missed}1d{{job=~"$job"}}) / {BUDGET}', "left"),
            (0, ORANGE),
            (0.5, GREEN),
            width=6,
            least=RED,
            decimals=0,
        ),
        number(
            "p99, now",
            "The 99th percentile of the time from event to commit.",
            "s",
            (quantile(0.99, LATENCY, TOTAL), "p99"),
            (0.5, ORANGE),
            (1, RED),
            width=6,
        ),
        number(
            "Alerts an hour",
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
            "How many times faster than permitted the budget is used. 14.4 over an hour, or 6 over six, pages.",
            "none",
            *(
                (f'max by (job) ({missed}{window}{{job=~"$job"}}) / {BUDGET}', f"{window}")
                for window in ("5m", "30m", "1h", "6h")
            ),
            limit=14.4,
        ),
        graph(
            "Event to commit",
            "Quantiles of the time from the event that completes an alert to its commit.",
            "s",
            *((quantile(q, LATENCY, TOTAL), f"p{q * 100:g}") for q in (0.5, 0.9, 0.99)),
            limit=1,
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
        ),
        graph(
            "Watermark",
            "How far each partition's clock is behind this machine's.",
            "s",
            (gauge("foreshock_watermark_lag_seconds", "max", "topic, partition"), "{{topic}}:{{partition}}"),
            limit=60,
        ),
    )
    page.row("Throughput").add(
        graph(
            "Records",
            "Records read, by topic.",
            "cps",
            (rate("foreshock_records_total", "topic"), "{{topic}}"),
            width=8,
        ),
        graph(
            "Records waiting",
            "Records that are not read yet, by partition.",
            "short",
            (gauge("foreshock_consumer_lag_records", "sum", "topic, partition"), "{{topic}}:{{partition}}"),
            width=8,
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
            "cps",
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
            "cps",
            (f"{rate('foreshock_rejected_total', 'reason')} > 0", "{{reason}}"),
            width=8,
            stacked=True,
        ),
    )
    page.row("State").add(
        graph(
            "Entries in tables",
            "Entries in each limited table.",
            "short",
            (gauge("foreshock_keys", "sum", "kind"), "{{kind}}"),
            logarithmic=True,
            width=8,
        ),
        graph(
            "Evictions",
            "Entries that made room in a full table.",
            "cps",
            (f"{rate('foreshock_keys_evicted_total', 'kind')} > 0", "{{kind}}"),
            width=8,
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
            (gauge("foreshock_state_bytes", "max", "instance"), "{{instance}}"),
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
        ),
        graph(
            "Faults of sequences and clocks",
            "Gaps and restarts of sequences, events that were disordered, and stamps that are not believed.",
            "cps",
            (rate("foreshock_sequence_gaps_total"), "gaps"),
            (rate("foreshock_sequence_restarts_total"), "restarts"),
            (rate("foreshock_disordered_events_total"), "disordered"),
            (rate("foreshock_held_back_events_total"), "held back"),
            width=8,
        ),
    )
    return page
