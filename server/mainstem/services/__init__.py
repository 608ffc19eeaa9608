"""Use cases, shared by the API, the pages, the command line and the loops.

Law: one public function is one transaction; whoever creates an execution or a revision comes
through here, so that limits, labels and signals cannot diverge.
Must not import executor, scheduler, worker, gitsync, api, ui or app.
"""
