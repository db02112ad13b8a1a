"""Chat templates rendered alike on every day.

Templates of some models (Llama 3.2, SmolLM3) write today's date into the system's turn. What a
model reads is then another each day, and so is all that it makes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import Self


class _OneDay(datetime):
    """The day that Llama 3.2's template falls back on where it is told none."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls(2024, 7, 26, tzinfo=tz)


@contextmanager
def on_one_day() -> Iterator[None]:
    """While the block lasts, transformers' templates are told one day in place of today."""
    from transformers.utils import chat_template_utils

    today = chat_template_utils.datetime
    chat_template_utils.datetime = _OneDay
    try:
        yield
    finally:
        chat_template_utils.datetime = today
