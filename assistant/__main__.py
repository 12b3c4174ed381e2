"""``splice``, and ``python -m assistant``."""

from assistant.cli.app import app
from assistant.settings import wait_briefly


def main() -> None:
    """Run the command line."""
    wait_briefly()
    app(prog_name="splice")


if __name__ == "__main__":
    main()
