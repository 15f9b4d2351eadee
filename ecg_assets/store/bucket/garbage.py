"""Removes unreferenced objects from a bucket, left by writers killed between files and manifest."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from ecg_assets.store.bucket.client import TRANSFERS
from ecg_assets.store.bucket.push import delete_objects
from ecg_assets.store.bucket.working_copy import FILES, MANIFESTS, WorkingCopy, object_name, read_bucket_manifest

# Longer than any upload of a unit: younger files may belong to a manifest that is still to come.
_OLD = timedelta(days=1)


def sweep(copy: WorkingCopy, delete: bool) -> tuple[int, int]:
    """Finds objects below `files/` older than a day that no manifest names, and deletes them if asked.

    Returns:
        Their number, and the sum of their bytes.

    Raises:
        BucketError: the bucket, or a manifest in it, cannot be read; its files would otherwise count as unreferenced.
    """
    # List files first: a manifest written after this listing names only files in it, or younger ones.
    files = copy.bucket.listing(FILES)
    manifests = copy.bucket.listing(MANIFESTS)
    with ThreadPoolExecutor(TRANSFERS) as pool:
        contents = pool.map(copy.bucket.read, manifests)
        named = {
            object_name(name, stored.sha256)
            for found, content in zip(manifests, contents, strict=True)
            for name, stored in read_bucket_manifest(content, copy.bucket.told(found.name)).files.items()
        }
    before = datetime.now(UTC) - _OLD
    old = [found for found in files if found.name not in named and (found.updated is None or found.updated < before)]
    if delete:
        delete_objects(copy, [(found.name, found.generation) for found in old])
    return len(old), sum(found.size for found in old)
