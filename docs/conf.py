"""How Sphinx builds the site: `make docs`. Every warning is an error, but that a site of others does not answer."""

from __future__ import annotations

import logging
import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pygments.lexers.special import TextLexer

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # the reference imports the docks; no window opens

from public_names import PACKAGES  # noqa: E402  # found on the path above

project = "napari-coarse-crf"
author = "napari-coarse-crf contributors"
copyright = author  # noqa: A001  # Sphinx's name for it
release = version = version_of(project)

extensions = [
    "command_help",
    "formulas",
    "public_names",
    "scripts_as_pages",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "tutorials", "generated/**/*.ipynb", "generated/**/*.py"]
templates_path = ["_templates"]

# Pages are Markdown, as are README and CONTRIBUTING.
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

# The reference: what docstrings say, types as they say them.
autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False  # the template of a class lists them
default_role = "public"  # `refine_labels` in a docstring leads to its page

# Names of other projects are links where their sites answer. The build needs no network, so these are not checked.
intersphinx_mapping = {
    name: (f"https://{site}/", None)
    for name, site in {
        "dask": "docs.dask.org/en/stable",
        "napari": "napari.org/stable",
        "numpy": "numpy.org/doc/stable",
        "python": "docs.python.org/3",
        "skimage": "scikit-image.org/docs/stable",
    }.items()
}
intersphinx_timeout = 10
numpydoc_xref_param_type = True
_PLAIN = ("bool", "callable", "dict", "float", "int", "list", "None", "str", "tuple")
numpydoc_xref_aliases = {
    **{name: f"{package.__name__}.{name}" for package, names in PACKAGES.items() for name in names},
    **{layer: f"napari.layers.{layer}" for layer in ("Image", "Labels", "Points", "Shapes")},
    **{name: name for name in (*_PLAIN, "napari.Viewer", "napari.layers.Labels")},
    **{name: f":class:`~collections.abc.{name.capitalize()}`" for name in ("iterable", "mapping", "sequence")},
}
numpydoc_xref_ignore = "all"  # words that are none of these
nitpick_ignore_regex = [
    (r"py:.*", r"(collections|dask|magicgui|napari|numpy|psygnal|qtpy|scipy|skimage)\..*"),
    (r"py:.*|std:.*", r"(numpy|python):.*"),
    *((r"py:.*", name) for name in _PLAIN),
]

sphinx_gallery_conf = {
    "examples_dirs": ["tutorials", "../examples"],
    "gallery_dirs": ["generated/tutorials", "generated/examples"],
    "filename_pattern": r"docs.tutorials.|compare_parameters|parameters_by_example",  # the others: examples/README
    "within_subsection_order": "gallery_order.InOrder",
    "default_thumb_file": str(HERE / "images" / "tissue.png"),
    "image_srcset": ["2x"],
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("napari_coarse_crf",),
    "download_all_examples": False,
    "show_memory": False,
    "capture_repr": (),
    "write_computation_times": False,
    "show_signature": False,
    "min_reported_time": 3600,
    "remove_config_comments": True,
}

smartquotes_action = "qe"  # of -- no dash
highlight_language = "text"  # of what names none: commands

html_theme = "pydata_sphinx_theme"
_NOTHING_BELOW = ("index", "start", "comparison")
html_sidebars: dict[str, list[str]] = {page: [] for page in _NOTHING_BELOW}
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": True,
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": {"**": ["page-toc"], "parameters": []},
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "navigation_with_keys": False,
}

linkcheck_ignore = [r"https?://localhost.*"]
linkcheck_timeout = 20
linkcheck_retries = 2


class _OfNoMatter(logging.Filter):
    """Lets a site that does not answer be information rather than a warning."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep everything; lower what is said of inventories that could not be had."""
        if "failed to reach any of the inventories" in str(record.msg):
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


def setup(app: Sphinx) -> dict[str, Any]:
    """Teach Sphinx the little that is special here."""
    logging.getLogger("sphinx.sphinx.ext.intersphinx").addFilter(_OfNoMatter())
    app.add_lexer("map", TextLexer)  # the list of rooms in CONTRIBUTING
    return {"parallel_read_safe": True}
