"""Optional packages: an error names the missing ones and the extra that installs them."""

from importlib.util import find_spec

from optkit.errors import SettingsError


def require(what: str, extra: str, *modules: str) -> None:
    """Check that packages of an extra are installed.

    Parameters
    ----------
    what : str
        What needs them, such as "reading Excel files".
    extra : str
        The extra of optkit that installs them.
    *modules : str
        Their top-level modules.

    Raises
    ------
    SettingsError
        A module is not installed.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise SettingsError(f"{what} needs {' and '.join(missing)}: pip install 'optkit[{extra}]'")
