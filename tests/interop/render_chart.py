"""Renders the chart with Helm (as a library) and prints its objects as JSON, one a line.

usage: render_chart.py CHART_DIRECTORY VALUES_AS_JSON

Ends with 1 and the reason if the linter of Helm or the rendering says no.
"""

import json
import sys

import helm_python
import yaml
from helm_python import chart as charts


def main(directory: str, values: str) -> int:
    values = json.loads(values)
    found = charts.lint(directory, values=values)
    # 0 unknown, 1 information, 2 warning, 3 error.
    errors = [message for message in found["messages"] if message["severity"] >= 2] + found.get("errors", [])
    if errors:
        print(errors, file=sys.stderr)
        return 1
    chart = charts.Chart.load(directory)
    rendered = chart.render(values, name="brevet", namespace="brevet-system", is_install=True)
    for name in sorted(rendered):
        for document in yaml.safe_load_all(rendered[name]):
            if document is not None:
                print(json.dumps(document))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
