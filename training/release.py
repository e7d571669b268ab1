"""Write weights with their card, and measurements, into assets/, and keep the manifest's records of them."""

import hashlib
import importlib.util
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import safetensors.torch
from torch import Tensor

ASSETS = Path(__file__).resolve().parent.parent / "assets"


def build() -> ModuleType:
    """assets/build.py as a module: it knows how a manifest is written."""
    spec = importlib.util.spec_from_file_location("assets_build", ASSETS / "build.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def weights(name: str, title: str, state: dict[str, Tensor], card: str, licence: str, source: str, how: str) -> None:
    """Write `weights/<name>.safetensors` and `weights/<name>.md` and put both on record.

    Prints the digest that vizcore/models.py checks.
    """
    data = safetensors.torch.save({key: value.contiguous() for key, value in state.items()})
    files = {f"weights/{name}.safetensors": (title, data), f"weights/{name}.md": (f"{title}: card", card.encode())}
    records = []
    for path, (label, content) in files.items():
        (ASSETS / path).parent.mkdir(exist_ok=True)
        (ASSETS / path).write_bytes(content)
        records.append(
            {
                "path": path,
                "sha256": hashlib.sha256(content).hexdigest(),
                "bytes": len(content),
                "kind": "weights",
                "title": label,
                "category": "networks",
                "author": "The authors of this dashboard",
                "licence": licence,
                "source": source,
                "how": how,
            }
        )
    put_on_record(records)
    print(f"{name}: {len(data) / 1e6:.2f} MB, sha256 {records[0]['sha256']}")


def measurement(file: Path, data: bytes, title: str, source: str, how: str) -> None:
    """Write a file of numbers below assets/ and put it on record.

    Args:
        source, how: the script that made it, from the project's folder; how it was made.
    """
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)
    put_on_record(
        [
            {
                "path": file.relative_to(ASSETS).as_posix(),
                "sha256": hashlib.sha256(data).hexdigest(),
                "bytes": len(data),
                "kind": "measurement",
                "title": title,
                "category": "measurements",
                "author": "The authors of this dashboard",
                "licence": "Apache-2.0",
                "source": source,
                "how": how,
            }
        ]
    )


def put_on_record(records: list[dict]) -> None:
    """Add the records to assets/manifest.toml, in place of those with the same path."""
    manifest = ASSETS / "manifest.toml"
    paths = {record["path"] for record in records}
    kept = [record for record in tomllib.loads(manifest.read_text("utf-8"))["asset"] if record["path"] not in paths]
    manifest.write_text(build().manifest_text(kept + records), "utf-8")
