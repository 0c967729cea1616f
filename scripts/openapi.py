"""Write service/api/openapi.json from openapi.yaml beside it, because the service reads no YAML.

python -m scripts.openapi     also `make openapi`
"""

import json
from pathlib import Path

import yaml

SERVICE = Path(__file__).parent.parent / "service" / "api"


def generated() -> str:
    """Return the text of openapi.json."""
    document = yaml.safe_load((SERVICE / "openapi.yaml").read_text(encoding="utf-8"))
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    (SERVICE / "openapi.json").write_text(generated(), encoding="utf-8")
