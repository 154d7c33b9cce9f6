"""The page before its script runs: where its files lie, and what is said without a script."""

from pathlib import Path

from app.core.templates import templates
from app.results_page.assets import paths

_environment = templates(Path(__file__).parent / "templates")


def page(root: str) -> str:
    """The page's HTML; `root` is the path that the service lives under, without a slash at its
    end."""
    below = f"{root}/static/results/"
    (echarts,), (first,), styles = paths("/echarts.js"), paths("/page.js"), paths(".css")
    modules = [one for one in paths(".js") if one not in (echarts, first)]
    return _environment.get_template("page.html").render(
        root=root,
        echarts=below + echarts,
        first=below + first,
        modules=[below + one for one in modules],
        styles=[below + one for one in styles],
    )
