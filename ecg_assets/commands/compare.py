"""`ecg-assets compare`."""

import click
from rich.console import Console
from rich.table import Table

from ecg_assets.store.root import open_root

# Rows in which the greatest number is the best, and rows in which the smallest is.
_GREATEST, _SMALLEST = ("Dice", " F", "F 1 px"), ("validation loss",)


@click.command()
@click.argument("experiments", nargs=-1)
def compare(experiments: tuple[str, ...]) -> None:
    """Show EXPERIMENTs side by side in one table; by default all experiments of the data root.

    The table holds epochs trained, best epoch, parameters, and the scores of the best checkpoint on the test split when
    evaluation_report was materialised: Dice of each class, F of the wave at a tolerance of 1 px, the fraction of
    intersections found, and the same by degradation. The best value of a row is bold, unless the scores come from
    different datasets, which is then stated.

    \b
    Examples:
      ecg-assets compare
      ecg-assets compare grid_wave_mix_run grid_5class_run
    """
    from ecg_assets.training.evaluation.comparison import rows_of, side_by_side

    columns = side_by_side(open_root(make=False), experiments)
    datasets = {column.values["dataset"] for column in columns if "dataset" in column.values}
    table = Table("", title="Experiments", title_justify="left")
    for column in columns:
        table.add_column(column.experiment, justify="right", overflow="fold")
    for row in rows_of(columns):
        values = [column.values.get(row) for column in columns]
        best = _best(row, values) if len(datasets) < 2 else None
        table.add_row(row, *(f"[bold]{_text(value)}[/]" if value == best else _text(value) for value in values))
    Console().print(table)
    if len(datasets) > 1:
        click.echo("Scored on different datasets: compare only columns with the same one.")


def _best(row: str, values: list[float | int | str | None]) -> float | None:
    numbers = [value for value in values if isinstance(value, float)]
    if len(numbers) < 2:
        return None
    if row in _SMALLEST:
        return min(numbers)
    return max(numbers) if any(part in row for part in _GREATEST) else None


def _text(value: float | int | str | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else value
