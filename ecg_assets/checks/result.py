"""Results of checks."""

from collections.abc import Sequence

import dagster as dg

_SHOWN = 10


def failed(reason: str, severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR) -> dg.AssetCheckResult:
    """A check that failed, with its reason as description and in the metadata."""
    return dg.AssetCheckResult(passed=False, severity=severity, description=reason, metadata={"reason": reason})


def verdict(problems: Sequence[str], **facts: int | float | str) -> dg.AssetCheckResult:
    """Fails with the first ten problems, or passes with `facts` as metadata."""
    if problems:
        return failed("; ".join(problems[:_SHOWN]))
    return dg.AssetCheckResult(passed=True, metadata=facts)
