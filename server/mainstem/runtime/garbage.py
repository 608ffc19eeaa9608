"""When the process looks for garbage."""

import gc


def collect_seldom() -> None:
    """Leave what lives as long as the process out of every collection, and wait for more garbage.

    Executions are made of many small objects without cycles: a quarter of the processor time of a
    busy server went into looking for cycles among them.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    gc.enable()
