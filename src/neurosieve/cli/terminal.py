"""Where the command line writes: standard output and, of errors, one line on standard error."""

from rich.text import Text

from neurosieve.printing import Screen


def console() -> Screen:
    """Standard output; `NO_COLOR` and pipes are respected by rich."""
    return Screen()


def error_line(message: str) -> None:
    """One red line on standard error, never wrapped."""
    text = Text(" ".join(message.split()), style="red")
    Screen(stderr=True, soft_wrap=True).print(Text("error: ", style="bold red") + text)
