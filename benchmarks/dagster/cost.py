"""`make bench`, second part: measures the cost of Dagster and writes docs/cost.md.

python -m benchmarks.dagster.cost [--records 600] [--rounds 3]
"""

import argparse
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks.dagster.code_server import server
from benchmarks.dagster.everything import again
from benchmarks.dagster.graph import Row, costs

TABLE = Path(__file__).resolve().parents[2] / "docs" / "cost.md"


def _table(rows: list[Row], rounds: int) -> str:
    busy = os.getloadavg()[1]
    lines = [
        "# Cost of Dagster",
        "",
        f"Written by the second part of `make bench` on {date.today()}, on {os.cpu_count()} cores, with a load of "
        f"{busy:.1f} at its end; medians of {rounds} rounds where a case is repeated. Shares are of CPU time summed "
        "over all processes, because wall time depends on other programs.",
        "",
        "| what | measured | aim |",
        "|---|---|---|",
        *(f"| {name} | {value} | {aim} |" for name, value, aim in rows),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Runs all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=600, help="synthetic records of graph and library")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each case")
    parser.add_argument("--out", type=Path, default=TABLE, help="the table")
    chosen = parser.parse_args()
    cases: list[Callable[[], list[Row]]] = [
        lambda: server(chosen.rounds),
        lambda: again(12),
        lambda: costs(chosen.records, chosen.rounds),
    ]
    rows = [row for case in cases for row in case()]
    chosen.out.write_text(_table(rows, chosen.rounds), "utf-8")


if __name__ == "__main__":
    main()
