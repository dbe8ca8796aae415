"""Ways to bring some weeks of an endpoint into Parquet files: one a process, run by loading.py and load_messages.py.

Each is what its library's documentation would have one write. dlt gets windows of equal size, one for each worker.
optkit finds out by itself how many requests the server takes at once.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

ENDPOINTS = {"events": "api/v2/sms/opt-status.json", "messages": "api/v2/campaigns/insights"}


class Job(NamedTuple):
    """What is to be read, from start to end in milliseconds, and the folder that the files go to."""

    url: str
    token: str
    start: int
    end: int
    rows: int
    folder: str
    dataset: str
    workers: int

    @property
    def endpoint(self) -> str:
        return ENDPOINTS[self.dataset]

    def query(self, start: int, end: int) -> dict[str, int]:
        return {"start_time": start, "end_time": end - 1, "per_page": 100}

    def windows(self) -> list[tuple[int, int]]:
        length, count = self.end - self.start, self.workers
        return list(pairwise(self.start + length * number // count for number in range(count + 1)))


def naive(job: Job) -> str:
    import polars as pl
    import requests

    rows: list[dict[str, Any]] = []
    page = 1
    while True:
        answer = requests.get(
            f"{job.url}/{job.endpoint}",
            params={**job.query(job.start, job.end), "page": page},
            headers={"access-token": job.token},
            timeout=30,
        )
        answer.raise_for_status()
        entries = answer.json()["entries"]
        if not entries:
            break
        rows += entries
        page += 1
    frame = pl.DataFrame(rows, infer_schema_length=None)
    frame.write_parquet(Path(job.folder) / "rows.parquet")
    return "rows.parquet"


def bare(job: Job) -> str:
    """Ask for pages whose number is known, on a connection a thread, and do nothing with them: the server's limit."""

    def read(first: int) -> None:
        connection = HTTPConnection(urlsplit(job.url).netloc)
        for page in range(first, job.rows // 100 + 1, job.workers):
            query = urlencode({**job.query(job.start, job.end), "page": page})
            connection.request("GET", f"/{job.endpoint}?{query}", headers={"access-token": job.token})
            assert connection.getresponse().read().count(b"to_phone") == 100
        connection.close()

    with ThreadPoolExecutor(job.workers) as pool:
        list(pool.map(read, range(1, job.workers + 1)))
    return ""


def optkit(job: Job) -> str:
    import optkit

    optkit.configure(base_url=job.url, token=job.token, cache_dir=job.folder, account="bench")
    start, end = (datetime.fromtimestamp(moment / 1000, UTC) for moment in (job.start, job.end))
    if job.dataset == "messages":
        optkit.scan_messages(start, end, progress=False)
        return "bench/messages/*.parquet"
    optkit.scan(start, end, progress=False)
    return "bench/*.parquet"


def dlt_rest_api(job: Job) -> str:
    return _load(job, _rest_api(job, [(job.start, job.end)]))


def dlt_windows(job: Job) -> str:
    return _load(job, _rest_api(job, job.windows()))


def dlt_arrow(job: Job) -> str:
    import dlt
    import msgspec
    import pyarrow as pa
    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=job.workers))
    session.headers["access-token"] = job.token

    def get(start: int, end: int, page: int) -> Any:
        query = {**job.query(start, end), "page": page}
        answer = session.get(f"{job.url}/{job.endpoint}", params=query, timeout=30)
        answer.raise_for_status()
        return msgspec.json.decode(answer.content)

    @dlt.resource
    def pages() -> Iterator[tuple[int, int, int]]:
        for start, end in job.windows():
            count = get(start, end, 1)["total_pages"]
            yield from ((start, end, page) for page in range(1, count + 1))

    @dlt.transformer(data_from=pages, parallelized=True, table_name=job.dataset)
    def rows(page: tuple[int, int, int]) -> Iterator[pa.Table]:
        yield pa.Table.from_pylist(get(*page)["entries"])

    return _load(job, pages | rows)


def _rest_api(job: Job, windows: list[tuple[int, int]]) -> Any:
    """Return a source with a resource a window, all for one table."""
    from dlt.sources.rest_api import rest_api_source

    return rest_api_source(
        {
            "client": {
                "base_url": job.url,
                "headers": {"access-token": job.token},
                "paginator": {"type": "page_number", "base_page": 1, "total_path": "total_pages"},
            },
            "resources": [
                {
                    "name": f"window_{number}",
                    "table_name": job.dataset,
                    "endpoint": {
                        "path": job.endpoint,
                        "params": job.query(*window),
                        "data_selector": "entries",
                    },
                }
                for number, window in enumerate(windows)
            ],
        },
        parallelized=len(windows) > 1,
    )


def _load(job: Job, data: Any) -> str:
    import dlt

    destination = dlt.destinations.filesystem(Path(job.folder, "out").as_uri())
    pipeline = dlt.pipeline(
        "bench", destination=destination, dataset_name="all", pipelines_dir=f"{job.folder}/state"
    )
    pipeline.run(data, loader_file_format="parquet")
    return f"out/all/{job.dataset}/*.parquet"


class Contender(NamedTuple):
    """Who loads, what it imports before, and how many requests it makes at once, as far as it is told."""

    load: Callable[[Job], str]
    imports: tuple[str, ...] = ()
    workers: int = 1


_DLT = ("dlt.sources.rest_api", "dlt.destinations")
_ARROW = ("dlt.destinations", "msgspec", "pyarrow.parquet", "requests")
_OPTKIT = ("optkit.loading.session", "optkit.loading.load", "optkit.loading.load_messages")
CONTENDERS = {
    "http.client, 8 connections, nothing kept": Contender(bare, (), 8),
    "http.client, 32 connections, nothing kept": Contender(bare, (), 32),
    "naive loop": Contender(naive, ("polars", "requests")),
    "optkit": Contender(optkit, _OPTKIT),
    "dlt rest_api": Contender(dlt_rest_api, _DLT),
    "dlt rest_api, 8 windows in parallel": Contender(dlt_windows, _DLT, 8),
    "dlt rest_api, 32 windows in parallel": Contender(dlt_windows, _DLT, 32),
    "dlt, own Arrow transformer, 8 workers": Contender(dlt_arrow, _ARROW, 8),
    "dlt, own Arrow transformer, 32 workers": Contender(dlt_arrow, _ARROW, 32),
}


def main(name: str, *job: str) -> None:
    """Run one contender, its libraries imported before; print seconds, CPU seconds, its age, MB, rows and bytes."""
    run, libraries, workers = CONTENDERS[name]
    os.environ.update(
        RUNTIME__DLTHUB_TELEMETRY="false",
        EXTRACT__WORKERS=str(workers),
        EXTRACT__MAX_PARALLEL_ITEMS=str(max(20, workers)),  # 20 by default
    )
    for library in libraries:
        __import__(library)
    url, token, start, end, rows, folder, dataset = job
    imports = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the highest memory is counted from here on
    began, used = time.perf_counter(), time.process_time()
    files = run(Job(url, token, int(start), int(end), int(rows), folder, dataset, workers))
    result = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - used, "process": _age()}
    result["memory"] = _memory("VmHWM") - imports
    if files:
        import polars as pl

        result["rows"] = pl.scan_parquet(Path(folder) / files).select(pl.len()).collect().item()
        result["bytes"] = sum(path.stat().st_size for path in Path(folder).glob(files))
    print(json.dumps(result))


def _age() -> float:
    """Return the seconds since this process began, its imports among them."""
    began = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began / os.sysconf("SC_CLK_TCK")


def _memory(what: str) -> float:
    """Return what the kernel says of this process, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


if __name__ == "__main__":
    main(*sys.argv[1:])
