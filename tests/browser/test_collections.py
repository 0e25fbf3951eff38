"""Collections in a real browser: cancelled, watched, looked at before they are saved, mended; pictures pasted and taken."""

from __future__ import annotations

import base64
import csv
import io
import re
import shutil
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.edits.drafts.store import DraftStore
from engine.store import Database
from tests.browser.conftest import CHROMIUM_FLAGS, LONG_MS, PATIENCE_MS, at_rest, take_focus, until
from tests.support.tiny_release import TinyRelease, build_tiny_release

# Streamlit 1.67 loses an upload that is given in the moment in which a run begins (see `at_rest`): once more, then.
pytestmark = [pytest.mark.browser, pytest.mark.flaky(reruns=2)]
PASTE = """([data, name]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([bytes], name, { type: "image/jpeg" }));
  const target = document.activeElement ?? document.body;
  target.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true, composed: true }));
}"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> TinyRelease:
    settings = Settings.model_validate({"image": {"kind": "classifiers"}})
    return build_tiny_release(Workspace(tmp_path_factory.mktemp("collections") / "workspace"), settings=settings)


@pytest.fixture(scope="module")
def address(shop: TinyRelease, start_server) -> str:
    return str(start_server(shop.workspace.root))


@pytest.fixture
def drafts(shop: TinyRelease) -> DraftStore:
    store = DraftStore(Database(shop.workspace.database_url), shop.workspace)
    for one in store.all():
        store.discard(one.id)
    return store


@pytest.fixture
def photos(shared_data: Path) -> list[Path]:
    return sorted((shared_data / "clothing" / "images" / "test").glob("*/*.jpg"))


@pytest.fixture(autouse=True)
def curator(context: BrowserContext, address: str) -> None:
    context.add_cookies([{"name": "longtail_curator", "value": "Ada", "url": address}])


def open_collection(page: Page, address: str) -> None:
    page.goto(f"{address}/new_product?view=collection")
    expect(page.locator("input[type=file]")).to_have_count(2)
    at_rest(page)


def give_sheet(page: Page, file: Path) -> None:
    page.locator("input[type=file]").nth(0).set_input_files(file)


def give_pictures(page: Page, files: Path | list[Path]) -> None:
    page.locator("input[type=file]").nth(1).set_input_files(files)


def cells(page: Page, text: str) -> Locator:
    """Cells of the preview, which is drawn on a canvas and told to screen readers."""
    return page.locator("[data-testid=stDataFrame] td").filter(has_text=re.compile(f"^{text}$"))


def sheet(path: Path, *rows: dict[str, object]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    return path


def large(photo: Path, count: int, folder: Path) -> list[Path]:
    """So many files of one photo, two megapixels each, that differ in a comment: pictures that take a while to read."""
    stream = io.BytesIO()
    with Image.open(photo) as small:
        small.convert("RGB").resize((1200, 1600)).save(stream, "JPEG", quality=80)
    data = stream.getvalue()
    folder.mkdir()
    files = [folder / f"p{number:03d}.jpg" for number in range(count)]
    for number, file in enumerate(files):
        comment = b"%06d" % number
        file.write_bytes(data[:2] + b"\xff\xfe\0\x08" + comment + data[2:])
    return files


def number_at_rest(page: Page, workspace: Path) -> int:
    """How many pictures are stored, once none was added for two seconds."""
    before, number = -1, stored(workspace)
    while number != before:
        page.wait_for_timeout(2_000)
        before, number = number, stored(workspace)
    return number


def stored(workspace: Path) -> int:
    return len(list(workspace.rglob("thumbnails/**/*.jpg")))


def test_cancel_ends_the_reading_at_once_and_the_page_goes_on(address, drafts, photos, page: Page, tmp_path: Path):
    files = large(photos[0], 200, tmp_path / "shoot")
    table = sheet(tmp_path / "new.csv", *({"title": f"Dress {file.stem}", "pictures": file.name} for file in files))
    there = stored(drafts._workspace.root)
    open_collection(page, address)
    give_sheet(page, table)
    expect(page.get_by_text("200 need fixing").first).to_be_visible()
    at_rest(page)
    give_pictures(page, files)
    expect(page.get_by_text(re.compile(r"\d+ of 200 pictures read"))).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("p000.jpg", exact=True)).to_have_count(1)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("200 need fixing").first).to_be_visible()
    # The browser has forgotten them too; only the table still names what is missing, in a longer sentence.
    expect(page.get_by_text("p000.jpg", exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    assert number_at_rest(page, drafts._workspace.root) - there < 200  # nothing reads on unseen
    assert drafts.all() == []
    give_pictures(page, files[:1])
    expect(page.get_by_text("1 ready, 199 need fixing.").first).to_be_visible(timeout=LONG_MS)


def test_what_was_read_stays_read_while_other_things_are_done(address, photos, page: Page, tmp_path: Path):
    files = large(photos[1], 80, tmp_path / "shoot")
    with zipfile.ZipFile(tmp_path / "shoot.zip", "w") as archive:
        for file in files:
            archive.write(file, f"shoot/{file.name}")
    rows = [{"title": f"Coat {file.stem}", "pictures": file.name} for file in files]
    table = sheet(tmp_path / "new.csv", *rows)
    open_collection(page, address)
    give_pictures(page, tmp_path / "shoot.zip")
    bar = page.get_by_text(re.compile(r"\d+ of 80 pictures read"))
    expect(bar).to_be_visible(timeout=LONG_MS)
    seen: list[int] = []
    given = False
    while not page.get_by_text("80 ready").count():
        seen += [int(text.split()[0]) for text in bar.all_text_contents()]
        if not given and (not seen or seen[-1] > 10):
            give_sheet(page, table)  # another widget, which has the page run again
            given = True
        page.wait_for_timeout(50)
    assert seen == sorted(seen)
    assert len(set(seen)) > 3


def test_rows_are_looked_at_before_they_are_saved_and_are_saved_once(
    address, drafts, photos, page: Page, tmp_path: Path
):
    names = [photo.name for photo in photos[:3]]
    table = sheet(
        tmp_path / "new.csv",
        {"title": "Green coat", "pictures": names[0], "price": "20"},
        {"title": "Coat, green", "pictures": names[1], "price": "20"},
        {"title": "Red hat", "pictures": names[1], "price": "20"},
        {"title": "Blue shoes", "pictures": names[2], "price": "20"},
        {"title": "White shirt", "pictures": names[2].upper(), "price": "much"},
        {"title": "Grey skirt", "pictures": "", "price": "20"},
    )
    shown: list[str] = []
    page.on("response", lambda answer: shown.append(answer.url) if "/thumb/" in answer.url and answer.ok else None)
    open_collection(page, address)
    give_sheet(page, table)
    expect(page.get_by_text(re.compile(r"\d+ needs? fixing"))).to_be_visible()
    at_rest(page)
    give_pictures(page, photos[:3])
    expect(page.get_by_text("5 ready, 1 needs fixing.").first).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("4 ready rows are worth checking first").first).to_be_visible()
    page.locator("[data-testid=stDataFrame]").scroll_into_view_if_needed()
    expect(cells(page, "Worth checking").first).to_be_attached()
    expect(cells(page, "Needs fixing")).to_have_count(1)
    until(page, lambda: len(set(shown)) == 3)  # each leading picture, small
    page.get_by_role("button", name="Save 5 drafts").dblclick()
    expect(page.get_by_text("5 drafts saved")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("0 ready, 1 needs fixing, 5 saved.").first).to_be_visible()
    expect(cells(page, "Saved").first).to_be_attached()
    assert len(drafts.all()) == 5
    # The whole sheet uploaded again, corrected: only the new row is saved.
    table.write_text(table.read_text("utf-8").replace("much", "30"), "utf-8")
    open_collection(page, address)
    give_sheet(page, table)
    expect(page.get_by_text(re.compile(r"\d+ needs? fixing"))).to_be_visible()
    at_rest(page)
    give_pictures(page, photos[:3])
    expect(page.get_by_text("1 ready, 0 need fixing, 5 saved.").first).to_be_visible(timeout=LONG_MS)
    page.get_by_role("button", name="Save 1 draft").click()
    expect(page.get_by_text("All 6 rows saved.")).to_be_visible(timeout=LONG_MS)
    another = page.get_by_role("button", name="Another collection")
    expect(another).to_have_count(1)  # the one of the run before goes when the run has ended
    another.click()
    expect(page.get_by_text("All 6 rows saved.")).to_have_count(0)
    expect(page.get_by_text("new.csv")).to_have_count(0)
    page.goto(f"{address}/new_product?view=drafts")
    page.get_by_role("button", name="Show all 6 in the shop").click()
    expect(page.get_by_text("6 products in the shop now")).to_be_visible(timeout=LONG_MS)
    assert {one.state for one in drafts.all()} == {"approved"}


def test_every_script_and_sign_survives_the_rows_that_need_fixing(address, drafts, page: Page, tmp_path: Path):
    titles = [
        "שמלה ירוקה 👗",
        "فستان أخضر",
        "👩🏽‍🦰 =1+1",
        "=HYPERLINK(1)",
        "-10 % dress",
        "'=quoted",
        'ドレス; a|b, "c"',
    ]
    table = sheet(tmp_path / "new.csv", *({"title": title, "price": "viel"} for title in titles))
    open_collection(page, address)
    give_sheet(page, table)
    expect(page.get_by_text("0 ready, 7 need fixing.").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Rows that need fixing").click()
    problems = tmp_path / "to-fix.csv"
    download.value.save_as(problems)
    data = problems.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")  # by which Excel knows that it is UTF-8
    assert "'=HYPERLINK" in data.decode("utf-8-sig")
    # Corrected as a spreadsheet program would: read, one column changed, written.
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    give_sheet(page, sheet(problems, *({**row, "price": "12"} for row in rows)))
    page.get_by_role("button", name="Save 7 drafts").click(timeout=LONG_MS)
    expect(page.get_by_text("All 7 rows saved.")).to_be_visible()
    assert sorted(one.product.title for one in drafts.all()) == sorted([*titles[:5], "=quoted", titles[6]])


def test_the_template_comes_as_csv_too_and_says_which_columns_matter(address, page: Page, tmp_path: Path):
    open_collection(page, address)
    with page.expect_download() as download:
        page.get_by_role("button", name="Template (CSV)").click()
    assert download.value.suggested_filename == "new-products.csv"
    download.value.save_as(tmp_path / "template.csv")
    text = (tmp_path / "template.csv").read_bytes().decode("utf-8-sig")
    assert text.startswith("item_id,title,description,brand,category,price,pictures,")
    page.get_by_text("Which columns matter").click()
    expect(page.get_by_text("file names of its pictures")).to_be_visible()


def test_names_and_titles_are_shown_as_they_are_and_never_as_links(address, page: Page, tmp_path: Path):
    bad = tmp_path / "[here](www.evil.example) :material_home: *x*.csv"
    bad.write_bytes(b"\x89PNG no sheet")
    open_collection(page, address)
    give_sheet(page, bad)
    expect(page.locator("[data-testid=stAlert]")).to_contain_text("[here](www")
    assert page.locator("[data-testid=stAlert] a, [data-testid=stAlert] em").count() == 0


@pytest.mark.parametrize("where", ["page", "field", "uploader"])
def test_a_pasted_picture_is_one_of_the_new_product(address, photos, page: Page, where):
    page.goto(f"{address}/new_product")
    expect(page.get_by_label("Title", exact=True)).to_be_visible()
    expect(page.locator("[class*=picture_pasted]")).to_be_attached()
    at_rest(page)
    if where == "field":
        page.get_by_label("Title", exact=True).click()
    elif where == "uploader":
        take_focus(page.locator("[data-testid=stFileUploaderDropzone]").first)
    for number, photo in enumerate(photos[:2], start=1):
        page.evaluate(PASTE, [base64.b64encode(photo.read_bytes()).decode(), "image.jpg"])
        expect(page.locator(".lt-upload")).to_have_count(number, timeout=LONG_MS)
    at_rest(page)
    expect(page.locator(".lt-upload")).to_have_count(2)


def test_a_pasted_picture_is_searched_for(address, photos, page: Page):
    page.goto(f"{address}/similar_items")
    page.get_by_role("button", name="By picture").click()
    expect(page.locator(".st-key-like_picture_pasted")).to_be_attached()
    expect(page.locator(".st-key-like_picture input[type=file]")).to_be_attached()
    at_rest(page)
    # As `at_rest` says, a file given while a run begins is lost; whoever sees nothing happen pastes again.
    for _ in range(10):
        page.evaluate(PASTE, [base64.b64encode(photos[0].read_bytes()).decode(), "copied"])
        with suppress(AssertionError):
            expect(page).to_have_url(re.compile(r"like=[0-9a-f]{64}"), timeout=15_000)
            break
    expect(page.get_by_text("Products like your picture")).to_be_visible(timeout=LONG_MS)


def test_a_picture_is_taken_with_the_camera(address, browser: Browser):
    system = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    filming = browser.browser_type.launch(executable_path=system, args=[*CHROMIUM_FLAGS, *fake])
    try:
        context = filming.new_context(viewport={"width": 1360, "height": 860}, permissions=["camera"])
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies([{"name": "longtail_curator", "value": "Ada", "url": address}])
        page = context.new_page()
        page.goto(f"{address}/new_product")
        expect(page.get_by_label("Title", exact=True)).to_be_visible()
        at_rest(page)
        page.get_by_text("Take a picture").click()
        page.get_by_text("Use this device's camera").click()
        page.wait_for_function("document.querySelector('video')?.videoWidth > 0")
        page.get_by_role("button", name="Take Photo").click()
        expect(page.locator(".lt-upload")).to_have_count(1, timeout=LONG_MS)
        expect(page.locator(".card")).to_have_count(10, timeout=LONG_MS)
    finally:
        filming.close()
