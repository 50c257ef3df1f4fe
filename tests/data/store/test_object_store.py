"""The catalog in a bucket, over the real protocol: a server that speaks S3, and pyarrow's client."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from pyarrow import fs

from framework.data.store import catalog
from framework.data.store.read import open_dataset
from framework.data.store.root import root_of
from framework.data.tape.recording import Recording
from framework.errors import DataError
from tests.data.store.market import HOUR, INSTRUMENTS, T0, as_rows, by_hand, events, recording


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server with an empty bucket `ticks`."""
    moto = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    if not hasattr(fs, "S3FileSystem"):
        pytest.skip("this pyarrow was built without S3")
    threaded = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    threaded.start()
    host, port = threaded.get_host_and_port()
    files = fs.S3FileSystem(
        access_key="key",
        secret_key="word",
        endpoint_override=f"{host}:{port}",
        scheme="http",
        allow_bucket_creation=True,
        region="us-east-1",
    )
    files.create_dir("ticks")
    yield f"{host}:{port}"
    threaded.stop()


@pytest.fixture
def root(server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A URL as a user writes it; the credentials are in the environment, as all clients of S3 look for them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "word")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return f"s3://ticks/{request.node.name}?endpoint_override={server}&scheme=http&region=us-east-1"


def test_a_dataset_in_a_bucket(root: str) -> None:
    made = events()
    kept = catalog.import_recording("made", recording(made), root=root, licence="none", buffer_events=700)
    assert (kept.version, kept.rows) == (1, 6000)
    assert catalog.names(root)[-1] == "made"
    assert as_rows(np.concatenate(list(catalog.open("made", root=root).parts()))) == by_hand(made)
    assert catalog.check("made", root) == []
    assert catalog.load("made", root=root).digest() == recording(made).tape().digest()
    catalog.import_recording("made", recording(made[:50]), root=root, licence="none")
    assert catalog.versions("made", root) == [1, 2]
    assert catalog.remove("made", root) == "made@2"
    assert catalog.versions("made", root) == [1]


def test_a_part_of_it_fetches_only_what_may_hold_it(root: str) -> None:
    made = events()[:500]  # five days
    catalog.import_recording("made", recording(made), root=root, licence="none", partition_by="day")
    start, end = T0 + 50 * HOUR, T0 + 53 * HOUR
    dataset = open_dataset(root_of(root), "made", instruments=["BTC"], start=start, end=end)
    found = np.concatenate(list(dataset.parts()))
    assert as_rows(found) == [row for row in by_hand(made) if start <= row[0] <= end and row[4] == 0]
    assert dataset.work.partitions == 1 < len(dataset.manifest.partitions)


class Interrupted(Exception):
    pass


def test_an_import_that_is_interrupted_is_not_seen_and_goes_on(root: str) -> None:
    made = events()

    def broken() -> Iterator[np.ndarray]:
        yield from recording(made).parts()
        raise Interrupted

    with pytest.raises(Interrupted):
        catalog.import_recording("made", Recording(INSTRUMENTS, broken, "made up"), root=root, licence="none", buffer_events=700)
    assert catalog.versions("made", root) == []
    before = {info.path: info.mtime for info in listed(root) if info.path.endswith(".parquet")}
    assert len(before) > 2
    catalog.import_recording("made", recording(made), root=root, licence="none", buffer_events=700)
    after = {info.path: info.mtime for info in listed(root) if info.path.endswith(".parquet")}
    assert {path: after[path] for path in before} == before, "what was done is not written again"
    assert catalog.check("made", root) == []
    assert as_rows(np.concatenate(list(catalog.open("made", root=root).parts()))) == by_hand(made)


def listed(root: str) -> list[fs.FileInfo]:
    where = root_of(root)
    found: list[fs.FileInfo] = where.files.get_file_info(fs.FileSelector(where.base, recursive=True))
    return found


def test_damage_is_found(root: str) -> None:
    catalog.import_recording("made", recording(), root=root, licence="none")
    path = next(info.path for info in listed(root) if info.path.endswith(".parquet"))
    where = root_of(root)
    with where.files.open_output_stream(path) as stream:
        stream.write(b"PAR1 and nothing else")
    [wrong] = catalog.check("made", root)
    assert "checksum" in wrong
    with pytest.raises(DataError, match="damaged"):
        list(catalog.open("made", root=root).parts())


def test_a_bucket_that_is_not_there(root: str) -> None:
    with pytest.raises(DataError, match="is neither a dataset nor a file"):
        catalog.open("made", root=root.replace("s3://ticks/", "s3://elsewhere/"))
