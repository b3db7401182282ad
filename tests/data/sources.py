"""Functions in every language that the corpora read, as many as are wanted, each different."""

from pathlib import Path

# An ending, what stands around the functions of a file, and one function with its description.
TEMPLATES: dict[str, tuple[str, str, str]] = {
    "python": (
        ".py",
        "{}",
        'def scale{0}(first, second):\n    """Compare two numbers by rule {0}.\n\n    More of it.\n    """\n'
        "    total = first{1} - {0}\n    # a step\n    total += 1\n    if first < second:\n"
        "        total = total * second\n"
        "    else:\n        total = first / total\n    return total + {0}\n",
    ),
    "java": (
        ".java",
        "class A {{\n{}}}\n",
        "    /** Compares two numbers by rule {0}.\n     *\n     * @param first one\n     */\n"
        "    int scale{0}(int first, int second) {{\n        int total = first{1} - {0};\n"
        "        total += 1; // a step\n"
        "        if (first < second) {{\n            total = total * second;\n        }} else {{\n"
        "            total = first / total;\n        }}\n        return total + {0};\n    }}\n",
    ),
    "c": (
        ".c",
        "{}",
        "/* Compares two numbers by rule {0}. */\nint scale{0}(int first, int *second)\n{{\n"
        "    int total = first{1} - {0};\n"
        "    total += 1; /* a step */\n    if (first < *second) {{\n        total = total * first;\n    }} else {{\n"
        "        total = first / total;\n    }}\n    return total + {0};\n}}\n",
    ),
    "cpp": (
        ".cpp",
        "{}",
        "/// Compares two numbers by rule {0}.\nint Box::scale{0}(int first, const int& second) {{\n"
        "    auto total = first{1} - {0};\n    total += 1; // a step\n    if (first < second) {{\n"
        "        total = total * second;\n"
        "    }} else {{\n        total = std::min(first, total);\n    }}\n    return total + {0};\n}}\n",
    ),
    "javascript": (
        ".js",
        "class A {{\n{}}}\n",
        "  // Compares two numbers by rule {0}.\n  scale{0}(first, second) {{\n    let total = first{1} - {0};\n"
        "    total += 1; // a step\n    if (first < second) {{\n      total = total * this.second;\n    }} else {{\n"
        "      total = first / total;\n    }}\n    return total + {0};\n  }}\n",
    ),
    "go": (
        ".go",
        "package a\n\n{}",
        "// scale{0} compares two numbers by rule {0}.\nfunc scale{0}(first int, second int) int {{\n"
        "\ttotal := first{1} - {0}\n"
        "\ttotal += 1 // a step\n\tif first < second {{\n\t\ttotal = total * second\n\t}} else {{\n"
        "\t\ttotal = first / total\n\t}}\n\treturn total + {0}\n}}\n",
    ),
    "rust": (
        ".rs",
        "{}",
        "/// Compares two numbers by rule {0}.\n#[inline]\npub fn scale{0}(first: i64, second: i64) -> i64 {{\n"
        "    let mut total = first{1} - {0};\n    total += 1; // a step\n    if first < second {{\n"
        "        total = total * second;\n"
        "    }} else {{\n        total = first / total;\n    }}\n    total + {0}\n}}\n",
    ),
}
OTHER_NAMES = (("first", "left"), ("second", "limit"), ("total", "result"), ("scale", "weigh"))


def function(language: str, number: int) -> str:
    """One function."""
    signs = "".join(f" {'+-'[number >> bit & 1]} first" for bit in range(8))  # so that they differ in more than words
    return named(TEMPLATES[language][2].format(number, signs), number)


def named(text: str, number: int) -> str:
    """The names of every second function are others, so that there are names to draw from."""
    for old, new in OTHER_NAMES if number % 2 else ():
        text = text.replace(old, new)
    return text


def write_functions(folder: Path, language: str, files: int = 10, each: int = 6) -> Path:
    """Source files with different functions."""
    ending, frame, _ = TEMPLATES[language]
    folder.mkdir(exist_ok=True)
    for i in range(files):
        text = "\n".join(function(language, each * i + j + 1) for j in range(each))
        (folder / f"m{i}{ending}").write_text(frame.format(text))
    return folder
