"""Ends with an error unless the newest evaluation_report's metadata shows a Dice of at least so much for each class.

Usage: DAGSTER_HOME=... python .ci/scores.py CLASS=LEAST ...
"""

import sys

import dagster as dg


def main() -> None:
    """Prints a line a class."""
    least = {name: float(number) for name, _, number in (pair.partition("=") for pair in sys.argv[1:])}
    with dg.DagsterInstance.get() as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("evaluation_report"))
    if event is None or event.asset_materialization is None:
        sys.exit("evaluation_report was never materialised in this DAGSTER_HOME")
    metadata = event.asset_materialization.metadata
    scores = {name: float(str(metadata[f"dice_clean_{name}"].value)) for name in least}
    for name, dice in scores.items():
        sys.stdout.write(f"Dice on clean pages of test records: {name} {dice:.4f}, at least {least[name]} wanted\n")
    low = [name for name, dice in scores.items() if dice < least[name]]
    if low:
        sys.exit(f"{', '.join(low)}: too low")


if __name__ == "__main__":
    main()
