"""Times of a film as people read them."""


def clock(seconds: float) -> str:
    """ "1:05", "59:59", "1:00:00": to the second, halves up."""
    whole = int(seconds + 0.5)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
