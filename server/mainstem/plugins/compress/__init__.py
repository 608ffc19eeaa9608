"""Archives and compressed files.

Law: what comes out of an archive is bounded in number and size, and never leaves its folder.
"""
