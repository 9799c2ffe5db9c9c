"""Writes the dashboards into grafana/dashboards; with --check says which differ, and whether Grafana's types accept them.

    target/python/bin/python grafana/generate.py [--check]

`make test` fetches what is needed into target/python (grafana/requirements.txt).
"""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard as DashboardModel

from source import incident, notifications, overview, pipeline, symbols

DASHBOARDS = Path(__file__).parent / "dashboards"


def encode(dashboard: DashboardModel) -> str:
    """The dashboard as it is checked in."""
    return json.dumps(dashboard, cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


def main() -> int:
    """Writes or checks every dashboard."""
    register_default_plugins()
    check = sys.argv[1:] == ["--check"]
    files = {
        f"{page.name}.json": encode(page.build())
        for page in (module.build() for module in (overview, incident, symbols, pipeline, notifications))
    }
    wrong = [path.name for path in DASHBOARDS.glob("*.json") if path.name not in files]
    for name, text in files.items():
        path = DASHBOARDS / name
        if encode(DashboardModel.from_json(json.loads(text))) != text:
            print(f"{name}: Grafana's types do not keep all of it")
            return 1
        if not check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            wrong.append(name)
    for name in wrong:
        print(f"{name} is not as generated: run `make dashboards`")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
