"""The one demo build that tests of BI tools share."""

from tests.build.conftest import demo  # noqa: F401  # a fixture
