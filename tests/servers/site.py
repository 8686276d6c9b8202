"""Pages alone, as a server serves them."""

from __future__ import annotations

import os

from portico import Pages
from tests.servers.processes import FILES

pages = Pages(os.environ[FILES])
