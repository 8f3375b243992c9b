"""Text that can be written to the log: what people see of errors, whatever these carry."""

from __future__ import annotations


def writable(text: object) -> str:
    """A text as it is if UTF-8 has it, with what it has not (halves of surrogate pairs) as escapes; of others, `str`.

    Such text comes from names of files, and from JSON of others.
    """
    if not isinstance(text, str):
        text = str(text)
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def text_of(error: object) -> str:
    """The text of an exception, even if that cannot be made."""
    try:
        return writable(error)
    except Exception as problem:
        return f"(its text cannot be made: {writable(repr(problem))})"


def cut(text: str, maximum: int) -> str:
    """Beginning and end of what has more characters than this, as text that can be written."""
    text = writable(text)
    if len(text) <= maximum:
        return text
    return f"{text[: maximum // 2]}\n… {len(text) - maximum} characters left out …\n{text[-(maximum // 2) :]}"
