"""Start gunicorn with one part of the service replaced.

python -m benchmarks.serving.ablation.start VARIANT [gunicorn's own arguments]
"""

import importlib
import sys

from gunicorn.app import wsgiapp

from benchmarks.serving.ablation.pieces import MissingPieceError


def main() -> None:
    """Apply the variant in this process, from which gunicorn forks its workers, and run gunicorn."""
    variant = sys.argv.pop(1)
    try:
        importlib.import_module(f"benchmarks.serving.ablation.variants.{variant}").apply()
    except MissingPieceError as error:
        sys.exit(f"{variant}: {error}")
    wsgiapp.run()


if __name__ == "__main__":
    main()
