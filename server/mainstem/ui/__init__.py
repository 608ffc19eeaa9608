"""The dashboard: server-rendered pages that stay live by signals, readable without JavaScript.

    services = Services(flows=…, executions=…, search=…, inputs=…, files=…, kv=…, triggers=…,
                        previews=…, syncs=…, parts=…, load=…, facts=…)
    ui = create_ui(services, bus, clock)       # an ASGI application
    server.mount("/ui", ui)                    # always at /ui; "/" should redirect to "/ui/"
    close_ui(ui)                               # when the server is told to stop: ends the streams

Law: a page asks `services`, shapes the answer for one template, and renders; it decides nothing
and changes nothing but through a service. A fragment renders the template its page includes.
Must not import store, storage, secrets, the loops, or api.
"""

from mainstem.ui.application import close_ui, create_ui
from mainstem.ui.desk import Part, Services

__all__ = ["Part", "Services", "close_ui", "create_ui"]
