import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from lyceum import Server  # noqa: E402


@pytest.fixture(scope="module")
def server():
    """A server with the accounts that most tests need."""
    s = Server(users=("teacher", "student1", "student2", "student3"))
    yield s
    s.close()
