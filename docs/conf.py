"""The documentation site: `make docs` builds it with warnings as errors, and executes the tutorials."""

import re
from importlib.metadata import version as installed

project = "linvariance"
author = "The linvariance developers"
release = version = installed("linvariance")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
suppress_warnings = ["misc.highlighting_failure", "myst.xref_ambiguous", "ref.python"]

html_theme = "furo"
html_title = "linvariance"
html_show_sourcelink = False
html_show_copyright = False

myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 120

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings say shapes, which types do not
napoleon_use_ivar = True


def escape(app, what, name, obj, options, lines):
    """Docstrings are plain text: |G| is the order of a group and coef_ an attribute."""
    for k, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[k] = re.sub(r"(?<=\w)_(?!\w)", r"\\_", line.replace("|", r"\|"))


def setup(app):
    app.connect("autodoc-process-docstring", escape)
