"""What follows from something is made once for it."""

from pathlib import Path

from ecg_assets.store.cached_file import kept


def test_it_is_made_once_for_what_it_follows_from_and_again_for_another(tmp_path: Path) -> None:
    made = list[bytes]()

    def make(content: bytes) -> bytes:
        made.append(content)
        return content

    path = tmp_path / "pictures" / "thing.kept"
    for follows_from, content in (("a", b"1\n\n2"), ("a", b"never"), ("b", b""), ("b", b"never"), ("a", b"again")):
        assert kept(path, follows_from, lambda content=content: make(content)) in (b"1\n\n2", b"", b"again")  # type: ignore[misc]
    assert made == [b"1\n\n2", b"", b"again"]
    assert kept(path, "a", lambda: make(b"never")) == b"again"
    assert [one.name for one in path.parent.iterdir()] == ["thing.kept"]


def test_the_beginning_of_a_fingerprint_is_another(tmp_path: Path) -> None:
    assert kept(tmp_path / "thing", "ab", lambda: b"1") == b"1"
    assert kept(tmp_path / "thing", "a", lambda: b"2") == b"2"
