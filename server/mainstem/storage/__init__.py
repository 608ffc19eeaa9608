"""Internal storage: files of executions, state files and content-addressed blobs.

Law: a URI is resolved beneath the root or refused; a stored file never changes.
Files are written beside their place and renamed into it, so a crash leaves no half file.
Must not import services, loops, API or pages.
"""
