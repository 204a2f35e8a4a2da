from tests.browser.conftest import open_host

__all__ = ["open_host"]
