"""A real server with an open campaign, as the tests of chaos have it; a browser."""

from tests.chaos.conftest import served as served
from tests.fuzz.conftest import unlimited as unlimited
from tests.phone_page.conftest import browser as browser
from tests.phone_page.conftest import ready as ready
