"""The template, expanded once for all its laws."""

import pytest

from tests.support.template import CATALOGUE, TEMPLATE, Template, expanded


@pytest.fixture(scope="session")
def template() -> Template:
    return expanded()


@pytest.fixture(scope="session")
def catalogue() -> Template:
    """The catalogue's."""
    return expanded(CATALOGUE)


@pytest.fixture(scope="session")
def template_text() -> str:
    return TEMPLATE.read_text(encoding="utf-8")
