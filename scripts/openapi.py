"""Write service/api/openapi.json and docs.html from openapi.yaml beside them: the service reads no YAML.

python -m scripts.openapi     also `make openapi`
"""

import json
from pathlib import Path
from typing import Any

import yaml

from scripts.reference_page import page

FOLDER = Path(__file__).parent.parent / "service" / "api"
API: dict[str, Any] = yaml.safe_load((FOLDER / "openapi.yaml").read_text(encoding="utf-8"))


def generated() -> dict[str, str]:
    """Return the text of each file by its name."""
    return {"openapi.json": json.dumps(API, ensure_ascii=False, indent=1) + "\n", "docs.html": page(API)}


if __name__ == "__main__":
    for name, text in generated().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
