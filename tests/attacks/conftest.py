"""A real server with an open campaign, as the tests of chaos have it."""

from tests.chaos.conftest import served as served
