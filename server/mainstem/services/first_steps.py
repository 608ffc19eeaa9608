"""The first admin of a server that has no users."""

from pathlib import Path

from mainstem.errors import InvalidInput
from mainstem.services.users import UserService
from mainstem.settings import BootstrapSettings


def read_secret(file: Path, setting: str) -> str:
    """The content of a file that a setting names; raises InvalidInput."""
    try:
        found = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{setting}: {file} cannot be read") from error
    if not found:
        raise InvalidInput(f"{setting}: {file} is empty")
    return found


def first_admin(users: UserService, wanted: BootstrapSettings) -> bool:
    """Make the admin that the settings name, if there is no user and they name one.

    Raises InvalidInput for a poor password or a file that cannot be read.
    """
    if wanted.password is None and wanted.password_file is None:
        return False
    if users.count():
        return False
    password = (
        wanted.password.get_secret_value()
        if wanted.password is not None
        else read_secret(wanted.password_file or Path(), "auth.bootstrap.password_file")
    )
    return users.create_first(wanted.username, password) is not None
