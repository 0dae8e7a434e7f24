"""Which browser, on which machine, one says it is by the name that it gives itself (its User-Agent)."""

# By the mark that tells it. The first that is found counts: most browsers name others beside themselves.
FAMILIES = {
    "Edg": "Edge", "OPR/": "Opera", "SamsungBrowser": "Samsung Internet", "Firefox/": "Firefox", "FxiOS": "Firefox",
    "CriOS": "Chrome", "Chrome/": "Chrome", "Safari/": "Safari",
}  # fmt: skip
MACHINES = {
    "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Macintosh": "Mac",
    "CrOS": "Chromebook", "Linux": "Linux",
}  # fmt: skip


def family(user_agent: str) -> str:
    """ "Firefox", as its person calls it; "" for one that is not known here."""
    return next((name for mark, name in FAMILIES.items() if mark in user_agent), "")


def machine(user_agent: str) -> str:
    """The mark of its machine, a key of MACHINES; "" for one that is not known here."""
    return next((mark for mark in MACHINES if mark in user_agent), "")
