"""A hundred swaps of the published release under load: no error, and every answer wholly of one release.

    python -m benchmarks.trust --only swaps

The two releases have other lists by construction, and every product's title names the release it is of. One dashboard is
read by tabs that run the page of similar products, by requests for review cards, and by Python callers in this process, while another
thread publishes and rolls back.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from streamlit.proto.BackMsg_pb2 import BackMsg

from benchmarks.trust import Figures
from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.release.manifest import read_manifest
from engine.release.publish import publish, rollback
from engine.release.top_lists import write_top_lists
from engine.serving.current_shop import CurrentShop
from engine.serving.served_shop import ServedShop
from tests.support.forged_release import forge
from tests.support.servers import serving
from tests.support.tab import Tab
from tests.support.tiny_release import build_tiny_release
from ui.review.tokens import ReviewToken, sign_token

SWAPS, PAUSE, TABS = 100, 0.3, 2
ITEMS = ("f0-01", "f1-02", "f2-05", "f3-08")
OF = re.compile(r"\bof (r000[12])\b")
NUMBER = re.compile(r"Release ([12]), trained")
Lists = dict[str, list[str]]


class Readers:
    """Threads that read until they are told to stop, and what they found."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.releases: Counter[str] = Counter()
        self.errors: list[str] = []
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def read(self, what: str, ask: Callable[[int], set[str]]) -> None:
        """Ask again and again: `ask` returns the releases that an answer is of, which have to be one."""

        def work() -> None:
            number = 0
            while not self._ended.is_set():
                try:
                    found = ask(number)
                    if len(found) != 1:
                        self.errors.append(f"{what} answered of {sorted(found)}")
                    self.releases.update(found)
                except Exception as exc:
                    self.errors.append(f"{what}: {exc!r}"[:400])
                self.answers[what] += 1
                number += 1

        self._threads.append(threading.Thread(target=work, name=what))
        self._threads[-1].start()

    def end(self) -> None:
        """Stop them all."""
        self._ended.set()
        for thread in self._threads:
            thread.join()


def measure(arguments: argparse.Namespace) -> Figures:
    """Swaps, answers, errors and answers that mix."""
    with tempfile.TemporaryDirectory(prefix="longtail-swaps-") as folder:
        readers, swaps = run(Path(folder), SWAPS)
    details = {"answers": dict(readers.answers), "of": dict(readers.releases), "errors": readers.errors[:20]}
    return {
        "swaps": (swaps, "100", details),
        "swaps_answers": (sum(readers.answers.values()), "-"),
        "swaps_errors_and_mixed_answers": (len(readers.errors), "0"),
    }


def run(folder: Path, swaps: int) -> tuple[Readers, int]:
    """Swap so often under load; what was read, and how often it was swapped."""
    workspace = Workspace(folder / "workspace")
    lists = _two_releases(workspace)
    readers, settings = Readers(), Settings()
    current = CurrentShop(workspace, settings)
    with serving(workspace.root, folder / "server.log") as server, _browser(server.url) as client:
        port = int(server.url.rpartition(":")[2])
        for number in range(TABS):
            readers.read(f"page {number}", _page(port, f"Tab{number}", lists))
        readers.read("cards", _cards(workspace, client))
        readers.read("python", lambda number: _python(current, number, lists))
        done = 0
        while done < swaps:
            time.sleep(PAUSE)
            if done % 3 == 2:
                rollback(workspace)
            else:
                publish(workspace, "r0001" if current.get().release_id == "r0002" else "r0002")
            done += 1
        readers.end()
        if "Traceback" in server.said():
            readers.errors.append(f"the server's log: {server.said()[-600:]}")
    return readers, done


def _two_releases(workspace: Workspace) -> dict[str, dict[str, Lists]]:
    """Release -> arm -> product -> its list; the titles of each release name it, and in the second one every product has the
    vectors of another, drawn by lot."""
    lists = {}
    for release_id in ("r0001", "r0002"):
        chosen = Settings.model_validate({"text": {"model": "none"}, "image": {"kind": "none"}})
        build_tiny_release(workspace, settings=chosen, publish_it=False)
        directory = workspace.releases / release_id
        arm = read_manifest(directory).arms["hybrid"]
        for name in {arm["query"], arm["candidates"]} if release_id == "r0002" else ():
            vectors = np.load(directory / name)
            np.save(directory / name, vectors[np.random.default_rng(3).permutation(len(vectors))])
        write_top_lists(directory, read_manifest(directory).arms)
        table = pq.read_table(directory / "items.parquet")
        titles = pa.array([f"{item} of {release_id}" for item in table["item_id"].to_pylist()])
        pq.write_table(
            table.set_column(table.schema.get_field_index("title"), "title", titles), directory / "items.parquet"
        )
        forge(directory)
        publish(workspace, release_id)
        shop = ServedShop.open(workspace, Settings(), release_id)
        lists[release_id] = {"hybrid": {item: [one.item_id for one in shop.neighbours(item)] for item in ITEMS}}
    assert all(lists["r0001"]["hybrid"][item] != lists["r0002"]["hybrid"][item] for item in ITEMS)
    return lists


def _page(port: int, name: str, lists: dict[str, dict[str, Lists]]) -> Callable[[int], set[str]]:
    def ask(number: int) -> set[str]:
        with Tab(port, name=name) as tab:
            tab.finish()
            found: set[str] = set()
            for item in ITEMS:
                message = BackMsg()
                message.rerun_script.page_name = "similar_items"
                message.rerun_script.query_string = f"item={item}"
                tab.send(message)
                drawn = tab.texts()
                here = set(OF.findall(drawn)) | {f"r000{number}" for number in NUMBER.findall(drawn)}
                if "Something went wrong" in drawn or not here:
                    raise AssertionError(f"the page of {item} says {drawn[-300:]!r}")
                if len(here) > 1:
                    return here
                wanted = lists[next(iter(here))]["hybrid"][item]
                if shown := [one for one in wanted if f"{one} of " not in drawn]:
                    raise AssertionError(f"the page of {item} lacks {shown} of {here}")
                found = here
            return found

    return ask


def _browser(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, cookies={"longtail_curator": "Ada"}, headers={"Origin": url}, timeout=30)


def _cards(workspace: Workspace, client: httpx.Client) -> Callable[[int], set[str]]:
    def ask(number: int) -> set[str]:
        time.sleep(0.2)  # as a person does; the fair share of requests stands in the way of more
        token = sign_token(workspace, ReviewToken("Ada", ""))
        answer = client.post("/review/cards", json={"token": token, "want": 2, "have": []})
        if answer.status_code != 200 or not answer.json()["cards"]:
            raise AssertionError(f"cards: {answer.status_code} {answer.text[:200]}")
        return set(OF.findall(json.dumps(answer.json()["cards"])))

    return ask


def _python(current: CurrentShop, number: int, lists: dict[str, dict[str, Lists]]) -> set[str]:
    time.sleep(0.01)
    shop, item = current.get(), ITEMS[number % len(ITEMS)]
    found = [one.item_id for one in shop.neighbours(item)]
    if found != lists[shop.release_id]["hybrid"][item]:
        raise AssertionError(f"{item} in {shop.release_id}")
    return {shop.release_id, *OF.findall(" ".join(shop.release.items["title"].iloc[:20]))}
