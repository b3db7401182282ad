"""Code as the page shows it: escaped, lines kept, one token marked."""

from markupsafe import Markup, escape

from neurosieve.printing import visible

_KEPT = "\n\t"


def marked(before: str, token: str, after: str) -> Markup:
    """Code with a token in it."""
    return Markup("<pre class='code'>{}<mark>{}</mark>{}</pre>").format(
        code_lines(before), code_lines(token), code_lines(after)
    )


def plain_code(text: str) -> Markup:
    """Code or other text with its lines."""
    return Markup("<pre class='code'>{}</pre>").format(code_lines(text))


def near(text: str, start: int, end: int, lines: int = 1) -> tuple[str, str, str]:
    """The code before a token, the token, and the code after it, with so many lines around its own line."""
    before, after = text[:start].split("\n")[-1 - lines :], text[end:].split("\n")[: 1 + lines]
    return "\n".join(before), text[start:end], "\n".join(after)


def code_lines(text: str) -> Markup:
    """Escaped text whose characters can all be seen; lines and tabs stay."""
    return escape("".join(c if c in _KEPT else visible(c) for c in text.replace("\r\n", "\n")))
