"""Worker processes that start without what their parent's main module imports.

A spawned process imports the main module of the process that spawned it, in case a function of it is called. Of
Dagster's command line that is more than a second of CPU time a worker, for functions that are never called.
"""

import sys
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType
from typing import Any


class BareProcess(SpawnProcess):
    """As `multiprocessing` spawns them, but for the main module: functions of that cannot be called in it."""

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802  (the name that `multiprocessing` calls)
        main = sys.modules["__main__"]
        # A new process is told what its parent finds here.
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            return SpawnProcess._Popen(process_obj)
        finally:
            sys.modules["__main__"] = main


class BareContext(SpawnContext):
    """What a pool takes as its `mp_context`."""

    Process = BareProcess
