"""Fixtures that any conftest with real Asterisks imports."""

import pytest

from callserver.demo.asterisk.folder import AsteriskFolder, ensure_asterisk_folder


@pytest.fixture(scope="session")
def asterisk_folder() -> AsteriskFolder:
    """The cached folder with Asterisk 22; built on first use, shared by all test processes."""
    return ensure_asterisk_folder(progress=print)
