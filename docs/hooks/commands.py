"""The command-line page, made from the parser when the site is built: nothing of it is committed."""

from typing import Any

import typer
from pydantic import BaseModel

from neurosieve.cli import app
from neurosieve.data.limits import Limits
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.option_models import ConceptOptions, InterventionOptions

MARK = "<!-- commands -->"
# Commands with options of their own, where their defaults stand.
OPTIONS: dict[str, type[BaseModel]] = {"concepts": ConceptOptions, "intervene": InterventionOptions}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """What mkdocs calls for every page: the mark is replaced by the commands."""
    return markdown.replace(MARK, page()) if MARK in markdown else markdown


def commands() -> dict[str, Any]:
    """Every command that is registered, by name."""
    group: Any = typer.main.get_command(app)
    return {name: command for name, command in group.commands.items() if not command.hidden}


def page() -> str:
    """All commands with their arguments, options and examples, then the keys of a study file."""
    parts = [_section(name, command) for name, command in commands().items()]
    return "\n\n".join([*parts, _keys()])


def parameters(command: Any) -> list[Any]:
    """A command's arguments and options; `--help` is said once for all."""
    return [p for p in command.params if p.name != "help"]


def _section(name: str, command: Any) -> str:
    lines = [f"## neurosieve {name} {{ #{name} }}", " ".join((command.help or "").split())]
    context = command.make_context(name, [], resilient_parsing=True)
    rows = [_row(p, context) for p in parameters(command)]
    if rows:
        lines.append("\n".join(["| option | default | meaning |", "| --- | --- | --- |", *rows]))
    if found := examples(command):
        lines.append("```console\n" + "\n".join(found) + "\n```")
    return "\n\n".join(lines)


def examples(command: Any) -> list[str]:
    """The command lines under the help text."""
    lines = (line.strip() for line in (command.epilog or "").splitlines())
    return [line for line in lines if line.startswith("neurosieve ")]


def _row(parameter: Any, context: Any) -> str:
    spelling = parameter.get_help_record(context)[0]
    required = " (required)" if parameter.required else ""
    return f"| `{spelling}` | {_default(parameter, context.info_name)} | {_cell(parameter.help or '')}{required} |"


def _default(parameter: Any, command: str) -> str:
    if getattr(parameter, "is_flag", False):
        return ""
    if parameter.default is not None:
        return f"`{parameter.default}`"
    fields = StudyConfig.model_fields | (OPTIONS[command].model_fields if command in OPTIONS else {})
    field = fields.get(parameter.name)
    return "" if field is None or field.is_required() else _value(field.get_default(call_default_factory=True))


def _value(value: Any) -> str:
    if value is None or value == "":
        return ""
    if hasattr(value, "model_dump"):
        value = tuple(value.model_dump().values())
    if isinstance(value, tuple):
        value = ",".join("none" if part is None else str(part) for part in value)
    return f"`{value}`"


def _keys() -> str:
    rows = []
    for key, field in StudyConfig.model_fields.items():
        default = field.get_default(call_default_factory=True)
        inner = type(default).model_fields if isinstance(default, ConceptOptions | Limits) else {}
        rows.append(_key(key, "" if inner else _value(default), field))
        rows += [_key(f"{key}.{name}", _value(own.get_default()), own) for name, own in inner.items()]
    head = "## Keys of a study file { #keys }\n\nA study file is YAML. `--set KEY=VALUE` takes the same keys."
    return "\n".join([head, "", "| key | default | meaning |", "| --- | --- | --- |", *rows])


def _key(name: str, default: str, field: Any) -> str:
    return f"| `{name}` | {default} | {_cell(field.description or '')} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
