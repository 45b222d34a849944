"""The directive `command-help`: what `napari-coarse-crf COMMAND --help` prints, of today's package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from docutils import nodes
from docutils.parsers.rst import Directive

from napari_coarse_crf.cli import app as commands

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class CommandHelp(Directive):  # type: ignore[misc]  # docutils ships no types
    """The arguments and options of one command as a definition list."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return what the command does, then each argument and option with its help."""
        command = typer.main.get_command(commands).commands[self.arguments[0]]  # type: ignore[attr-defined]  # a group
        listed = nodes.definition_list(classes=["command-help"])
        for parameter in command.params:
            if getattr(parameter, "hidden", False):
                continue
            options = ", ".join([*parameter.opts, *parameter.secondary_opts])
            names = options if parameter.param_type_name == "option" else parameter.name
            term = nodes.term("", "", nodes.literal("", names))
            told = nodes.definition("", _paragraph(getattr(parameter, "help", None) or ""))
            listed += nodes.definition_list_item("", term, told)
        intro = " ".join((command.help or "").split())
        return [_paragraph(intro), listed]


def _paragraph(text: str) -> nodes.Node:
    """Return a text in which code stands between backticks."""
    parts = enumerate(text.split("`"))
    return nodes.paragraph("", "", *(nodes.literal("", part) if n % 2 else nodes.Text(part) for n, part in parts))


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
