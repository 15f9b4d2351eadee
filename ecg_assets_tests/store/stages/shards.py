"""A stage's shard for tests: files with given texts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_assets.store.atomic import write_bytes
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes


@dataclass(frozen=True)
class FilesTask:
    """Writes `data/wave_images/<name>.txt` for each `name=text` of `content`."""

    root: Path
    shard: int
    content: str

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.content)

    def make(self) -> tuple[dict[str, str], dict[str, Any]]:
        files = {}
        for pair in self.content.split():
            name, _, text = pair.partition("=")
            write_bytes(self.root / "data" / "wave_images" / f"{name}.txt", text.encode())
            files[f"data/wave_images/{name}.txt"] = sha256_bytes(text.encode())
        return files, {"files": len(files)}
