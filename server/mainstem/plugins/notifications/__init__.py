"""Messages to people: chat services over incoming webhooks, and mail.

Law: an address or password never shows in a log or an error, for whoever has a webhook's address
can write to it.
"""
