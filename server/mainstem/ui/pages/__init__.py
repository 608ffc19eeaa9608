"""One module for each group of pages; each exports a router of `page_*` and `part_*` functions.

Law: a page asks services, shapes what it got for one template, and renders; it decides nothing.
A fragment renders the same template that its page includes.
"""
