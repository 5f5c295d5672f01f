"""The whole site, built once."""

from pathlib import Path

import pytest

import methodologies
from tests.tools.catalogue.reading import Site
from tools.catalogue.site import build


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The catalogue of the published library."""
    folder: Path = tmp_path_factory.mktemp("catalogue") / "docs"
    said: list[str] = []
    addresses = build(methodologies.library(), folder, said.append)
    return Site(folder, addresses, said)
