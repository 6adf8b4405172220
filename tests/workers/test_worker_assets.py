"""What pages load: from one folder, or from themselves; never from anywhere else."""

from __future__ import annotations

import re

import pytest

from clx_jupyter_workers import assets


def test_every_listed_file_is_there() -> None:
    assert assets.missing() == [], "run `make setup`, which fetches them"
    assert all(assets.path(name).stat().st_size for names in assets.groups().values() for name in names)


def test_a_licence_goes_with_the_files_of_others() -> None:
    for names in assets.groups().values():
        folders = {name.rpartition("/")[0] for name in names if name.startswith("vendor/")}
        assert {name.rpartition("/")[0] for name in names if "/LICENSE" in name} == folders


def test_a_file_that_is_not_listed_is_not_to_be_had() -> None:
    for name in ("vendor.json", "../assets.py", "vendor/mathjax/../../vendor.json"):
        with pytest.raises(KeyError):
            assets.path(name)


def test_a_page_names_each_file_once_and_says_which_groups_it_needs() -> None:
    loads = assets.Loads("../../clx-assets")
    printed = [loads.style("page.css"), loads.style("page.css"), loads.script("vendor/mathjax/tex-svg.js")]
    assert printed == [
        '<link rel="stylesheet" href="../../clx-assets/page.css">',
        "",
        '<script src="../../clx-assets/vendor/mathjax/tex-svg.js"></script>',
    ]
    assert loads.groups == ["math", "page"]
    assert assets.Loads("clx-assets").groups == []


@pytest.mark.parametrize("folder", ["clx-assets", "../clx-assets", "../../../clx-assets"])
def test_a_contained_page_names_no_file_and_nothing_in_it_ends_an_element(folder: str) -> None:
    loads = assets.Loads(folder)
    scripts = [name for names in assets.groups().values() for name in names if name.endswith(".js")]
    styles = [name for names in assets.groups().values() for name in names if name.endswith(".css")]
    page = "".join([*map(loads.style, styles), "<p>text</p>", *map(loads.script, scripts)])
    held = assets.contained(page.encode()).decode()
    assert "clx-assets" not in held
    head, _, body = held.partition("<p>text</p>")
    assert head.count("</style") == len(styles) and not re.search(r"url\((?!data:)", head)
    assert body.count("</script") == len(scripts) and "<!--" not in body


def test_only_our_own_elements_are_replaced() -> None:
    page = b'<link rel="stylesheet" href="../clx-assets/vendor.json"><script src="https://a.org/clx-assets/page.js"></script>'
    assert assets.contained(page) == page
