"""The template, expanded once for all its laws."""

import pytest

from tests.support.template import TEMPLATE, Template, expanded


@pytest.fixture(scope="session")
def template() -> Template:
    return expanded()


@pytest.fixture(scope="session")
def template_text() -> str:
    return TEMPLATE.read_text(encoding="utf-8")
