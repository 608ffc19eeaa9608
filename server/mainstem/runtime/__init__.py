"""The one shape of background work: a component with `tick`, woken by time or by a signal.

Law: no bare threads and no sleeping loops anywhere else; a tick that fails is logged, backed off
and tried again, and shutdown waits for the tick at hand.
Must not import executor, scheduler, worker, gitsync, api, ui or app.
"""
